//! Any bytes as a push: if the quick reader accepts them, the slow one reads the same.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| qrc::fuzzing::push_reads_the_same_both_ways(data));
