//! Which backups hold a day: none goes because of doubt while it alone holds one whole, and what leaves for good is told.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::archive::format::manifest::{DayPart, Manifest};
use crate::archive::look::at_rest::at_rest;
use crate::archive::look::second_look::SecondLook;
use crate::archive::open::Archive;
use crate::error::{Error, Result};
use crate::store::day::Day;
use crate::store::folder::{Store, count_changes};
use crate::store::schema::{check_schema, open_reader};

/// The backups of an archive, newest first, and the store beside it.
pub(super) struct Holders<'a> {
    backups: Vec<Holder<'a>>,
    store: Option<&'a Store>,
}

/// The ids of the backups that go, each with the reason in words.
type Goes = HashMap<String, String>;

struct Holder<'a> {
    manifest: &'a Manifest,
    /// Its damaged days; `None` where it is damaged and nobody knows which day is.
    bad: Option<BTreeMap<String, String>>,
}

impl<'a> Holder<'a> {
    fn part(&self, day: &str) -> Option<&'a DayPart> {
        self.manifest.days.iter().find(|part| part.day == day)
    }

    /// Whether it has all of a day as another backup has it, damaged or not.
    fn has(&self, part: &DayPart) -> bool {
        self.part(&part.day).is_some_and(|own| {
            own.objects().eq(part.objects()) || own.events >= part.events && own.to_id >= part.to_id
        })
    }

    fn is_surely_whole(&self, day: &str) -> bool {
        (self.bad.as_ref()).is_some_and(|bad| !bad.contains_key(day))
    }

    fn may_be_whole(&self, day: &str) -> bool {
        (self.bad.as_ref()).is_none_or(|bad| !bad.contains_key(day))
    }

    /// Its days with events that may be whole.
    fn days(&self) -> impl Iterator<Item = &'a DayPart> {
        let days = self.manifest.days.iter();
        days.filter(|part| part.events > 0 && self.may_be_whole(&part.day))
    }
}

impl<'a> Holders<'a> {
    /// Of all backups of the archive, newest first.
    pub(super) fn of(
        archive: &Archive,
        manifests: &'a [(Manifest, String)],
        second_look: &SecondLook,
        store: Option<&'a Store>,
    ) -> Holders<'a> {
        let holder = |(manifest, _): &'a (Manifest, String)| Holder {
            manifest,
            bad: second_look.bad_days(archive, manifest),
        };
        Holders {
            backups: manifests.iter().map(holder).collect(),
            store,
        }
    }

    /// Takes out of those that go each backup that alone holds a day whole, while one that would stay if all were proved
    /// has the day, too, and is in doubt. Says of each why it stays.
    pub(super) fn spare(
        &self,
        goes: &mut Goes,
        stays_if_all_proved: &HashSet<String>,
    ) -> Vec<String> {
        let mut notes = Vec::new();
        for going in &self.backups {
            if !goes.contains_key(&going.manifest.id) {
                continue;
            }
            let kept_if_proved = |part: &DayPart| {
                let mut others = self.backups.iter();
                others.find(|other| {
                    stays_if_all_proved.contains(&other.manifest.id) && other.has(part)
                })
            };
            let held_by = |part: &&DayPart| {
                let other = kept_if_proved(part)?;
                (!self.is_held(part, goes)).then(|| (part.day.clone(), &other.manifest.id))
            };
            let alone: Vec<(String, &String)> =
                going.days().filter_map(|part| held_by(&part)).collect();
            let Some((_, other)) = alone.first() else {
                continue;
            };
            notes.push(format!(
                "backup {} stays though no rule keeps it: it alone holds {} whole, as backup {other} is damaged or in doubt; \
                 it goes once that one verifies, or no rule keeps that one either",
                going.manifest.id,
                named(alone.iter().map(|(day, _)| day.as_str())),
            ));
            goes.remove(&going.manifest.id);
        }
        notes
    }

    /// Adds to the reasons which days leave with a backup for good.
    pub(super) fn tell(&self, goes: &mut Goes) {
        let mut told: Vec<&Holder<'_>> = Vec::new();
        for going in &self.backups {
            if !goes.contains_key(&going.manifest.id) {
                continue;
            }
            let is_told = |part: &DayPart| {
                let mut newer = told.iter();
                newer.any(|newer| newer.may_be_whole(&part.day) && newer.has(part))
            };
            let days: Vec<&str> = (going.days())
                .filter(|part| !is_told(part) && !self.is_held(part, goes))
                .map(|part| part.day.as_str())
                .collect();
            told.push(going);
            let Some(why) = goes.get_mut(&going.manifest.id) else {
                continue;
            };
            if !days.is_empty() {
                let (leave, them) = match days.len() {
                    1 => ("leaves", "it"),
                    _ => ("leave", "them"),
                };
                let nor = self.store.map_or("", |_| " and not the store");
                let days = named(days.into_iter());
                *why += &format!("; {days} {leave} with it: no other backup{nor} holds {them}");
            }
        }
    }

    /// Whether a backup that stays holds a day whole, or the store does.
    fn is_held(&self, part: &DayPart, goes: &Goes) -> bool {
        let mut stays =
            (self.backups.iter()).filter(|other| !goes.contains_key(&other.manifest.id));
        stays.any(|other| other.is_surely_whole(&part.day) && other.has(part))
            || self.store.is_some_and(|store| {
                store_holds(store, part).unwrap_or_else(|error| {
                    tracing::warn!(day = part.day, "not known to be in the store: {error}");
                    false
                })
            })
    }
}

/// Whether the store has as much of a day as a backup has.
fn store_holds(store: &Store, part: &DayPart) -> Result<bool> {
    let Ok(day) = part.day.parse::<Day>() else {
        return Ok(false);
    };
    let live = store.day_path(day);
    if !live.exists() {
        return Ok(false);
    }
    if part.source.is_some() && part.source == at_rest(&live) {
        return Ok(true);
    }
    let conn = open_reader(&live)?;
    check_schema(&conn, &live)?;
    let counted = count_changes(&conn).and_then(|events| {
        let last = conn.query_row("SELECT max(id) FROM changes", [], |row| row.get(0))?;
        Ok((events, last))
    });
    let (events, last): (u64, Option<i64>) =
        counted.map_err(Error::sqlite(&live, "count its events"))?;
    Ok(events >= part.events && last >= part.to_id)
}

/// Days in words; many of them as a number and a span.
fn named<'d>(days: impl Iterator<Item = &'d str>) -> String {
    let days: Vec<&str> = days.collect();
    match days[..] {
        [] => String::new(),
        [one] => one.into(),
        [first, second] => format!("{first} and {second}"),
        [first, .., last] => format!("{} days from {first} to {last}", days.len()),
    }
}
