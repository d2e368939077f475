//! Whose an archive is, and its newest sound manifest.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value as Json;

use super::sha256;

/// The store that the archive is of.
pub(super) fn owner(archive: &Path) -> Option<String> {
    let bytes = fs::read(archive.join("archive.json")).ok()?;
    let says: Json = serde_json::from_slice(&bytes).ok()?;
    says["store"].as_str().map(str::to_owned)
}

/// The manifest with the greatest sequence of those that are sound and of the archive's own store.
pub(super) fn newest(archive: &Path, own: Option<&str>, found: &mut Vec<String>) -> Option<Json> {
    let mut sound: BTreeMap<u64, Json> = BTreeMap::new();
    let mut hashes: BTreeMap<String, String> = BTreeMap::new();
    for entry in fs::read_dir(archive).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let Some(id) = name
            .strip_prefix("backup-")
            .and_then(|rest| rest.strip_suffix(".json"))
        else {
            continue;
        };
        let bytes = fs::read(entry.path()).unwrap_or_default();
        match checked(&bytes, id) {
            Ok(manifest) => {
                let whose = manifest["store"].as_str();
                hashes.insert(id.to_owned(), sha256(&bytes));
                if whose.is_none() || own.is_none() || whose == own {
                    let sequence = manifest["sequence"].as_u64().unwrap_or(0);
                    if sound.insert(sequence, manifest).is_some() {
                        found.push(format!("{name}: its sequence is there twice"));
                    }
                }
            }
            Err(wrong) => found.push(format!("{name}: {wrong}")),
        }
    }
    for manifest in sound.values() {
        chained(archive, manifest, &hashes, found);
    }
    sound.pop_last().map(|(_, manifest)| manifest)
}

fn checked(bytes: &[u8], id: &str) -> Result<Json, String> {
    let manifest: Json = serde_json::from_slice(bytes).map_err(|wrong| wrong.to_string())?;
    if manifest["kind"] != "qsys-agent backup" {
        return Err("not a manifest".into());
    }
    if !matches!(manifest["format"].as_u64(), Some(1 | 2)) {
        return Err(format!("format {}", manifest["format"]));
    }
    if manifest["id"] != id {
        return Err(format!("its id is {}", manifest["id"]));
    }
    // All bytes before the line of the seal: all but the last two lines.
    let text = String::from_utf8_lossy(bytes);
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let before = lines[..lines.len().saturating_sub(2)].concat();
    if manifest["seal"] != sha256(before.as_bytes()) {
        return Err("its seal is broken".into());
    }
    Ok(manifest)
}

/// Checks the link to the backup before: there as it was, or told as pruned.
fn chained(
    archive: &Path,
    manifest: &Json,
    hashes: &BTreeMap<String, String>,
    found: &mut Vec<String>,
) {
    let (id, before) = (&manifest["id"], &manifest["previous"]);
    let Some(before_id) = before["id"].as_str() else {
        return;
    };
    match hashes.get(before_id) {
        Some(hash) if before["sha256"] == *hash => {}
        Some(_) => found.push(format!("{id}: the backup before, {before_id}, was altered")),
        None => {
            let pruned = fs::read_to_string(archive.join("pruned.json")).unwrap_or_default();
            if !pruned.contains(before_id) {
                found.push(format!("{id}: the backup before, {before_id}, is missing"));
            }
        }
    }
}
