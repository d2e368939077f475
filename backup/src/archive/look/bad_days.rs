//! Which days of a backup are known to be damaged.

use std::collections::BTreeMap;

use crate::archive::format::looks::{Looks, Seen};
use crate::archive::format::manifest::{DayPart, Manifest, Object};
use crate::archive::format::proof::{self, Proof};
use crate::archive::open::Archive;

impl Archive {
    /// The days of a backup that are known to be damaged, and what is wrong with each. `None` where a verification found
    /// that it does not restore, and could not say which day is to blame.
    pub(crate) fn bad_days(
        &self,
        manifest: &Manifest,
        looks: &Looks,
    ) -> Option<BTreeMap<String, String>> {
        let failed = proof::read(&*self.place, &Manifest::file_name(&manifest.id));
        let failed = failed.filter(Proof::forbids_restore);
        if failed
            .as_ref()
            .is_some_and(|failed| failed.damaged.is_none())
        {
            return None;
        }
        let trouble = |object: &Object| {
            self.not_whole(&object.file, object.bytes)
                .or_else(|| self.damage_of(object, failed.as_ref(), looks))
        };
        let of_day = |part: &DayPart| Some((part.day.clone(), part.objects().find_map(trouble)?));
        Some(manifest.days.iter().filter_map(of_day).collect())
    }

    /// What was found when a file was read last, if it is damaged.
    fn damage_of(&self, object: &Object, failed: Option<&Proof>, looks: &Looks) -> Option<String> {
        let seen = looks.of(&*self.place, object);
        if let Seen::Damaged(damage) = seen {
            return Some(damage.to_owned());
        }
        let failed = failed?;
        if !failed.damaged.as_ref()?.contains(&object.file) {
            return None;
        }
        let checked_ms = failed.checked_at_ms;
        let whole_since = matches!(seen, Seen::Whole(at_ms) if at_ms > checked_ms);
        let found = self.place.look(&object.file).ok().flatten();
        let written_since =
            found.is_some_and(|found| found.modified_ns / 1_000_000 > checked_ms.max(0));
        let mut findings = failed.findings.iter();
        let said = findings.find(|said| said.contains(&object.file));
        let damage = || said.cloned().unwrap_or_else(|| "did not verify".into());
        (!whole_since && !written_since).then(damage)
    }

    /// What is wrong with a file that is not there in its full size.
    pub(crate) fn not_whole(&self, file: &str, bytes: u64) -> Option<String> {
        match self.place.look(file) {
            Ok(Some(found)) if found.bytes == bytes => None,
            Ok(Some(found)) => Some(format!(
                "{file}: found {} bytes, expected {bytes}",
                found.bytes
            )),
            Ok(None) => Some(format!("{file} is missing")),
            Err(error) => Some(format!("{file}: {error}")),
        }
    }
}
