//! A day that the store does not have is built from rows as they come; into a day that it has, they are sorted first.
//! Both give the same.

use std::fmt::Write as _;
use std::path::Path;

use backup::{Day, Destination, ImportReport, Query, Store, import, open_writer};
use proptest::prelude::*;

use crate::histories_rows::{rows_in, same};
use crate::stage::NOON;

const DAY: i64 = 86_400_000;
const HEADER: &str = "id,timestamp,change_group_id,control_path,component_name,control_name,value,string_value,source,position,kind\n";

/// Imports a text into a store that has the days already, each without an event, and into one that has nothing.
fn both(text: &str, days: impl Iterator<Item = i64>) -> [(tempfile::TempDir, ImportReport); 2] {
    let [sorted, straight] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let store = sorted.path().join("store");
    std::fs::create_dir(&store).unwrap();
    for day in days {
        open_writer(&store.join(Day::of_ms(NOON + day * DAY).file_name())).unwrap();
    }
    [sorted, straight].map(|dir| {
        let file = dir.path().join("in.csv");
        std::fs::write(&file, text).unwrap();
        let report = import(Destination::Folder(&dir.path().join("store")), &file).unwrap();
        (dir, report)
    })
}

/// Count, last id and digest of each that the day files keep.
fn kept_digests(store: &Path) -> Vec<(i64, i64, Vec<u8>)> {
    let store = Store::open(store).unwrap();
    let mut kept = Vec::new();
    for day in store.days().unwrap() {
        let conn = store.day_reader(day).unwrap();
        let mut query = conn
            .prepare("SELECT count, id, sha256 FROM digests ORDER BY count")
            .unwrap();
        let rows = query
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
            .unwrap();
        kept.extend(rows.map(Result::unwrap));
    }
    kept
}

fn assert_alike(one: &Path, other: &Path, moments: impl Iterator<Item = i64>) {
    same(&rows_in(one), &rows_in(other), "straight");
    assert_eq!(kept_digests(one), kept_digests(other));
    let [a, b] = [one, other].map(|dir| Store::open(dir).unwrap());
    for at in moments {
        let controls = |store: &Store| store.state_at(at).unwrap().controls;
        let known = |store: &Store| -> Vec<_> {
            let content = |it: backup::ControlState| (it.series, it.value, it.string, it.position);
            controls(store).into_iter().map(content).collect()
        };
        assert_eq!(known(&a), known(&b), "at {at}");
    }
    for control in ["Zone.0", "Zone.1", "Zone.2"] {
        let of_one = |store: &Store| {
            let query = Query {
                controls: vec![control.into()],
                limit: usize::MAX,
                ..Query::default()
            };
            store.events(&query).unwrap().events
        };
        assert_eq!(of_one(&a), of_one(&b), "{control}");
    }
}

#[derive(Debug, Clone)]
struct Line {
    day: i64,
    ms: i64,
    counter: i64,
    control: u8,
    content: usize,
}

const CONTENTS: [&str; 7] = [
    "1,1.00dB,qrc,,number",
    "-2.5,-2.50dB,qrc,0.25,number",
    "1,on,qrc,1,bool",
    ",,qrc,,",
    "\"a \"\"text\"\"\",\"\",found,,text",
    "-0,,qrc,-0,number",
    "no number,,qrc,,number",
];

fn text(lines: &[Line], ours: bool) -> String {
    let mut text = HEADER.to_owned();
    for line in lines {
        let at = NOON + line.day * DAY + line.ms;
        let (control, content) = (line.control, CONTENTS[line.content]);
        if ours {
            write!(text, "{}", (at << 12) + line.counter).unwrap();
        }
        writeln!(text, ",{at},g,Zone.{control},Zone,{control},{content}").unwrap();
    }
    text
}

fn lines() -> impl Strategy<Value = Vec<Line>> {
    let line = (0i64..3, 0i64..30, 0i64..4, 0u8..3, 0..CONTENTS.len()).prop_map(
        |(day, ms, counter, control, content)| Line {
            day,
            ms,
            counter,
            control,
            content,
        },
    );
    let in_order = proptest::collection::vec(line, 1..60).prop_map(|mut lines| {
        lines.sort_by_key(|line| (line.day, line.ms, line.counter));
        lines
    });
    prop_oneof![
        in_order.clone(),
        in_order.clone().prop_shuffle(),
        // In order but for one.
        (
            in_order,
            any::<prop::sample::Index>(),
            any::<prop::sample::Index>()
        )
            .prop_map(|(mut lines, from, to)| {
                let line = lines.remove(from.index(lines.len()));
                lines.insert(to.index(lines.len() + 1), line);
                lines
            }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]
    #[test]
    fn rows_that_come_in_any_order_give_the_same_store_by_both_roads(lines in lines(), ours in any::<bool>()) {
        let text = text(&lines, ours);
        let [(sorted, expected), (straight, report)] = both(&text, 0..3);
        prop_assert_eq!(report, expected);
        let [sorted, straight] = [&sorted, &straight].map(|dir| dir.path().join("store"));
        let moments = (0..3).flat_map(|day| (0..32).map(move |ms| NOON + day * DAY + ms));
        assert_alike(&straight, &sorted, moments);
        for entry in straight.read_dir().unwrap() {
            let name = entry.unwrap().file_name();
            prop_assert!(!name.to_string_lossy().starts_with(".tmp-"), "{:?} is left", name);
        }
    }
}

#[test]
fn a_long_day_knows_its_states_by_both_roads_and_what_was_before_it() {
    let mut text = "timestamp,control_path,value\n".to_owned();
    for n in 0..3 {
        writeln!(text, "{},Zone.{n},{n}", NOON + n).unwrap();
    }
    // Zone.2 stands still.
    for n in 0..60_000i64 {
        writeln!(text, "{},Zone.{},{n}", NOON + DAY + n / 3, n % 2).unwrap();
    }
    let [(sorted, expected), (straight, report)] = both(&text, 0..2);
    assert_eq!((report.added, report.skipped), (60_003, 0));
    assert_eq!(report, expected);
    let [sorted, straight] = [&sorted, &straight].map(|dir| dir.path().join("store"));
    let moments = (0..22).map(|n| NOON + DAY - 10 + n * 1000);
    assert_alike(&straight, &sorted, moments);
    let end = Store::open(&straight).unwrap();
    let end = end.state_at(NOON + 2 * DAY).unwrap();
    assert_eq!(end.controls.len(), 3);
}
