//! A Lua with the libraries of a Core, and the errors of scripts that do not run in it.

use mlua::{Lua, LuaOptions, StdLib};

/// The most Lua may allocate, in bytes.
const MEMORY_LIMIT: usize = 64 << 20;

/// Why a script does not run, in Lua's words.
#[derive(Debug, Clone, thiserror::Error)]
pub enum HostError {
    /// The text is not Lua, or raised an error while loading.
    #[error("{script}: {message}")]
    Script {
        /// Which script.
        script: String,
        /// Lua's message, with the line.
        message: String,
    },
    /// A callback of the definition pass gave something Designer would refuse.
    #[error("{script}: {what}: found {found}, expected {expected}")]
    Definition {
        /// Which script.
        script: String,
        /// Where in the definition.
        what: String,
        /// What is there.
        found: String,
        /// What Designer wants.
        expected: String,
    },
}

impl HostError {
    pub(crate) fn lua(script: &str, error: &mlua::Error) -> HostError {
        HostError::Script {
            script: script.into(),
            message: error.to_string(),
        }
    }
}

/// A Lua with the libraries a Core has; what is left out is taken away by `modules.lua`.
pub(crate) fn new_lua() -> mlua::Result<Lua> {
    let libraries = StdLib::TABLE
        | StdLib::STRING
        | StdLib::MATH
        | StdLib::UTF8
        | StdLib::OS
        | StdLib::COROUTINE;
    let lua = Lua::new_with(libraries, LuaOptions::default())?;
    lua.set_memory_limit(MEMORY_LIMIT)?;
    Ok(lua)
}
