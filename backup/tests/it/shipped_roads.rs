//! A recorder hands what it has just committed over to the shipping of its own process; another process reads the file.
//! Both ship the same rows.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::Path;

use backup::{Archive, Change, Day, Recorder, RecorderThread, Shipper, Store, Value, open_writer};
use flate2::read::MultiGzDecoder;
use proptest::prelude::*;

use crate::stage::{NOON, TestClock, change, number, series, start, stop};

/// What an archive's segments hold, without what each record says of itself and of the present.
fn lines(archive: &Path) -> Vec<String> {
    let mut files: Vec<_> = fs::read_dir(archive.join("segments"))
        .into_iter()
        .flatten()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    let mut text = String::new();
    for file in files {
        let mut content = MultiGzDecoder::new(File::open(file).unwrap());
        content.read_to_string(&mut text).unwrap();
    }
    let told = |line: &&str| !line.starts_with("{\"segment\"") && !line.starts_with("[\"n\"");
    text.lines().filter(told).map(str::to_owned).collect()
}

fn ship_all(shipper: &mut Shipper) -> u64 {
    let mut events = 0;
    loop {
        let shipped = shipper.step().unwrap();
        events += shipped.events;
        if !shipped.more {
            return events;
        }
    }
}

#[derive(Debug, Clone)]
enum Step {
    /// So many changes of some controls, each by its own number.
    Changes(Vec<(u8, i32, u64)>),
    State(u8),
    Gap,
    Clock(i64),
    Ship,
    Pause,
    Restart,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let changes = proptest::collection::vec((0u8..6, -1000i32..1000, any::<u64>()), 1..40);
    let step = prop_oneof![
        12 => changes.prop_map(Step::Changes),
        1 => (0u8..6).prop_map(Step::State),
        1 => Just(Step::Gap),
        1 => prop_oneof![-9_000i64..9_000, Just(13 * 3_600_000)].prop_map(Step::Clock),
        8 => Just(Step::Ship),
        1 => Just(Step::Pause),
        1 => Just(Step::Restart),
    ];
    proptest::collection::vec(step, 1..24)
}

/// Controls of all kinds: some follow a rule, some follow it not always, some never.
fn nth(recorder: &Recorder, which: u8, level: i32, bits: u64) -> Change {
    let control = recorder.series(series(&format!("Desk.{which}")));
    let level = f64::from(level) / 10.0;
    let any = Some(f64::from_bits(bits)).filter(|any| any.is_finite());
    match which {
        0 | 1 => change(
            control,
            level,
            &format!("{level:.1}dB"),
            (level + 100.0) / 200.0,
        ),
        2 => Change {
            value: Some(Value::Bool(bits.is_multiple_of(2))),
            string: Some(["on", "off"][usize::from(bits.is_multiple_of(2))].into()),
            ..number(control, 0.0)
        },
        3 => Change {
            value: Some(Value::Text("scene \"é\"\n\u{0}".into())),
            string: (!bits.is_multiple_of(3)).then(|| format!("scene {bits}").into()),
            ..number(control, 0.0)
        },
        4 => Change {
            value: any.map(Value::Number),
            position: any,
            ..number(control, -0.0)
        },
        _ => Change {
            value: None,
            ..number(control, 0.0)
        },
    }
}

struct Room {
    dir: tempfile::TempDir,
    clock: TestClock,
    now_ms: i64,
    recorder: Recorder,
    thread: RecorderThread,
    /// The recorder's own, and another process's.
    shippers: [Shipper; 2],
}

impl Room {
    fn new() -> Room {
        let dir = tempfile::tempdir().unwrap();
        let clock = TestClock::at(NOON);
        let (recorder, thread) = start(&dir.path().join("events"), &clock);
        let stores = [
            ("own", recorder.own_store()),
            ("other", Store::open(dir.path().join("events")).unwrap()),
        ];
        let shippers = stores.map(|(name, store)| {
            let archive = Archive::open(dir.path().join(name)).unwrap();
            archive.ship(&store).unwrap()
        });
        Room {
            dir,
            clock,
            now_ms: NOON,
            recorder,
            thread,
            shippers,
        }
    }

    fn ship(&mut self) {
        let [own, other] = self.shippers.each_mut().map(ship_all);
        assert_eq!(own, other);
        let [own, other] = ["own", "other"].map(|name| lines(&self.dir.path().join(name)));
        assert_eq!(own, other);
    }

    async fn take(mut self, step: &Step) -> Room {
        match step {
            Step::Changes(all) => {
                for (which, level, bits) in all {
                    self.pass((bits % 3) as i64);
                    let change = nth(&self.recorder, *which, *level, *bits);
                    self.recorder.changes(self.now_ms, vec![change]).await;
                }
                self.recorder.flush().await.unwrap();
            }
            Step::State(controls) => {
                let states = (0..*controls).map(|which| nth(&self.recorder, which, 1, 1));
                self.recorder.keyframe(self.now_ms, states.collect()).await;
                self.recorder.flush().await.unwrap();
            }
            Step::Gap => {
                self.pass(2_000);
                let from_ms = self.now_ms - 1_000;
                self.recorder.gap(from_ms, self.now_ms, "a test").await;
                self.recorder.flush().await.unwrap();
            }
            Step::Clock(by) => self.pass(*by),
            Step::Ship => self.ship(),
            Step::Pause => self.recorder.pause_and(|_| ()).await.unwrap(),
            Step::Restart => {
                stop(self.recorder, self.thread).await;
                let (recorder, thread) = start(&self.dir.path().join("events"), &self.clock);
                let archive = Archive::open(self.dir.path().join("own")).unwrap();
                self.shippers[0] = archive.ship(&recorder.own_store()).unwrap();
                let archive = Archive::open(self.dir.path().join("other")).unwrap();
                let store = Store::open(self.dir.path().join("events")).unwrap();
                self.shippers[1] = archive.ship(&store).unwrap();
                (self.recorder, self.thread) = (recorder, thread);
            }
        }
        self
    }

    fn pass(&mut self, ms: i64) {
        self.now_ms += ms;
        self.clock.set(self.now_ms);
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn what_the_recorder_hands_over_is_what_the_file_holds(steps in steps()) {
        runtime().block_on(async {
            let mut room = Room::new();
            for step in &steps {
                room = room.take(step).await;
            }
            room.ship();
            stop(room.recorder, room.thread).await;
        });
    }
}

/// Somebody's hand tells which road a row has taken.
#[tokio::test]
async fn what_was_just_committed_is_shipped_without_a_look_into_the_file() {
    let mut room = Room::new();
    let fader = room.recorder.series(series("Desk.fader"));
    for (value, of_own) in [(1.0, "99"), (2.0, "2"), (3.0, "3")] {
        room.pass(10);
        room.recorder
            .changes(room.now_ms, vec![number(fader, value)])
            .await;
        room.recorder.flush().await.unwrap();
        let day = room
            .dir
            .path()
            .join("events")
            .join(Day::of_ms(NOON).file_name());
        let hand = open_writer(&day).unwrap();
        let last = "UPDATE changes SET value = 99 WHERE id = (SELECT max(id) FROM changes)";
        hand.execute(last, []).unwrap();
        for (shipper, (name, value)) in room
            .shippers
            .iter_mut()
            .zip([("own", of_own), ("other", "99")])
        {
            assert_eq!(ship_all(shipper), 1);
            let line = lines(&room.dir.path().join(name)).pop().unwrap();
            let cells: Vec<&str> = line.split(',').collect();
            assert_eq!(cells[3], value, "{name}: {line}");
        }
    }
    stop(room.recorder, room.thread).await;
}
