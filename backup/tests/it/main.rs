//! The store's behaviours, on real files.

mod days;
