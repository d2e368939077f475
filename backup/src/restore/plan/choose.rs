//! Chooses the backup or file that a restore begins from.

use std::path::Path;

use crate::archive::format::looks::Looks;
use crate::archive::format::manifest::{self, Manifest};
use crate::archive::format::owner;
use crate::archive::look::list::{BackupInfo, BackupKind};
use crate::archive::look::original::{self, Database};
use crate::archive::look::tail::Tail;
use crate::archive::look::tail::hole::Hole;
use crate::archive::open::Archive;
use crate::archive::place::interface::Hold;
use crate::error::{Error, Result};
use crate::finding::Finding;
use crate::restore::plan::outline::{RestorePlan, RestoreSource};
use crate::restore::plan::pick::Picked;
use crate::restore::plan::reach::{beyond, covers, range, unreachable, with_hole, with_tail};
use crate::store::moment::At;

impl Archive {
    /// Plans a restore into the store at `target`, to the moment `at` (Unix milliseconds) if given.
    ///
    /// # Errors
    /// When there is no such backup, it is damaged, or it does not reach the moment; then the error names the nearest
    /// moments before and after.
    pub fn plan(
        &self,
        source: RestoreSource,
        at: Option<i64>,
        target: &Path,
    ) -> Result<RestorePlan> {
        self.plan_to(source, at.map(At::from), target)
    }

    /// The same to a moment of which it may be said which time is meant, where it happened more than once.
    ///
    /// # Errors
    /// As [`Archive::plan`]; or the moment did not happen as often as asked.
    pub fn plan_to(
        &self,
        source: RestoreSource,
        at: Option<At>,
        target: &Path,
    ) -> Result<RestorePlan> {
        require_no_archive(target)?;
        let _held = self.place.hold(Hold::Read)?;
        let mut plan = self.plan_from(source, at, target)?;
        let unlocked = |finding: Finding| format!("{finding}; {}", finding.hint);
        plan.notes
            .extend(self.place.broken_holds().into_iter().map(unlocked));
        Ok(plan)
    }

    fn plan_from(
        &self,
        source: RestoreSource,
        at: Option<At>,
        target: &Path,
    ) -> Result<RestorePlan> {
        match source {
            RestoreSource::File(path) => self.plan_file(Database::Elsewhere(path), at, target),
            RestoreSource::Id(id) => {
                let id = Manifest::id_of(&id).unwrap_or(&id).to_string();
                if original::time_of_file(&id).is_some() {
                    return self.plan_file(Database::Stored(id), at, target);
                }
                let name = Manifest::file_name(&id);
                let (manifest, _) = manifest::read(&*self.place, &name)?;
                let looks = Looks::read(&*self.place);
                let problem = self.info_by(&manifest, &looks).problem.unwrap_or_default();
                let Some(picked) = self.pick(&manifest, &looks)? else {
                    return Err(Finding::new(&self.place.path(&name), "does not restore")
                        .expected("a backup whose days are all there and sound")
                        .found(format!("one with a fault ({problem})"))
                        .hint("choose another")
                        .into());
                };
                let tail = match at {
                    Some(at) => self.reach(&manifest, at.ms)?,
                    None => Tail::default(),
                };
                let beside = (picked.is_whole() && picked.notes.is_empty())
                    .then(|| beside_the_record(&manifest.id, &problem));
                let notes = beside.flatten().into_iter().collect();
                self.plan_backup(&manifest, picked, tail, at, target, notes)
            }
            RestoreSource::Latest => self.plan_latest(at, target),
        }
    }

    pub(super) fn plan_latest(&self, at: Option<At>, target: &Path) -> Result<RestorePlan> {
        let mut notes = Vec::new();
        let mut good: Vec<(&Manifest, Picked)> = Vec::new();
        let mut partly: Vec<(&Manifest, Picked)> = Vec::new();
        let mut passed_over: Vec<(&str, String)> = Vec::new();
        let looks = Looks::read(&*self.place);
        let manifests = self.manifests()?;
        for (manifest, _) in &manifests {
            let info = self.info_by(manifest, &looks);
            let problem = info.problem.unwrap_or_default();
            if info.restores {
                if good.is_empty() {
                    notes.extend(beside_the_record(&manifest.id, &problem));
                }
                good.push((manifest, Picked::as_named(manifest)));
                continue;
            }
            // An older one that is whole is taken before one of which days are missing.
            let picked = match good.is_empty() {
                true => self.pick(manifest, &looks)?,
                false => None,
            };
            match picked {
                Some(picked) if picked.is_whole() => good.push((manifest, picked)),
                Some(picked) => {
                    passed_over.push((manifest.id.as_str(), problem));
                    partly.push((manifest, picked));
                }
                None => passed_over.push((manifest.id.as_str(), problem)),
            }
        }
        if good.is_empty() {
            passed_over.retain(|(id, _)| partly.iter().all(|(partly, _)| partly.id != *id));
            good = partly;
        }
        notes.extend(
            passed_over
                .into_iter()
                .map(|(id, problem)| format!("backup {id} is passed over: {problem}")),
        );
        let list = self.list()?;
        let unusable = |info: &&BackupInfo| match info.kind {
            BackupKind::Ours => info.events.is_none(),
            BackupKind::OtherStore => true,
            BackupKind::Original => false,
        };
        for bad in list.iter().filter(unusable) {
            if let Some(problem) = &bad.problem {
                notes.push(format!("backup {} is passed over: {problem}", bad.id));
            }
        }
        if good.is_empty() {
            return self.plan_latest_original(&list, at, target, notes);
        }
        let tail = Tail::of(&self.place, good[0].0).readable();
        let newest = with_tail(range(good[0].0), &tail)?;
        let by_newest = |at: At| newest.is_some_and(|(from, to)| (from..=to).contains(&at.ms));
        let chosen = match at {
            Some(at) if !by_newest(at) => {
                let covering = good.iter().position(|(made, _)| covers(made, at.ms));
                // Else one that knows that nothing was recorded at the moment.
                let knows = |made: usize| {
                    let (tail, none) = (&tail, Tail::default());
                    let tail = if made == 0 { tail } else { &none };
                    beyond(good[made].0, tail, at.ms).is_ok_and(|gap| gap.is_some())
                };
                let ended = || (0..good.len()).find(|made| knows(*made));
                covering.or_else(ended).ok_or_else(|| {
                    let ranges = good.iter().filter_map(|(made, _)| range(made));
                    let ranges: Vec<(i64, i64)> = ranges.chain(newest).collect();
                    with_hole(unreachable(self.dir(), at.ms, &ranges), tail.hole())
                })?
            }
            _ => 0,
        };
        if at.is_none() {
            notes.extend(tail.holes.iter().map(Hole::to_string));
        }
        let tail = if chosen == 0 { tail } else { Tail::default() };
        let older = at.and_then(|at| {
            let why = self.lost_at(good[chosen].0, &tail, at.ms)?;
            let mut older = (chosen + 1..good.len())
                .filter_map(|made| Some((made, self.holds_lost(good[made].0, at.ms)?)));
            older.next().map(|(made, tail)| (why, made, tail))
        });
        let (chosen, tail) = match older {
            Some((why, made, tail)) => {
                notes.push(format!(
                    "backup {} holds the moment, which newer ones lack: {why}",
                    good[made].0.id
                ));
                (made, tail)
            }
            None => (chosen, tail),
        };
        let (chosen, picked) = good.swap_remove(chosen);
        self.plan_backup(chosen, picked, tail, at, target, notes)
    }

    /// An archive that only the original has written to.
    fn plan_latest_original(
        &self,
        list: &[BackupInfo],
        at: Option<At>,
        target: &Path,
        mut notes: Vec<String>,
    ) -> Result<RestorePlan> {
        for info in list.iter().filter(|info| info.kind == BackupKind::Original) {
            match self.plan_file(Database::Stored(info.id.clone()), at, target) {
                Ok(mut plan) => {
                    plan.notes.splice(0..0, notes);
                    return Ok(plan);
                }
                Err(error) => notes.push(format!("{} is passed over: {error}", info.id)),
            }
        }
        Err(Error::NoBackup {
            path: self.dir().to_path_buf(),
            found: if notes.is_empty() {
                "no backup".into()
            } else {
                format!("none that restores ({})", notes.join("; "))
            },
        })
    }
}

/// What is wrong with a backup whose days are sound.
fn beside_the_record(id: &str, problem: &str) -> Option<String> {
    (!problem.is_empty()).then(|| format!("the days of backup {id} are sound, but {problem}"))
}

/// Day files among backups would be neither.
fn require_no_archive(target: &Path) -> Result<()> {
    if !target.join(owner::FILE).exists() {
        return Ok(());
    }
    Err(Error::Input {
        what: "folder to restore into".into(),
        found: format!("{}, which is an archive", target.display()),
        expected: "a store's folder, or one without files".into(),
    })
}
