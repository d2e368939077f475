//! What the fuzz targets call: each reader of the archive, on any bytes. Nothing here may panic; where bytes are taken,
//! what was read from them must hold.

use std::fs;
use std::io;
use std::path::Path;

use crate::archive::format::manifest::{self, Manifest};
use crate::archive::format::proof::{self, Proof};
use crate::archive::format::pruned::was_pruned;
use crate::archive::format::{gzip, seal, segment};
use crate::archive::look::report::Depth;
use crate::archive::look::{contents, original};
use crate::archive::open::Archive;
use crate::archive::place::folder::Folder;
use crate::archive::place::interface::Place;
use crate::archive::retention::policy::Policy;
use crate::clock::SystemClock;
use crate::disk::{plain, scratch};
use crate::restore::swap;
use crate::restore::undo::{list, take};
use crate::store::day::Day;
use crate::store::folder::Store;
use crate::trusted_now::TrustedNow;

/// A manifest's bytes, as they are and with the seal that belongs to them.
///
/// # Panics
/// Where something that was taken for a manifest is not written as it was read.
pub fn manifest(bytes: &[u8]) {
    let path = Path::new("backup-2026-03-14T00-00-00-000Z.json");
    let sealed = seal::put_on(bytes);
    for bytes in [bytes, &sealed] {
        if let Ok(read) = manifest::parse(path, bytes) {
            let again = manifest::parse(path, &read.to_bytes()).expect("what we write we read");
            assert_eq!(read, again);
            planned(&read);
        }
    }
}

/// What plans, lists and prunes do with a manifest whose files are missing.
fn planned(manifest: &Manifest) {
    let dir = tempfile::tempdir().expect("a scratch folder");
    let archive = Archive::open(dir.path()).expect("an empty folder");
    let name = Manifest::file_name(&manifest.id);
    fs::write(dir.path().join(name), manifest.to_bytes()).expect("a small file");
    let _ = archive.list();
    let _ = archive.recoverable();
    let _ = archive.prune(Policy::count(1), TrustedNow::confirmed(&SystemClock), true);
    let target = dir.path().join("target");
    let _ = archive.plan(
        crate::restore::plan::outline::RestoreSource::Latest,
        manifest.to_ms,
        &target,
    );
    let _ = archive.plan(
        crate::restore::plan::outline::RestoreSource::Id(manifest.id.clone()),
        None,
        &target,
    );
    let report = archive.verify(None, Depth::Quick);
    assert!(
        report.ok == report.findings.is_empty(),
        "findings and outcome are one"
    );
}

/// A compressed day.
pub fn gzip(bytes: &[u8]) {
    let mut from = bytes;
    let _ = gzip::decompress(&mut from, &mut io::sink(), &mut |_| Ok(()));
}

/// A segment file, and the rows inside a record.
pub fn segment(bytes: &[u8]) {
    let dir = tempfile::tempdir().expect("a scratch folder");
    let place = Folder::open(dir.path().to_path_buf()).expect("an empty folder");
    let name = segment::file_name(1);
    place.put(&name, bytes).expect("a small file");
    if let Ok(records) = segment::records(&place, &name, 0) {
        for record in records.flatten() {
            let _ = segment::read(&place, &name, &record);
        }
    }
    for line in String::from_utf8_lossy(bytes).lines() {
        let _ = segment::rows::parse_row(line);
    }
}

/// A database: as a file to verify or restore, and as a day of the store.
pub fn database(bytes: &[u8]) {
    let dir = tempfile::tempdir().expect("a scratch folder");
    let day = Day::of_ms(1_773_446_400_000);
    let path = dir.path().join(day.file_name());
    fs::write(&path, bytes).expect("a small file");
    if let Ok(opened) = original::open(&path, &|| scratch::folder(dir.path())) {
        let _ = opened.inspect(&path, true);
        let _ = opened.kind(&path);
    }
    if let Ok(conn) = plain::open(&path) {
        let _ = plain::check(&conn, false);
        let _ = contents::of(&conn, &path);
    }
    if let Ok(store) = Store::open(dir.path()) {
        let _ = store.summary();
        let _ = store.state_at(i64::MAX);
        let _ = store.gaps(0, i64::MAX);
    }
}

/// The small records: a proof, the list of pruned backups, the intent of a restore and its undo.
///
/// # Panics
/// Where a restore's records reach a file outside the store.
pub fn record(bytes: &[u8]) {
    let dir = tempfile::tempdir().expect("a scratch folder");
    let outside = dir.path().join("outside");
    let target = dir.path().join("store");
    for folder in [
        ".restore/new",
        ".undo/files",
        ".undo/7/files",
        ".undo-next/files",
    ] {
        fs::create_dir_all(target.join(folder)).expect("a folder");
    }
    fs::write(&outside, b"not ours").expect("a small file");
    fs::write(target.join("pruned.json"), bytes).expect("a small file");
    let place = Folder::open(target.clone()).expect("a folder");
    let _ = was_pruned(&place, "x");
    fs::write(target.join("events.json"), b"{}").expect("a small file");
    fs::write(target.join(proof::name("events.json")), bytes).expect("a small file");
    let _ = proof::read(&place, "events.json");
    let _ = serde_json::from_slice::<Proof>(bytes);
    for step in [".undo/undo.json", ".undo/7/undo.json"] {
        fs::write(target.join(step), bytes).expect("a small file");
        let _ = list::undo_available(&target);
        let _ = list::undo_steps(&target);
        let _ = take::undo(&target);
    }
    fs::create_dir_all(target.join(".restore/new")).expect("a folder");
    fs::write(target.join(".restore/intent.json"), bytes).expect("a small file");
    let _ = swap::finish_interrupted(&target);
    assert!(outside.exists(), "a restore's records stay in its store");
}
