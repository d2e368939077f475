//! The instruction budget: a call into Lua that runs too long is stopped and its script is dead.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use mlua::{HookTriggers, Lua, VmState};

/// Instructions between two looks at the budget.
const STEP: u32 = 1000;

/// Counts the instructions of one call.
#[derive(Clone)]
pub(crate) struct Budget {
    limit: i64,
    left: Arc<AtomicI64>,
    spent: Arc<AtomicBool>,
}

impl Budget {
    /// Sets the hook. It covers coroutines too, which a plain hook would miss.
    pub(crate) fn install(lua: &Lua, limit: u32) -> mlua::Result<Budget> {
        let budget = Budget {
            limit: i64::from(limit),
            left: Arc::new(AtomicI64::new(i64::from(limit))),
            spent: Arc::new(AtomicBool::new(false)),
        };
        watch(lua, STEP, budget.clone())?;
        Ok(budget)
    }

    /// Starts a fresh call.
    pub(crate) fn refill(&self) {
        self.left.store(self.limit, Ordering::Relaxed);
    }

    /// True once any call went over: the script must not run again.
    pub(crate) fn is_spent(&self) -> bool {
        self.spent.load(Ordering::Relaxed)
    }
}

fn watch(lua: &Lua, step: u32, budget: Budget) -> mlua::Result<()> {
    lua.set_global_hook(
        HookTriggers::new().every_nth_instruction(step),
        move |lua, _| {
            let left = budget.left.fetch_sub(i64::from(step), Ordering::Relaxed);
            if left > 0 {
                return Ok(VmState::Continue);
            }
            if !budget.spent.swap(true, Ordering::Relaxed) || step != 1 {
                // A pcall in a loop would swallow a single error for ever: from now on every
                // instruction raises, until the whole call has unwound.
                watch(lua, 1, budget.clone())?;
            }
            Err(mlua::Error::RuntimeError("execution limit reached".into()))
        },
    )
}
