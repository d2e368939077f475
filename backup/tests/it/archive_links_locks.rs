//! Links, pipes, sockets, devices and folders where an archive's locks should be: never opened, and named with the next
//! step. Readers go on.

use std::path::Path;

use backup::{Archive, Depth, Error, Policy, RestoreSource, StoreLock, StoreUse};

use crate::archive_irregular::{KINDS, put};
use crate::archive_stage::{Stage, now};

fn refused(path: &Path, found: &str, error: &Error) {
    let said = error.to_string();
    assert!(said.starts_with(path.to_str().unwrap()), "{said}");
    assert!(
        said.contains(found) && said.contains("a regular file"),
        "{said}"
    );
    assert!(error.hint().unwrap().contains("remove what is there"));
}

#[test]
fn a_lock_that_is_no_file_is_refused_to_writers_and_named_to_readers() {
    for name in [".lock", ".readers"] {
        for kind in KINDS {
            let stage = Stage::with(1, 100);
            stage.archive.backup(&stage.store, &[], &()).unwrap();
            assert!(stage.archive.verify(None, Depth::Quick).ok);
            let path = stage.backups_dir().join(name);
            let outside = stage.dir.path().join("elsewhere");
            std::fs::write(&outside, "mine").unwrap();
            std::fs::remove_file(&path).unwrap();
            if !put(kind, &path, &outside) {
                continue;
            }
            let archive = Archive::open(stage.backups_dir()).unwrap();
            assert!(archive.list().unwrap()[0].verified);
            assert!(archive.recoverable().unwrap().is_some());
            let report = archive.verify(None, Depth::Quick);
            assert_eq!(report.findings.len(), 1, "{report:?}");
            let finding = &report.findings[0];
            assert_eq!(
                (finding.path.as_path(), finding.found.as_str()),
                (path.as_path(), kind)
            );
            assert!(finding.hint.contains("remove what is there"), "{finding:?}");
            assert!(!report.ok);
            let plan = archive
                .plan(RestoreSource::Latest, None, &stage.dir.path().join("new"))
                .unwrap();
            let named =
                |note: &String| note.contains(path.to_str().unwrap()) && note.contains(kind);
            assert!(plan.notes.iter().any(named), "{:?}", plan.notes);
            assert_eq!(plan.build(&()).unwrap().swap().unwrap().events, 100);
            refused(
                &path,
                kind,
                &archive.backup(&stage.store, &[], &()).unwrap_err(),
            );
            refused(
                &path,
                kind,
                &archive.prune(Policy::default(), now(), false).unwrap_err(),
            );
            assert_eq!(std::fs::read_to_string(&outside).unwrap(), "mine");
            std::fs::remove_file(&path)
                .or_else(|_| std::fs::remove_dir(&path))
                .unwrap();
            archive.backup(&stage.store, &[], &()).unwrap();
            archive.prune(Policy::default(), now(), false).unwrap();
            assert!(archive.verify(None, Depth::Quick).ok);
        }
    }
}

#[test]
fn a_stores_lock_that_is_no_file_is_refused_by_name() {
    for kind in KINDS {
        let dir = tempfile::tempdir().unwrap();
        let outside = dir.path().join("elsewhere");
        std::fs::write(&outside, "mine").unwrap();
        let store = dir.path().join("events");
        drop(StoreLock::take(&store, StoreUse::Import).unwrap());
        let path = store.join(".lock");
        std::fs::remove_file(&path).unwrap();
        if !put(kind, &path, &outside) {
            continue;
        }
        refused(
            &path,
            kind,
            &StoreLock::take(&store, StoreUse::Import).unwrap_err(),
        );
        assert_eq!(std::fs::read_to_string(&outside).unwrap(), "mine");
    }
}
