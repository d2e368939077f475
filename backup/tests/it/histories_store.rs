//! What happens to the store at random beside recording: imports, exports, and losses.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use backup::{Day, Destination, EventId, ExportOptions, Format, export, import};

use crate::archive_stage::let_lie;
use crate::histories_room::Room;
use crate::histories_rows::{meaning, rows_in};
use crate::reader::{Content, Row};
use crate::stage::NOON;

fn is_of_others(row: &Row, from: i64) {
    let n = (row.at_ms - from) / 7;
    assert_eq!(row.path, format!("Zone {}.level", 3 + n % 8));
    assert_eq!(row.value, Content::Number(((n * 3) as f64).to_bits()));
}

impl Room {
    pub(crate) async fn import_file(&mut self, file: &Path) -> Vec<Row> {
        let report = match &self.recorder {
            Some((recorder, _)) => {
                let (into, file) = (recorder.clone(), file.to_path_buf());
                let done = tokio::task::spawn_blocking(move || {
                    import(Destination::Recorder(&into), &file)
                });
                done.await.unwrap().unwrap()
            }
            None => {
                // An import tells of lost days first, as a start does.
                self.not_lost_any_more();
                if !std::mem::take(&mut self.lost).is_empty() {
                    self.another_history();
                }
                import(Destination::Folder(&self.events()), file).unwrap()
            }
        };
        let live = rows_in(&self.events());
        for (id, row) in &self.live {
            assert_eq!(live.get(id), Some(row), "an import altered what was there");
        }
        let new = live.iter().filter(|(id, _)| !self.live.contains_key(id));
        let new: Vec<Row> = new.map(|(_, row)| meaning(row)).collect();
        assert_eq!(new.len() as u64, report.added, "{report:?}");
        self.lives(live);
        if !new.is_empty() {
            self.inexact();
        }
        new
    }

    pub(crate) async fn import_others(&mut self, hours: u8, events: u8) {
        let (file, from) = self.write_others(hours, events);
        for row in self.import_file(&file).await {
            is_of_others(&row, from);
        }
    }

    /// A file of somebody else's events, the first of them so many hours ago; gives that moment, too.
    pub(crate) fn write_others(&self, hours: u8, events: u8) -> (PathBuf, i64) {
        let from = self.now_ms - i64::from(hours) * 3_600_000;
        let file = self.dir.path().join("in.csv");
        let mut text = "timestamp,control_path,value\n".to_owned();
        for n in 0..i64::from(events) {
            text += &format!("{},Zone {}.level,{}\n", from + n * 7, 3 + n % 8, n * 3);
        }
        fs::write(&file, text).unwrap();
        (file, from)
    }

    /// An import that may have been killed added some of them.
    pub(crate) fn was_imported(&mut self, from: i64) {
        let live = rows_in(&self.events());
        for (id, row) in &self.live {
            assert_eq!(live.get(id), Some(row), "an import altered what was there");
        }
        let new = live.iter().filter(|(id, _)| !self.live.contains_key(id));
        let mut some = false;
        for (_, row) in new {
            is_of_others(row, from);
            some = true;
        }
        self.lives(live);
        if some {
            self.inexact();
        }
    }

    pub(crate) fn export(&mut self) {
        let options = ExportOptions {
            since_ms: None,
            until_ms: None,
            format: Format::JsonLines,
            gz: false,
            exported_at_ms: NOON,
        };
        let mut out = fs::File::create(self.dir.path().join("out.jsonl")).unwrap();
        export(&self.store(), &options, &mut out).unwrap();
        // An export of nothing is no export.
        self.exported = Some(self.live.clone()).filter(|live| !live.is_empty());
    }

    pub(crate) async fn import_export(&mut self) {
        let Some(exported) = self.exported.clone() else {
            return;
        };
        let exported: BTreeSet<Row> = exported.values().map(meaning).collect();
        let file = self.dir.path().join("out.jsonl");
        for row in self.import_file(&file).await {
            assert!(exported.contains(&row), "never exported: {row:?}");
        }
    }

    pub(crate) async fn lose_day(&mut self, which: u8) {
        let days = self.store().days().unwrap();
        if days.is_empty() {
            return;
        }
        let day: Day = days[usize::from(which) % days.len()];
        // One of the past may also go while it is recorded.
        let seen = which >= 128 && which.is_multiple_of(2) && Some(&day) != days.last();
        let recorder = self.recorder.as_ref().filter(|_| seen);
        let recorder = recorder.map(|(recorder, _)| recorder.clone());
        if recorder.is_none() {
            self.end().await;
        }
        for companion in ["", "-wal", "-shm", "-journal"] {
            let file = self.events().join(day.file_name() + companion);
            let _ = fs::remove_file(file);
        }
        let live = rows_in(&self.events());
        let left = self
            .live
            .iter()
            .filter(|(id, _)| EventId(**id).day() != day);
        assert_eq!(live, left.map(|(id, row)| (*id, row.clone())).collect());
        self.lives(live);
        match recorder {
            Some(recorder) => {
                assert_eq!(recorder.look_for_losses().unwrap(), [day]);
                assert_eq!(recorder.look_for_losses().unwrap(), []);
                self.another_history();
            }
            None => drop(self.lost.insert(day)),
        }
        // Somebody's hand may also have been in what an undo brings.
        self.inexact();
    }

    pub(crate) async fn lose_store(&mut self) {
        if !self.claimed() {
            return;
        }
        // Only whoever wrote the archive last is its store without a name.
        let says = fs::read(self.backups().join("archive.json")).unwrap();
        let says: serde_json::Value = serde_json::from_slice(&says).unwrap();
        let own = self.events().canonicalize().unwrap();
        if says["writer"]["path"].as_str() != own.to_str() {
            return;
        }
        self.end().await;
        fs::remove_dir_all(self.events()).unwrap();
        fs::create_dir(self.events()).unwrap();
        assert!(self.archive().take_up(&self.events()).unwrap());
        // What it shipped elsewhere is another one's to it, who is not at work.
        let_lie(&self.dir.path().join("elsewhere"));
        self.live.clear();
        self.lost.clear();
        self.exchanged.clear();
        self.another_history();
    }
}
