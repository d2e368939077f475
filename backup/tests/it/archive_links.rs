//! Links, pipes and devices where an archive's own files should be: refused by name, with the next step, at once.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use backup::{Archive, Depth, RestoreSource, SettingsFile, SettingsSource};

use crate::archive_irregular::put;
use crate::archive_stage::{DAY_MS, Stage};

/// A file of the archive whose name fits.
fn file(dir: &Path, folder: &str, beginning: &str) -> PathBuf {
    let entries = std::fs::read_dir(dir.join(folder)).unwrap();
    let mut paths = entries.map(|entry| entry.unwrap().path());
    paths
        .find(|path| {
            let name = path.file_name().unwrap().to_str().unwrap();
            name.starts_with(beginning) && !name.ends_with(".proof")
        })
        .unwrap()
}

/// The archive answers every question with what the file is, and with what to do.
fn refused(stage: &Stage, path: &Path, found: &str) {
    let archive = Archive::open(stage.backups_dir()).unwrap();
    let report = archive.verify(None, Depth::Quick);
    let finding = report
        .findings
        .iter()
        .find(|finding| finding.path.starts_with(path))
        .unwrap_or_else(|| panic!("{path:?}: {report:?}"));
    assert_eq!(finding.found, found, "{finding:?}");
    assert!(
        finding.hint.contains("only real folders and files"),
        "{finding:?}"
    );
    let listed = &archive.list().unwrap()[0];
    assert!(!listed.restores, "{listed:?}");
    let problem = listed.problem.as_ref().unwrap();
    assert!(problem.contains(found), "{problem}");
    let id = RestoreSource::Id(listed.id.clone());
    let error = archive.plan(id, None, &stage.events_dir()).unwrap_err();
    assert!(error.to_string().contains(found), "{error}");
}

#[test]
fn what_is_not_a_real_file_is_refused_by_name() {
    for (folder, beginning) in [("days", "events-"), ("", "backup-")] {
        for kind in ["a symbolic link", "a named pipe", "a device"] {
            let stage = Stage::with(1, 100);
            stage.archive.backup(&stage.store, &[], &()).unwrap();
            let path = file(&stage.backups_dir(), folder, beginning);
            let outside = stage.backups_dir().with_file_name("elsewhere");
            std::fs::rename(&path, &outside).unwrap();
            if !put(kind, &path, &outside) {
                continue;
            }
            refused(&stage, &path, kind);
            // The next backup stores what it needs anew.
            let archive = Archive::open(stage.backups_dir()).unwrap();
            stage.record(DAY_MS + 1_000_000, 5, 10);
            archive.backup(&stage.store, &[], &()).unwrap();
            assert!(archive.list().unwrap().iter().any(|info| info.verified));
        }
    }
}

#[test]
fn a_folder_that_is_a_link_is_refused_by_name() {
    let stage = Stage::with(1, 100);
    stage.archive.backup(&stage.store, &[], &()).unwrap();
    let days = stage.backups_dir().join("days");
    let outside = stage.backups_dir().with_file_name("elsewhere");
    std::fs::rename(&days, &outside).unwrap();
    symlink(&outside, &days).unwrap();
    let names = || -> Vec<_> {
        let entries = std::fs::read_dir(&outside).unwrap();
        entries.map(|entry| entry.unwrap().file_name()).collect()
    };
    let before = names();
    let path = file(&outside, "", "events-");
    refused(
        &stage,
        &days.join(path.file_name().unwrap()),
        "a symbolic link",
    );
    let archive = Archive::open(stage.backups_dir()).unwrap();
    stage.record(DAY_MS + 1_000_000, 5, 10);
    let error = archive.backup(&stage.store, &[], &()).unwrap_err();
    let said = error.to_string();
    assert!(said.starts_with(days.to_str().unwrap()), "{said}");
    assert!(said.contains("a symbolic link"), "{said}");
    assert_eq!(names(), before);
}

#[test]
fn the_archives_folder_itself_may_be_named_by_a_link() {
    let stage = Stage::with(1, 100);
    let link = stage.backups_dir().with_file_name("named");
    symlink(stage.backups_dir(), &link).unwrap();
    let archive = Archive::open(&link).unwrap();
    archive.backup(&stage.store, &[], &()).unwrap();
    assert!(archive.verify(None, Depth::Deep).ok);
}

#[test]
fn a_folder_under_the_name_of_a_stored_file_stops_no_backup() {
    for (folder, beginning, end) in [
        ("settings", "", "plugin.json"),
        ("days", "events-", ".db.gz"),
    ] {
        let stage = Stage::with(2, 100);
        let settings = [SettingsFile {
            name: "plugin.json".into(),
            source: SettingsSource::Text("{}".into()),
        }];
        stage.archive.backup(&stage.store, &settings, &()).unwrap();
        let path = file(&stage.backups_dir(), folder, beginning);
        std::fs::remove_file(&path).unwrap();
        std::fs::create_dir(&path).unwrap();
        let made = stage.archive.backup(&stage.store, &settings, &()).unwrap();
        assert!(made.verified, "{made:?}");
        let report = stage.archive.verify(None, Depth::Deep);
        assert_eq!(report.findings.len(), 1, "{report:?}");
        assert_eq!(
            (&report.findings[0].path, report.findings[0].found.as_str()),
            (&path, "a folder")
        );
        // The next one shares the file that took another name.
        stage.archive.backup(&stage.store, &settings, &()).unwrap();
        let stored = std::fs::read_dir(stage.backups_dir().join(folder)).unwrap();
        let names = stored.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let names: Vec<String> = names.filter(|name| name.ends_with(end)).collect();
        let expected = if folder == "days" { 3 } else { 2 };
        assert_eq!(names.len(), expected, "{names:?}");
        let plan = stage
            .archive
            .plan(RestoreSource::Latest, None, &stage.events_dir())
            .unwrap();
        assert_eq!(plan.events, 200);
    }
}

#[test]
fn a_manifest_that_is_no_file_is_one_finding() {
    let stage = Stage::with(1, 100);
    stage.archive.backup(&stage.store, &[], &()).unwrap();
    let path = file(&stage.backups_dir(), "", "backup-");
    stage.record(DAY_MS + 1_000_000, 5, 10);
    stage.archive.backup(&stage.store, &[], &()).unwrap();
    std::fs::remove_file(&path).unwrap();
    assert!(put("a named pipe", &path, &path));
    let report = stage.archive.verify(None, Depth::Quick);
    assert_eq!(report.findings.len(), 1, "{report:?}");
    assert_eq!(report.findings[0].found, "a named pipe");
}
