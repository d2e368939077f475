//! Any bytes as a manifest, as they are and under a seal of their own.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| backup::fuzzing::manifest(data));
