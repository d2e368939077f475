//! Each kind of byte of an archive changed in turn: it is found, or it is without effect; nothing wrong ever comes back.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use backup::{Archive, Depth, Event, RestoreSource, SettingsFile, SettingsSource, Store};

use crate::archive_jobs::copy_tree;
use crate::stage::{NOON, TestClock, all, change, series, start, stop};

/// Two backups, the second with a later part of the day, and segments on top, in several records.
async fn staged(dir: &Path) -> Vec<Event> {
    let (events, clock) = (dir.join("events"), TestClock::at(NOON));
    let archive = Archive::open(dir.join("backups")).unwrap();
    let settings = SettingsFile {
        name: "agent.toml".into(),
        source: SettingsSource::Text("[core]\nhost = \"192.0.2.7\"\n".into()),
    };
    let (recorder, thread) = start(&events, &clock);
    let store = Store::open(&events).unwrap();
    let gains: Vec<_> = (0..4)
        .map(|n| recorder.series(series(&format!("Amp {n}.gain"))))
        .collect();
    let mut shipper = None;
    for round in 0..5i64 {
        for n in 0..20 {
            let at = NOON + round * 10_000 + n * 10;
            clock.set(at);
            let value = (n * 7 % 40) as f64 - 30.0;
            let gain = gains[(n % 4) as usize];
            let text = format!("{value:.1}dB");
            recorder
                .changes(
                    at,
                    vec![change(gain, value, &text, (value + 100.0) / 120.0)],
                )
                .await;
        }
        recorder.flush().await.unwrap();
        if round < 2 {
            let settings = std::slice::from_ref(&settings);
            archive.backup(&store, settings, &()).unwrap();
        } else {
            let shipper = shipper.get_or_insert_with(|| archive.ship(&store).unwrap());
            while shipper.step().unwrap().more {}
        }
    }
    stop(recorder, thread).await;
    all(&events)
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let name = entry.file_name().into_string().unwrap();
        if name.starts_with('.') {
            continue;
        }
        if entry.file_type().unwrap().is_dir() {
            found.extend(files(&entry.path()));
        } else {
            found.push(entry.path());
        }
    }
    found.sort();
    found
}

/// Bytes of each kind: all of what stands at the beginning and the end, and some between them, no two of them in the
/// same place of lines or fields.
fn places(length: usize) -> BTreeSet<usize> {
    let ends = (0..length.min(100))
        .step_by(5)
        .chain((length.saturating_sub(80)..length).step_by(9));
    let between = (0..length).step_by(length / 20 + 1);
    ends.chain(between).collect()
}

/// What a restore of the latest state brings; nothing where there is none.
fn comes_back(backups: &Path) -> Option<Vec<Event>> {
    let elsewhere = tempfile::tempdir().unwrap();
    let archive = Archive::open(backups).unwrap();
    let plan = archive.plan(RestoreSource::Latest, None, elsewhere.path());
    plan.ok()?.build(&()).ok()?.swap().ok()?;
    Some(all(elsewhere.path()))
}

#[tokio::test]
async fn each_kind_of_byte_is_guarded_or_without_effect() {
    let dir = tempfile::tempdir().unwrap();
    let recorded = staged(dir.path()).await;
    let backups = dir.path().join("backups");
    let report = Archive::open(&backups).unwrap().verify(None, Depth::Deep);
    assert!(report.ok, "{:#?}", report.findings);
    assert_eq!(comes_back(&backups).unwrap(), recorded);
    let kinds = [
        "archive.json",
        "backup-",
        "days/",
        "-after-",
        "segments/",
        "settings/",
    ];
    let sound = files(&backups);
    for kind in kinds {
        let named = |file: &PathBuf| {
            file.strip_prefix(&backups)
                .unwrap()
                .to_str()
                .unwrap()
                .contains(kind)
        };
        assert!(sound.iter().any(named), "no file of the kind {kind}");
    }
    let (mut found, mut without_effect) = (0, Vec::new());
    for file in sound
        .iter()
        .filter(|file| !file.to_string_lossy().ends_with(".proof"))
    {
        let bytes = fs::read(file).unwrap();
        for place in places(bytes.len()) {
            let scratch = tempfile::tempdir().unwrap();
            let copy = scratch.path().join("backups");
            copy_tree(&backups, &copy);
            let mut altered = bytes.clone();
            altered[place] ^= 1;
            fs::write(copy.join(file.strip_prefix(&backups).unwrap()), &altered).unwrap();
            let said = format!("byte {place} of {}", file.display());
            let archive = Archive::open(&copy).unwrap();
            let sound =
                archive.verify(None, Depth::Quick).ok && archive.verify(None, Depth::Deep).ok;
            let back = comes_back(&copy);
            for event in back.iter().flatten() {
                assert!(
                    recorded.contains(event),
                    "never recorded: {event:?}; {said}"
                );
            }
            for event in back.iter().flatten() {
                assert!(
                    recorded.contains(event),
                    "never recorded: {event:?}; {said}"
                );
            }
            if !sound {
                found += 1;
                continue;
            }
            assert_eq!(back.as_ref(), Some(&recorded), "not found: {said}");
            // Who writes into the archive, what its clock was and when its files were read is nobody's record.
            let beside = ["archive.json", "clock.json", "looks.json"];
            if !beside.iter().any(|name| file.ends_with(name)) {
                without_effect.push(said);
            }
        }
    }
    // Most of an archive is guarded; the rest is what nobody reads.
    assert!(
        found > 10 * without_effect.len(),
        "{found} found, without effect: {without_effect:#?}"
    );
}
