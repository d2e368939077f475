//! Any bytes as the small records: proofs, the intent and undo of a restore, the ledger of pruned backups.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| backup::fuzzing::record(data));
