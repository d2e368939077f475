//! Stories told by the real program.
