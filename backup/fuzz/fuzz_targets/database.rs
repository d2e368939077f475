//! Any bytes as a database: a stored day, the original's file, a day of the store.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| backup::fuzzing::database(data));
