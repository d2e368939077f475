//! What a script leaves for its host: log lines, deferred calls, and globals that it read but nobody set.

use std::collections::{HashSet, VecDeque};

use mlua::Function;

/// Log lines kept; older ones go.
const LOG_LINES: usize = 500;

/// Which channel a log line came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogKind {
    /// `Log.Message`
    Message,
    /// `Log.Error`
    Error,
    /// `print`
    Print,
    /// An error that no handler caught.
    Uncaught,
}

/// One line a script wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// The channel.
    pub kind: LogKind,
    /// The text.
    pub text: String,
}

/// The lines that nobody has taken yet.
#[derive(Default)]
pub(super) struct Log(VecDeque<LogLine>);

impl Log {
    pub(super) fn push(&mut self, kind: LogKind, text: String) {
        if self.0.len() >= LOG_LINES {
            self.0.pop_front();
        }
        self.0.push_back(LogLine { kind, text });
    }

    pub(super) fn take(&mut self) -> Vec<LogLine> {
        self.0.drain(..).collect()
    }
}

/// What the Lua side leaves for the host.
#[derive(Default)]
pub(super) struct Shared {
    pub(super) log: Log,
    pub(super) undefined: HashSet<String>,
    pub(super) deferred: VecDeque<Function>,
}
