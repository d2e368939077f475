//! Which files a store sees.

use backup::Store;

#[test]
fn an_empty_folder_is_an_empty_store() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("notes.txt"), "not a day").unwrap();
    let store = Store::open(dir.path()).unwrap();
    assert!(store.days().unwrap().is_empty());
    assert_eq!(store.summary().unwrap().events, 0);
}

#[test]
fn a_missing_folder_is_an_error_that_names_it() {
    let error = Store::open("/no/such/folder").unwrap_err();
    assert!(error.to_string().contains("/no/such/folder"), "{error}");
    assert!(error.hint().is_some());
}
