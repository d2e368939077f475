//! Errors that a caller can tell apart without reading their text.

use backup::{Error, RestoreSource, undo};

use crate::archive_stage::Stage;

#[test]
fn what_a_caller_can_act_on_has_a_kind_of_its_own() {
    let stage = Stage::new();
    let target = stage.events_dir();
    let plan = |source| stage.archive.plan(source, None, &target).map(drop);
    let error = stage.archive.backup(&stage.store, &[], &()).unwrap_err();
    assert!(matches!(error, Error::NoEvents { .. }), "{error:?}");
    let error = plan(RestoreSource::Latest).unwrap_err();
    assert!(matches!(error, Error::NoBackup { .. }), "{error:?}");
    let error = undo(&target).unwrap_err();
    assert!(matches!(error, Error::NothingToUndo { .. }), "{error:?}");
    let error = plan(RestoreSource::Id("none".into())).unwrap_err();
    let Error::Found(finding) = &error else {
        panic!("{error:?}");
    };
    assert_eq!(finding.problem, "missing");
    assert_eq!(error.hint(), Some(finding.hint.as_str()));
    let text = target.join("a.txt");
    std::fs::write(&text, "no database").unwrap();
    let error = backup::open_reader(&text).unwrap_err();
    assert_eq!(error.damaged_file(), Some(text.as_path()));
    let other = target.join("other.db");
    let conn = rusqlite::Connection::open(&other).unwrap();
    conn.execute_batch("CREATE TABLE a (b)").unwrap();
    let error = backup::open_reader(&other).unwrap_err();
    assert!(matches!(error, Error::Foreign { .. }), "{error:?}");
}
