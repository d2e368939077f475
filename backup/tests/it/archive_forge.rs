//! Forging: a stored day altered by somebody who knows the format and makes every hash and the seal again.

use std::path::{Path, PathBuf};

use rusqlite::Connection;
use serde_json::{Value as Json, json};
use sha2::{Digest as _, Sha256};

use crate::archive_stage::{Stage, day_ms, gzip_file};

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// The manifests of an archive, oldest first.
pub(crate) fn manifests(archive: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(archive)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "json"))
        .filter(|path| {
            let name = path.file_name().unwrap().to_string_lossy();
            name.starts_with("backup-")
        })
        .collect();
    files.sort();
    files
}

/// Changes the newest manifest and seals it again.
pub(crate) fn reseal(archive: &Path, change: impl FnOnce(&mut Json)) {
    reseal_file(&manifests(archive).pop().unwrap(), change);
}

/// Changes a sealed file and seals it again.
pub(crate) fn reseal_file(path: &Path, change: impl FnOnce(&mut Json)) {
    let mut manifest: Json = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    manifest.as_object_mut().unwrap().remove("seal");
    change(&mut manifest);
    let mut text = serde_json::to_string_pretty(&manifest).unwrap();
    text.truncate(text.len() - 2);
    text.push_str(",\n");
    let seal = sha256(text.as_bytes());
    text.push_str(&format!("  \"seal\": \"{seal}\"\n}}\n"));
    std::fs::write(path, text).unwrap();
}

/// Makes the newest backup look some hours old.
pub(crate) fn backdate(archive: &Path, hours: i64) {
    reseal(archive, |manifest| {
        let at = &mut manifest["created_at_ms"];
        *at = json!(at.as_i64().unwrap() - hours * 3_600_000);
    });
}

/// A stage with four backups, an hour between one and the next; 240 events in the last.
pub(crate) fn four_backups() -> Stage {
    let stage = Stage::with(2, 100);
    for n in 0..4 {
        stage.record(day_ms(0) + 500 + n * 10_000, 10, 1000);
        stage.archive.backup(&stage.store, &[], &()).unwrap();
        backdate(&stage.backups_dir(), 4 - n);
    }
    stage
}

/// Changes the last stored part of the newest day, and makes all hashes again.
pub(crate) fn forge(archive: &Path, change: impl FnOnce(&Connection)) {
    reseal(archive, |manifest| {
        let days = manifest["days"].as_array_mut().unwrap();
        let day = days.last_mut().unwrap();
        let part = match day.get("deltas") {
            Some(deltas) => {
                let last = deltas.as_array().unwrap().len() - 1;
                &mut day["deltas"][last]
            }
            None => day,
        };
        let stored = archive.join(part["file"].as_str().unwrap());
        let scratch = tempfile::tempdir().unwrap();
        let raw = scratch.path().join("day.db");
        let mut inflated = Vec::new();
        std::io::Read::read_to_end(
            &mut flate2::read::MultiGzDecoder::new(std::fs::File::open(&stored).unwrap()),
            &mut inflated,
        )
        .unwrap();
        std::fs::write(&raw, inflated).unwrap();
        let conn = Connection::open(&raw).unwrap();
        change(&conn);
        drop(conn);
        gzip_file(&raw, &stored);
        let (raw, bytes) = (
            std::fs::read(&raw).unwrap(),
            std::fs::read(&stored).unwrap(),
        );
        part["bytes"] = json!(bytes.len());
        part["sha256"] = json!(sha256(&bytes));
        part["raw_bytes"] = json!(raw.len());
        part["raw_sha256"] = json!(sha256(&raw));
    });
}
