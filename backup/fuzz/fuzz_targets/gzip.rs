//! Any bytes as a compressed day.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| backup::fuzzing::gzip(data));
