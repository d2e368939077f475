//! Swaps day files in and out of a store. An intent record lets the next start finish what a crash cut off.
//!
//! Inside the store's folder: `.restore/new` is what was built, `.restore/intent.json` the list of renames once they
//! have begun, `.undo-next` where the present files go, `.undo` all that exchanges replaced, step by step.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::archive::look::contents;
use crate::archive::look::mends::Loss;
use crate::clock::{Clock as _, SystemClock};
use crate::disk::{companions, draft, fault, lock, plain};
use crate::error::{Error, Result};
use crate::finding::Finding;
use crate::restore::left_out::LeftOut;
use crate::restore::mended::{self, Mended};
use crate::restore::not_recorded::NotRecorded;
use crate::restore::steps::{
    self, ASIDE, Brought, NEXT, Record, day_of, read_json, remove_folder, write_json,
};
use crate::store::damaged::is_moved_aside;
use crate::store::day::Day;
use crate::store::identity::Identity;
use crate::store::ledger;
use crate::store::moment::Repeated;

/// Where a restore is built, below the target.
pub(crate) const BUILD: &str = ".restore/new";
const RESTORE: &str = ".restore";
const INTENT: &str = "intent.json";
/// What a finished restore did.
#[derive(Debug, Clone, PartialEq)]
pub struct RestoreReport {
    /// The moment the store is at now, Unix milliseconds.
    pub restored_to_ms: Option<i64>,
    /// That the moment happened more than once, and which time it was put back to.
    pub repeated: Option<Repeated>,
    /// That nothing was recorded at the moment.
    pub not_recorded: Option<NotRecorded>,
    /// Events in what was restored.
    pub events: u64,
    /// From the beginning of the build to the last rename.
    pub seconds: f64,
    /// Every day that was asked for came back, and each restored database was checked before it was swapped in.
    pub verified: bool,
    /// The days that did not come back.
    pub left_out: Vec<LeftOut>,
    /// Which days came from other backups than the one named, and why.
    pub elsewhere: Vec<String>,
    /// The days that the store lacks now, as they were lost before the backup was made.
    pub lost: Vec<Loss>,
    /// Where the files that were there are kept for undo; `None` if there were none.
    pub undo: Option<PathBuf>,
}

/// One exchange of files.
pub(crate) struct Swap<'a> {
    pub(crate) target: &'a Path,
    /// The folders, below the target, whose files come in. What a day has in the first one with it comes in.
    pub(crate) from: &'a [&'a str],
    /// The days whose present files go.
    pub(crate) days: &'a BTreeSet<Day>,
    /// Damaged files that go with them: what they held comes in.
    pub(crate) mends: &'a [Mended],
    pub(crate) what: &'a str,
    /// The undo step whose files come in.
    pub(crate) takes: Option<u64>,
    /// Whose record comes in. The target becomes that store where it is another one, or none.
    pub(crate) identity: Option<&'a Identity>,
}

/// A rename that is due: both paths below the target, with `/`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Move {
    from: String,
    to: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Intent {
    format: u32,
    what: String,
    /// All renames are done; what is left is tidying up.
    moved: bool,
    moves: Vec<Move>,
    /// The store's identity with the history that begins with this exchange. Absent in records of older programs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    begins: Option<Identity>,
    /// The undo step that is used up once all renames are done.
    #[serde(default)]
    takes: Option<u64>,
}

impl Intent {
    /// Programs with one undo step alone (format 1) named it nowhere.
    fn used_up(&self) -> Option<u64> {
        let only = Path::new(steps::STEPS).join("files");
        let from_only = |step: &Move| Path::new(&step.from).starts_with(&only);
        let of_only = self.what.starts_with(steps::UNDO_OF) || self.moves.iter().any(from_only);
        match self.format {
            1 => of_only.then_some(0),
            _ => self.takes,
        }
    }
}

/// Runs an exchange. Gives the number of the step that keeps the files that went, if there were any. After an error the
/// target is as it was.
pub(crate) fn run(swap: Swap<'_>) -> Result<Option<u64>> {
    let target = swap.target;
    let outgoing = outgoing(&swap)?;
    let number = steps::free_number(target)?;
    let intent = match announce(&swap, &outgoing) {
        Ok(intent) => intent,
        Err(error) => {
            abandon(target);
            return Err(error);
        }
    };
    // From here on the next start after a crash finishes the exchange.
    if let Err(error) = rename_all(target, &intent) {
        take_back(target, &intent.moves);
        return Err(error);
    }
    // The exchange is done; the next start tidies up what cannot be tidied up now.
    if let Err(error) = settle(target, intent) {
        tracing::warn!(%error, "an exchange of files is not tidied up yet");
    }
    Ok((!outgoing.is_empty()).then_some(number))
}

/// The names of all files that go.
fn outgoing(swap: &Swap<'_>) -> Result<Vec<String>> {
    let mut outgoing = present_files(swap.target, swap.days)?;
    outgoing.extend(mended::names(swap.mends));
    Ok(outgoing)
}

/// The files that come in, each with its folder.
fn incoming<'a>(swap: &Swap<'a>) -> Result<Vec<(&'a str, String)>> {
    let mut incoming: Vec<(&str, String)> = Vec::new();
    for &from in swap.from {
        let came: BTreeSet<Day> = incoming
            .iter()
            .filter_map(|(_, name)| day_of(name))
            .collect();
        let mut names = draft::entries(&swap.target.join(from))?;
        names.retain(|name| match day_of(name) {
            Some(day) => !came.contains(&day) && !companions::is_index(name),
            None => is_moved_aside(name) && !companions::is_index(name),
        });
        incoming.extend(names.into_iter().map(|name| (from, name)));
    }
    Ok(incoming)
}

/// What comes in of each day, as far as that can be read.
fn brought(target: &Path, incoming: &[(&str, String)]) -> Vec<Brought> {
    let counted = |(from, name): &(&str, String)| {
        let (day, path) = (Day::from_file_name(name)?, target.join(from).join(name));
        let contents = plain::open_foreign(&path).ok();
        let contents = contents::of(&contents?, &path).ok()?;
        Some(Brought {
            day: day.to_string(),
            events: contents.events,
            to_id: contents.to_id,
        })
    };
    incoming.iter().filter_map(counted).collect()
}

/// Writes down what an undo needs to know, and then all renames.
fn announce(swap: &Swap<'_>, outgoing: &[String]) -> Result<Intent> {
    let target = swap.target;
    let incoming = incoming(swap)?;
    let record = Record {
        format: 2,
        what: swap.what.to_string(),
        made_at_ms: SystemClock.now_ms(),
        days: incoming
            .iter()
            .filter_map(|(_, name)| Day::from_file_name(name))
            .map(|day| day.to_string())
            .collect(),
        identity: replaced(swap)?,
        brought: Some(brought(target, &incoming)),
    };
    steps::prepare(target, &record)?;
    draft::create_folder(&target.join(RESTORE))?;
    let mut moves: Vec<Move> = outgoing
        .iter()
        .map(|name| Move {
            from: name.clone(),
            to: format!("{NEXT}/files/{name}"),
        })
        .collect();
    // Logs come in before their database and go after it: nobody can open the database without them.
    moves.extend(incoming.iter().rev().map(|(from, name)| Move {
        from: format!("{from}/{name}"),
        to: name.clone(),
    }));
    let intent = Intent {
        format: 2,
        what: swap.what.to_string(),
        moved: false,
        moves,
        takes: swap.takes,
        begins: Some(begins(swap)?),
    };
    write_json(&target.join(RESTORE), INTENT, &intent)?;
    Ok(intent)
}

/// Removes what a cancelled exchange prepared. The intent goes first, and for good: if it reappeared after a power cut,
/// the next start would move files away with nothing to replace them.
fn abandon(target: &Path) {
    let intent = target.join(RESTORE).join(INTENT);
    let removed = match fs::remove_file(&intent) {
        Ok(()) => draft::sync_folder(&target.join(RESTORE)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(Error::io(&intent, "remove the intent record")(error)),
    };
    let removed = removed.and_then(|()| remove_folder(&target.join(NEXT)));
    if let Err(error) = removed.and_then(|()| remove_folder(&target.join(RESTORE))) {
        tracing::warn!(%error, "an exchange of files that failed left something behind");
    }
}

/// Undoes the renames of a failed exchange, as the recorder must not go on in a store that is half exchanged. If a file
/// cannot be renamed back, the next start finishes the exchange instead.
fn take_back(target: &Path, moves: &[Move]) {
    let back = moves.iter().rev().try_for_each(|step| {
        let (from, to) = (inside(target, &step.from)?, inside(target, &step.to)?);
        if from.exists() || !to.exists() {
            return Ok(());
        }
        fs::rename(&to, &from).map_err(Error::io(&to, "rename the file back"))
    });
    match back {
        Ok(()) => abandon(target),
        Err(error) => {
            tracing::error!(%error, "an exchange of files is cut off until the next start")
        }
    }
}

/// Finishes a swap that a crash interrupted, and removes what an interrupted build left. To be called before a store
/// is opened for recording. Gives what was finished, in words.
///
/// # Errors
/// When the intent record cannot be read or a file cannot be renamed.
pub fn finish_interrupted(target: &Path) -> Result<Option<String>> {
    if !target.is_dir() {
        return Ok(None);
    }
    if !target.join(RESTORE).exists() && steps::is_tidy(target) {
        return Ok(None);
    }
    match lock::restorer_if_free(target)? {
        Some(_lock) => finish_locked(target),
        // A restore is being built right now; it is not interrupted.
        None => Ok(None),
    }
}

/// As [`finish_interrupted`], for whoever holds the restorers' lock.
pub(crate) fn finish_locked(target: &Path) -> Result<Option<String>> {
    let path = target.join(RESTORE).join(INTENT);
    if path.exists() {
        let intent: Intent = read_json(&path)?;
        let what = intent.what.clone();
        finish(target, intent)?;
        return Ok(Some(format!("finished an interrupted {what}")));
    }
    let unfinished = target.join(RESTORE).exists();
    remove_folder(&target.join(RESTORE))?;
    steps::tidy(target)?;
    Ok(
        unfinished
            .then(|| "removed an unfinished restore; the store is as it was before it".into()),
    )
}

fn finish(target: &Path, intent: Intent) -> Result<()> {
    if !intent.moved {
        rename_all(target, &intent)?;
    }
    settle(target, intent)
}

/// The history that begins with an exchange.
fn begins(swap: &Swap<'_>) -> Result<Identity> {
    let now_ms = SystemClock.now_ms();
    let present = match (Identity::read(swap.target)?, swap.identity) {
        (Some(own), Some(given)) if own.store == given.store => own.with(given),
        (Some(own), Some(given)) => given.clone().taking_over(&own),
        (None, Some(given)) => given.clone(),
        (Some(own), None) => own,
        (None, None) => Identity::of(swap.target, now_ms)?,
    };
    present.next(-1, swap.what, now_ms)
}

/// Whose record goes, where that of another store comes in.
fn replaced(swap: &Swap<'_>) -> Result<Option<Identity>> {
    let own = Identity::read(swap.target)?;
    Ok(own.filter(|own| swap.identity.is_some_and(|given| given.store != own.store)))
}

fn rename_all(target: &Path, intent: &Intent) -> Result<()> {
    // The history ends before its first file goes: nobody takes what comes for its continuation.
    if let Some(begins) = &intent.begins {
        begins.write(target)?;
    }
    for step in &intent.moves {
        let (from, to) = (inside(target, &step.from)?, inside(target, &step.to)?);
        // The order of the list makes this safe: a name is freed before it is taken. A file that is missing in both
        // places was removed after it came in, as an old day may be.
        if to.exists() || !from.exists() {
            continue;
        }
        fault::step()
            .and_then(|()| fs::rename(&from, &to))
            .map_err(Error::io(&from, "rename the file"))?;
    }
    Ok(())
}

/// After all renames: makes them last, and tidies up.
fn settle(target: &Path, mut intent: Intent) -> Result<()> {
    if !intent.moved {
        for folder in touched(&intent.moves) {
            if target.join(folder).is_dir() {
                draft::sync_folder(&target.join(folder))?;
            }
        }
        intent.moved = true;
        write_json(&target.join(RESTORE), INTENT, &intent)?;
    }
    if target.join(NEXT).exists() {
        steps::add(target)?;
    }
    if let Some(number) = intent.used_up() {
        steps::remove(target, number)?;
    }
    note_days(target, &intent);
    // The intent goes first: without it the rest is only rubbish.
    let path = target.join(RESTORE).join(INTENT);
    fault::step()
        .and_then(|()| fs::remove_file(&path))
        .map_err(Error::io(&path, "remove the intent record"))?;
    draft::sync_folder(&target.join(RESTORE))?;
    remove_folder(&target.join(RESTORE))?;
    steps::tidy(target)
}

/// Tells the ledger which days went and which came.
fn note_days(target: &Path, intent: &Intent) {
    let now_ms = SystemClock.now_ms();
    let went = intent
        .moves
        .iter()
        .filter_map(|step| Day::from_file_name(&step.from))
        .filter(|day| !target.join(day.file_name()).exists());
    ledger::try_to_note_leaving(target, &went.collect::<Vec<Day>>(), &intent.what, now_ms);
    ledger::note_present(target, now_ms);
}

/// The folders that files go out of or into.
fn touched(moves: &[Move]) -> BTreeSet<&Path> {
    let paths = moves.iter().flat_map(|step| [&step.from, &step.to]);
    let parents = paths.filter_map(|path| Path::new(path).parent());
    parents.chain([Path::new("")]).collect()
}

/// Where a target's build lies.
pub(crate) fn built_path(target: &Path, day: Day) -> PathBuf {
    target.join(BUILD).join(day.file_name())
}

/// An empty folder to build in. The caller holds the restorers' lock.
pub(crate) fn fresh_build_folder(target: &Path) -> Result<PathBuf> {
    let folder = target.join(BUILD);
    remove_folder(&target.join(RESTORE))?;
    draft::create_folder(&folder)?;
    Ok(folder)
}

/// Removes a build that will not be swapped in. One whose renames have begun stays for the next start.
pub(crate) fn discard_build(target: &Path) {
    if !target.join(RESTORE).join(INTENT).exists()
        && let Err(error) = remove_folder(&target.join(RESTORE))
    {
        tracing::warn!(%error, "an unfinished restore could not be removed");
    }
}

/// Every file of these days with its companions: SQLite would replay a leftover log into a restored database.
fn present_files(target: &Path, days: &BTreeSet<Day>) -> Result<Vec<String>> {
    let mut files: Vec<String> = draft::entries(target)?
        .into_iter()
        .filter(|name| day_of(name).is_some_and(|day| days.contains(&day)))
        .collect();
    // The database goes before its companions, so that nobody can open it without them.
    files.sort_by_key(|name| (!name.ends_with(".db"), name.clone()));
    Ok(files)
}

fn inside(target: &Path, path: &str) -> Result<PathBuf> {
    let relative = Path::new(path);
    let plain = relative
        .components()
        .all(|part| matches!(part, Component::Normal(_)));
    if plain && !path.is_empty() {
        Ok(target.join(relative))
    } else {
        Err(Finding::new(&target.join(RESTORE).join(INTENT), "altered")
            .expected("paths inside the store's folder")
            .found(format!("the path {path:?}"))
            .hint(ASIDE)
            .into())
    }
}
