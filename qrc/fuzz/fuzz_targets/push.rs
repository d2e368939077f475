//! Any bytes as a push: what the quick reader takes, the slow one reads the same.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| qrc::fuzzing::push_reads_the_same_both_ways(data));
