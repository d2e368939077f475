//! The promises of [`Place`], checked on any place.

use std::io::{Read as _, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};

use crate::archive::place::interface::{Hold, Place};
use crate::error::Error;

/// Checks every promise, each on an empty place.
pub(crate) fn check(fresh: &dyn Fn() -> Box<dyn Place>) {
    for promise in [
        files_come_whole_and_only_when_published,
        files_are_read_whole_and_by_range,
        a_prefix_lists_the_names_of_one_folder,
        what_is_removed_is_gone,
        files_go_in_the_order_given,
        pieces_come_behind_one_another,
        writers_exclude_each_other_and_removal_excludes_readers,
        scratch_can_be_made,
        a_list_is_whole_and_shows_nothing_hidden,
        a_file_tells_when_it_was_changed,
        what_is_not_free_is_busy,
    ] {
        promise(&*fresh());
    }
}

fn text(place: &dyn Place, name: &str) -> String {
    String::from_utf8(place.get_small(name, 1000).unwrap()).unwrap()
}

/// The files of one folder.
fn files(place: &dyn Place, folder: &str) -> Vec<String> {
    let prefix = if folder.is_empty() { "" } else { "days/" };
    let mut names = place.list(prefix).unwrap();
    names.retain(|name| name != "days");
    names
}

fn files_come_whole_and_only_when_published(place: &dyn Place) {
    for (folder, name) in [("", "a"), ("days", "days/a")] {
        let mut draft = place.draft(folder).unwrap();
        draft.write_all(b"first").unwrap();
        draft.finish().unwrap();
        let mut read = String::new();
        draft
            .read_back()
            .unwrap()
            .read_to_string(&mut read)
            .unwrap();
        assert_eq!(read, "first");
        assert!(!place.has(name));
        assert!(place.list(name).unwrap().is_empty());
        assert_eq!(files(place, folder), [""; 0], "an open draft is no file");
        draft.publish("a").unwrap();
        assert_eq!(text(place, name), "first");
        // A second file of that name replaces the first.
        place.put(name, b"second").unwrap();
        assert_eq!(text(place, name), "second");
        // A draft that is dropped leaves nothing behind.
        let mut draft = place.draft(folder).unwrap();
        draft.write_all(b"third").unwrap();
        draft.finish().unwrap();
        drop(draft);
        assert_eq!(text(place, name), "second");
        assert_eq!(files(place, folder), [name]);
    }
    place.tidy(&["", "days", "none"]).unwrap();
    assert_eq!(text(place, "days/a"), "second");
}

fn files_are_read_whole_and_by_range(place: &dyn Place) {
    let bytes: Vec<u8> = (0..300_000u32).map(|n| (n % 251) as u8).collect();
    place.put("days/long", &bytes).unwrap();
    let mut stored = place.get("days/long").unwrap();
    assert_eq!(stored.size(), bytes.len() as u64);
    assert_eq!(
        place.look("days/long").unwrap().unwrap().bytes,
        stored.size()
    );
    let mut piece = [0; 1000];
    stored.read_at(250_000, &mut piece).unwrap();
    assert_eq!(piece, bytes[250_000..251_000]);
    let mut whole = Vec::new();
    stored.read_to_end(&mut whole).unwrap();
    assert!(whole == bytes);
    assert!(
        stored
            .read_at(bytes.len() as u64 - 999, &mut piece)
            .is_err()
    );
    assert_eq!(place.get_small("days/long", 10).unwrap().len(), 11);
    // An empty file is a file.
    place.put("empty", b"").unwrap();
    assert_eq!(place.get("empty").unwrap().size(), 0);
    let missing = place.get("days/none").err().unwrap();
    assert_eq!(missing.kind(), std::io::ErrorKind::NotFound);
    assert!(place.look("none/none").unwrap().is_none());
    // An open file keeps its content, even after the name is gone.
    let mut before = place.get("days/long").unwrap();
    place.put("days/long", b"short").unwrap();
    place.remove(&["days/long".into()]).unwrap();
    whole.clear();
    before.read_to_end(&mut whole).unwrap();
    assert!(whole == bytes);
}

fn a_prefix_lists_the_names_of_one_folder(place: &dyn Place) {
    assert!(place.list("").unwrap().is_empty());
    assert!(place.list("days/").unwrap().is_empty());
    for name in [
        "backup-b", "backup-a", "other", "days/x-2", "days/x-1", "days/y",
    ] {
        place.put(name, b"1").unwrap();
    }
    assert_eq!(place.list("backup-").unwrap(), ["backup-a", "backup-b"]);
    assert_eq!(
        place.list("days/").unwrap(),
        ["days/x-1", "days/x-2", "days/y"]
    );
    assert_eq!(place.list("days/x").unwrap(), ["days/x-1", "days/x-2"]);
    assert!(place.list("z").unwrap().is_empty());
    let mut top = place.list("").unwrap();
    top.retain(|name| name != "days");
    assert_eq!(top, ["backup-a", "backup-b", "other"]);
    // A name that goes on with a dot is no hidden one.
    place.put("backup-1.json", b"1").unwrap();
    assert_eq!(place.list("backup-1").unwrap(), ["backup-1.json"]);
}

fn a_list_is_whole_and_shows_nothing_hidden(place: &dyn Place) {
    let names: Vec<String> = (0..2500).map(|n| format!("days/n-{n:05}")).collect();
    for name in &names {
        place.append(name, 0, b"1").unwrap();
    }
    assert!(place.list("days/n-").unwrap() == names);
    for hidden in [".hidden", "days/.hidden"] {
        place.append(hidden, 0, b"1").unwrap();
        assert_eq!(place.list(hidden).unwrap(), [""; 0]);
    }
    assert!(place.list("days/").unwrap() == names);
}

fn a_file_tells_when_it_was_changed(place: &dyn Place) {
    let before = std::time::SystemTime::now() - std::time::Duration::from_secs(60);
    let before = before.duration_since(std::time::UNIX_EPOCH).unwrap();
    place.put("a", b"1").unwrap();
    let found = place.look("a").unwrap().unwrap();
    assert!(i128::from(found.modified_ns) > before.as_nanos() as i128);
}

fn what_is_not_free_is_busy(place: &dyn Place) {
    // Asked for at once, it is not waited for.
    let free = |hold| {
        let begun = std::time::Instant::now();
        let free = place.hold_if_free(hold).unwrap().is_some();
        assert!(
            begun.elapsed() < std::time::Duration::from_secs(5),
            "{hold:?} waited"
        );
        free
    };
    let remover = place.hold(Hold::Remove).unwrap().unwrap();
    assert!(!free(Hold::Read) && !free(Hold::Remove));
    let refused = place.hold(Hold::Read).err();
    assert!(matches!(refused, Some(Error::Busy { .. })), "{refused:?}");
    drop(remover);
    assert!(free(Hold::Read) && free(Hold::Remove));
}

fn what_is_removed_is_gone(place: &dyn Place) {
    for name in ["a", "days/b", "days/c"] {
        place.put(name, b"1").unwrap();
    }
    let names = ["days/none", "days/b", "none/none", "a"].map(String::from);
    place.remove(&names).unwrap();
    assert!(!place.has("a") && !place.has("days/b") && place.has("days/c"));
    place.remove(&[]).unwrap();
}

fn files_go_in_the_order_given(place: &dyn Place) {
    let names: Vec<String> = (0..200).map(|n| format!("days/r-{n:03}")).collect();
    for name in &names {
        place.append(name, 0, b"1").unwrap();
    }
    let (first, last) = (&names[0], &names[199]);
    let ended = AtomicBool::new(false);
    std::thread::scope(|scope| {
        // In an order that is not the one given, somebody can see a later one gone before an earlier one.
        scope.spawn(|| {
            loop {
                let ended = ended.load(Ordering::SeqCst);
                assert!(
                    place.has(last) || !place.has(first),
                    "{last} went before {first}"
                );
                if ended {
                    return;
                }
            }
        });
        let removed = place.remove(&names);
        ended.store(true, Ordering::SeqCst);
        removed.unwrap();
    });
    assert!(place.list("days/r-").unwrap().is_empty());
}

fn pieces_come_behind_one_another(place: &dyn Place) {
    place.append("segments/s", 0, b"one").unwrap();
    assert_eq!(text(place, "segments/s"), "one");
    place.append("segments/s", 3, b"two").unwrap();
    assert_eq!(text(place, "segments/s"), "onetwo");
    // Bytes beyond the given offset are cut off first.
    place.append("segments/s", 4, b"hree").unwrap();
    assert_eq!(text(place, "segments/s"), "onethree");
    // A piece never leaves a hole and never overwrites.
    assert!(place.append("segments/s", 100, b"x").is_err());
    assert!(place.append("segments/s", 0, b"x").is_err());
    assert!(place.append("segments/none", 1, b"x").is_err());
    assert_eq!(text(place, "segments/s"), "onethree");
    assert!(!place.has("segments/none"));
}

fn writers_exclude_each_other_and_removal_excludes_readers(place: &dyn Place) {
    let free = |hold| place.hold_if_free(hold).unwrap().is_some();
    let writer = place.hold(Hold::Write).unwrap().unwrap();
    assert!(!free(Hold::Write));
    let readers = [place.hold(Hold::Read), place.hold(Hold::Read)];
    assert!(!free(Hold::Remove));
    drop(readers);
    assert!(free(Hold::Remove));
    drop(writer);
    assert!(free(Hold::Write));
}

fn scratch_can_be_made(place: &dyn Place) {
    let scratch = place.scratch().unwrap();
    std::fs::write(scratch.path().join("x"), b"1").unwrap();
    assert!(place.room_left().unwrap().is_none_or(|bytes| bytes > 0));
}
