//! The record of pruned backups.

use std::collections::HashSet;
use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::archive::format::manifest::Manifest;
use crate::clock::{Clock as _, SystemClock};
use crate::disk::draft;
use crate::error::Result;

/// The record of pruned backups, so that the chain can tell pruned from lost.
const LEDGER: &str = "pruned.json";

#[derive(Debug, Default, Serialize, Deserialize)]
struct Ledger {
    format: u32,
    pruned: Vec<Entry>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Entry {
    id: String,
    sha256: String,
    pruned_at_ms: i64,
}

fn read(dir: &Path) -> Ledger {
    fs::read(dir.join(LEDGER))
        .ok()
        .and_then(|bytes| serde_json::from_slice(&bytes).ok())
        .unwrap_or_default()
}

/// Was this backup removed by a prune?
pub(crate) fn was_pruned(dir: &Path, id: &str) -> bool {
    read(dir).pruned.iter().any(|entry| entry.id == id)
}

/// Adds the backups that go, before their first file does.
pub(crate) fn write(
    dir: &Path,
    kept: &[&(Manifest, String)],
    gone: &[&(Manifest, String)],
) -> Result<()> {
    let mut ledger = read(dir);
    ledger.format = 1;
    let now = SystemClock.now_ms();
    ledger
        .pruned
        .extend(gone.iter().map(|(manifest, sha256)| Entry {
            id: manifest.id.clone(),
            sha256: sha256.clone(),
            pruned_at_ms: now,
        }));
    // Only what a remaining backup still points to can ever be asked for; so the ledger stays short.
    let asked: HashSet<&str> = kept
        .iter()
        .filter_map(|(manifest, _)| Some(manifest.previous.as_ref()?.id.as_str()))
        .collect();
    ledger
        .pruned
        .retain(|entry| asked.contains(entry.id.as_str()));
    let mut text = serde_json::to_vec_pretty(&ledger).expect("plain data");
    text.push(b'\n');
    draft::write_whole(dir, LEDGER, &text).map(drop)
}
