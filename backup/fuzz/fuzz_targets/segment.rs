//! Any bytes as a segment file, and as the rows inside a record.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| backup::fuzzing::segment(data));
