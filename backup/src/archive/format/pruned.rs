//! The list of pruned backups.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use crate::archive::format::manifest::Manifest;
use crate::archive::place::interface::Place;
use crate::clock::{Clock as _, SystemClock};
use crate::error::Result;

/// The list of pruned backups, so that the chain can tell pruned from lost.
const FILE: &str = "pruned.json";

/// It holds at most one entry for each remaining backup.
const LARGEST: u64 = 64 << 20;

#[derive(Debug, Default, Serialize, Deserialize)]
struct List {
    format: u32,
    pruned: Vec<Entry>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Entry {
    id: String,
    sha256: String,
    pruned_at_ms: i64,
}

fn read(place: &dyn Place) -> List {
    place
        .get_small(FILE, LARGEST)
        .ok()
        .and_then(|bytes| serde_json::from_slice(&bytes).ok())
        .unwrap_or_default()
}

/// Was this backup removed by a prune?
pub(crate) fn was_pruned(place: &dyn Place, id: &str) -> bool {
    read(place).pruned.iter().any(|entry| entry.id == id)
}

/// Adds the backups that go, before their first file does.
pub(crate) fn write(
    place: &dyn Place,
    kept: &[&(Manifest, String)],
    gone: &[&(Manifest, String)],
) -> Result<()> {
    let mut list = read(place);
    list.format = 1;
    let now = SystemClock.now_ms();
    list.pruned
        .extend(gone.iter().map(|(manifest, sha256)| Entry {
            id: manifest.id.clone(),
            sha256: sha256.clone(),
            pruned_at_ms: now,
        }));
    // Only the predecessor of a backup that is there is ever looked up; so the list stays short. Those that go are there
    // still, and stay where the prune is cut off.
    let asked: HashSet<&str> = (kept.iter().chain(gone))
        .filter_map(|(manifest, _)| Some(manifest.previous.as_ref()?.id.as_str()))
        .collect();
    list.pruned
        .retain(|entry| asked.contains(entry.id.as_str()));
    let mut text = serde_json::to_vec_pretty(&list).expect("plain data");
    text.push(b'\n');
    place.put(FILE, &text)
}
