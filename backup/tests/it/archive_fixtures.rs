//! Archives kept as files, whole and damaged. `said.txt` beside each holds what the program must say of it.
//!
//! `MAKE_FIXTURES=1 cargo test -p backup --test it fixtures -- --test-threads=1` makes them anew (all but the one of an
//! older program) and writes down what is said; read the difference before it is committed.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use backup::{Archive, Depth, RestoreSource, SettingsFile, SettingsSource};
use serde_json::json;
use tempfile::TempDir;

use crate::archive_forge::{forge, manifests, reseal};
use crate::archive_stage::{Stage, all_in, day_ms, gzip_file, seed_database};

/// Made with the program as it was before it kept a digest of the state: two days, one of them in two parts.
const OLDER: &str = "older-program";
pub(crate) const SOUND: &str = "sound";
/// Files taken away, one a line.
const REMOVED: &str = "removed.txt";
const SAID: &str = "said.txt";

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/archive")
}

fn making() -> bool {
    std::env::var_os("MAKE_FIXTURES").is_some()
}

/// Every file below a folder, as paths relative to it.
fn files(folder: &Path) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap().map(Result::unwrap) {
            if entry.file_type().unwrap().is_dir() {
                folders.push(entry.path());
            } else {
                found.insert(entry.path().strip_prefix(folder).unwrap().to_path_buf());
            }
        }
    }
    found
}

/// What belongs to an archive: no locks, no notes of verifications.
fn content(archive: &Path) -> BTreeSet<PathBuf> {
    let mut files = files(archive);
    files.retain(|file| {
        let hidden =
            |part: std::path::Component<'_>| part.as_os_str().to_string_lossy().starts_with('.');
        !file.components().any(hidden) && !file.starts_with("proofs")
    });
    files
}

fn copy(from: &Path, to: &Path, files: impl IntoIterator<Item = PathBuf>) {
    for file in files {
        let target = to.join(&file);
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::copy(from.join(&file), target).unwrap();
    }
}

pub(crate) fn copied(name: &str) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let from = fixtures().join(name);
    copy(&from, dir.path(), files(&from));
    dir
}

fn damaged() -> PathBuf {
    fixtures().join("damaged")
}

/// The sound archive with a damaged fixture's files over it.
fn with_damage(name: &str) -> TempDir {
    let dir = copied(SOUND);
    let from = damaged().join(name);
    let removed = fs::read_to_string(from.join(REMOVED)).unwrap_or_default();
    for file in removed.lines() {
        fs::remove_file(dir.path().join(file)).unwrap();
    }
    let mut files = files(&from);
    files.retain(|file| file != Path::new(REMOVED) && file != Path::new(SAID));
    copy(&from, dir.path(), files);
    dir
}

/// All that is said of an archive, for people to read.
fn said(dir: &Path) -> String {
    let archive = Archive::open(dir).unwrap();
    let mut said = String::new();
    let mut line = |text: String| {
        said += &text.replace(&format!("{}/", dir.display()), "");
        said.push('\n');
    };
    let report = archive.verify(None, Depth::Quick);
    assert_eq!(report.ok, report.findings.is_empty());
    for finding in &report.findings {
        let path = finding.path.strip_prefix(dir).unwrap();
        line(format!("{}: {}", path.display(), finding.problem));
        line(format!("    expected  {}", finding.expected));
        line(format!("    found     {}", finding.found));
        line(format!("    do        {}", finding.hint));
    }
    for note in &report.notes {
        line(format!("note: {note}"));
    }
    for info in archive.list().unwrap() {
        let state = match (&info.problem, info.restores) {
            (Some(problem), false) => format!("does not restore: {problem}"),
            (Some(problem), true) => format!("restores, not proved: {problem}"),
            (None, _) => "proved".to_owned(),
        };
        line(format!("{}: {state}", info.id));
    }
    let target = tempfile::tempdir().unwrap();
    match archive.plan(RestoreSource::Latest, None, target.path()) {
        Ok(plan) => {
            line(format!(
                "restores {} events from {}",
                plan.events, plan.from
            ));
            plan.notes
                .into_iter()
                .for_each(|note| line(format!("    {note}")));
        }
        Err(error) => {
            line(format!("restores nothing: {error}").replace(&format!("{}: ", dir.display()), ""))
        }
    }
    said
}

/// Day, segment and settings files of an archive, by folder, in order.
fn stored(archive: &Path, folder: &str) -> Vec<PathBuf> {
    let files = files(&archive.join(folder));
    files
        .into_iter()
        .map(|file| archive.join(folder).join(file))
        .collect()
}

fn change(path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = fs::read(path).unwrap();
    change(&mut bytes);
    fs::write(path, bytes).unwrap();
}

fn cut(path: &Path) {
    change(path, |bytes| bytes.truncate(bytes.len() * 2 / 3));
}

fn flip(path: &Path) {
    change(path, |bytes| {
        let middle = bytes.len() / 2;
        bytes[middle] ^= 4;
    });
}

fn swap(a: &Path, b: &Path) {
    let (of_a, of_b) = (fs::read(a).unwrap(), fs::read(b).unwrap());
    fs::write(a, of_b).unwrap();
    fs::write(b, of_a).unwrap();
}

pub(crate) fn foreign(path: &Path) {
    fs::write(path, "Minutes of the meeting on Tuesday\n").unwrap();
}

fn day(archive: &Path) -> PathBuf {
    stored(archive, "days").swap_remove(0)
}

fn segment(archive: &Path) -> PathBuf {
    stored(archive, "segments").swap_remove(0)
}

fn settings(archive: &Path) -> PathBuf {
    stored(archive, "settings").swap_remove(0)
}

fn manifest(archive: &Path) -> PathBuf {
    manifests(archive).swap_remove(0)
}

type Damage = (&'static str, fn(&Path));

const DAMAGES: [Damage; 23] = [
    ("day-cut-short", |dir| cut(&day(dir))),
    ("day-flipped", |dir| flip(&day(dir))),
    ("day-missing", |dir| fs::remove_file(day(dir)).unwrap()),
    ("day-foreign", |dir| foreign(&day(dir))),
    ("days-swapped", |dir| {
        let days = stored(dir, "days");
        swap(&days[0], &days[1]);
    }),
    ("day-of-a-newer-program", |dir| {
        forge(dir, |conn| {
            conn.pragma_update(None, "user_version", 99).unwrap()
        });
    }),
    ("manifest-cut-short", |dir| cut(&manifest(dir))),
    ("manifest-flipped", |dir| flip(&manifest(dir))),
    ("manifest-missing", |dir| {
        fs::remove_file(manifest(dir)).unwrap()
    }),
    ("manifest-foreign", |dir| foreign(&manifest(dir))),
    ("manifests-swapped", |dir| {
        let manifests = manifests(dir);
        swap(&manifests[0], &manifests[1]);
    }),
    ("manifest-of-a-newer-program", |dir| {
        reseal(dir, |manifest| {
            manifest["format"] = json!(99);
            manifest["signed_by"] = json!("somebody new");
        });
    }),
    ("settings-cut-short", |dir| cut(&settings(dir))),
    ("settings-flipped", |dir| flip(&settings(dir))),
    ("settings-missing", |dir| {
        fs::remove_file(settings(dir)).unwrap()
    }),
    ("settings-foreign", |dir| foreign(&settings(dir))),
    ("settings-swapped", |dir| {
        let settings = stored(dir, "settings");
        swap(&settings[0], &settings[1]);
    }),
    ("segment-cut-short", |dir| cut(&segment(dir))),
    ("segment-flipped", |dir| flip(&segment(dir))),
    ("segment-missing", |dir| {
        fs::remove_file(segment(dir)).unwrap()
    }),
    ("segment-foreign", |dir| foreign(&segment(dir))),
    ("segments-swapped", |dir| {
        let segments = stored(dir, "segments");
        swap(&segments[0], &segments[1]);
    }),
    ("everything-at-once", |dir| {
        let days = stored(dir, "days");
        cut(&days[0]);
        flip(&days[1]);
        flip(&settings(dir));
        foreign(&manifest(dir));
        cut(&segment(dir));
    }),
];

/// Two backups of two days, the second of them in two parts, with two settings files and two files of segments.
fn make_sound() {
    let stage = Stage::with(2, 60);
    let text = |name: &str, text: &str| SettingsFile {
        name: name.into(),
        source: SettingsSource::Text(text.into()),
    };
    let settings = [
        text("qsys-agent.toml", "[core]\nhost = \"10.0.0.1\"\n"),
        text("plugin.json", "{\"code_name\":\"DisasterRecovery\"}\n"),
    ];
    let backup = || stage.archive.backup(&stage.store, &settings, &()).unwrap();
    backup();
    stage.record(day_ms(1) + 7_200_000, 20, 1000);
    backup();
    for hour in [3, 4] {
        stage.record(day_ms(1) + hour * 3_600_000, 10, 1000);
        let mut shipper = stage.archive.ship(&stage.store).unwrap();
        while shipper.step().unwrap().more {}
    }
    let to = fixtures().join(SOUND);
    let _ = fs::remove_dir_all(&to);
    copy(&stage.backups_dir(), &to, content(&stage.backups_dir()));
}

fn make_damaged(name: &str, damage: fn(&Path)) {
    let dir = copied(SOUND);
    damage(dir.path());
    let (sound, to) = (fixtures().join(SOUND), damaged().join(name));
    let changed = |file: &PathBuf| {
        fs::read(sound.join(file)).ok() != Some(fs::read(dir.path().join(file)).unwrap())
    };
    let there = content(dir.path());
    let removed = files(&sound)
        .difference(&there)
        .fold(String::new(), |list, file| {
            list + &format!("{}\n", file.display())
        });
    copy(dir.path(), &to, there.into_iter().filter(changed));
    fs::create_dir_all(&to).unwrap();
    if !removed.is_empty() {
        fs::write(to.join(REMOVED), removed).unwrap();
    }
    fs::write(to.join(SAID), said(with_damage(name).path())).unwrap();
}

#[test]
fn of_each_damaged_archive_all_that_is_wrong_is_said_as_it_is_written_down() {
    if making() {
        make_sound();
        let _ = fs::remove_dir_all(damaged());
        for (name, damage) in DAMAGES {
            make_damaged(name, damage);
        }
    }
    let kept: BTreeSet<String> = fs::read_dir(damaged())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let known = DAMAGES.map(|(name, _)| name.to_owned());
    assert_eq!(kept, BTreeSet::from(known), "fixtures and their list");
    for name in kept {
        let dir = with_damage(&name);
        let before: Vec<_> = content(dir.path())
            .into_iter()
            .map(|file| (fs::read(dir.path().join(&file)).unwrap(), file))
            .collect();
        let expected = fs::read_to_string(damaged().join(&name).join(SAID)).unwrap();
        assert_eq!(said(dir.path()), expected, "{name}");
        for (bytes, file) in before {
            let now = fs::read(dir.path().join(&file)).unwrap();
            assert!(bytes == now, "{name}: {} was touched", file.display());
        }
    }
}

#[test]
fn the_sound_archive_is_proved_and_comes_back() {
    let dir = copied(SOUND);
    let archive = Archive::open(dir.path()).unwrap();
    let report = archive.verify(None, Depth::Deep);
    assert!(report.ok, "{:#?}", report.findings);
    let target = tempfile::tempdir().unwrap();
    let plan = archive
        .plan(RestoreSource::Latest, None, target.path())
        .unwrap();
    plan.build(&()).unwrap().swap().unwrap();
    assert_eq!(all_in(target.path()).len(), 160);
}

#[test]
fn an_archive_of_an_older_program_is_proved_comes_back_and_is_gone_on_with() {
    let dir = copied(OLDER);
    let archive = Archive::open(dir.path()).unwrap();
    let listed = archive.list().unwrap();
    assert_eq!(listed.len(), 2);
    let report = archive.verify(None, Depth::Deep);
    assert!(report.ok, "{:#?}", report.findings);
    assert!(
        report.notes.iter().any(|note| note.contains("digest")),
        "{:?}",
        report.notes
    );
    let target = tempfile::tempdir().unwrap();
    let plan = archive
        .plan(RestoreSource::Latest, None, target.path())
        .unwrap();
    let events = listed[0].events.unwrap();
    assert_eq!(plan.build(&()).unwrap().swap().unwrap().events, events);
    let store = backup::Store::open(target.path()).unwrap();
    let made = archive.backup(&store, &[], &()).unwrap();
    assert_eq!(made.events, Some(events));
    assert!(archive.verify(None, Depth::Deep).ok);
}

#[test]
fn files_of_the_original_are_an_older_format_that_is_proved_and_comes_back() {
    let seed = fixtures().join("seed");
    let name = "events-backup-2025-08-08T02-50-45-359Z.db";
    if making() {
        fs::create_dir_all(&seed).unwrap();
        let scratch = tempfile::tempdir().unwrap();
        let database = scratch.path().join(name);
        seed_database(&database, 40, day_ms(0));
        fs::copy(&database, seed.join(name)).unwrap();
        gzip_file(
            &database,
            &seed.join(format!("{name}.gz").replace("45-359", "46-359")),
        );
    }
    let dir = copied("seed");
    let archive = Archive::open(dir.path()).unwrap();
    assert!(archive.verify(None, Depth::Deep).ok);
    let listed = archive.list().unwrap();
    assert!(
        listed.len() == 2 && listed.iter().all(|info| info.verified),
        "{listed:?}"
    );
    for info in listed {
        let target = tempfile::tempdir().unwrap();
        let plan = archive
            .plan(RestoreSource::Id(info.id), None, target.path())
            .unwrap();
        assert_eq!(plan.build(&()).unwrap().swap().unwrap().events, 40);
    }
}
