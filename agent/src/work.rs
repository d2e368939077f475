//! What the verbs do to store and archive, with or without a running agent; everything here blocks.

use std::path::{Path, PathBuf};

use backup::{
    Archive, BackupInfo, Day, Depth, Destination, Report, RestoreSource, SettingsFile,
    SettingsSource, Store,
};

use crate::documents::{Imported, Pruned};
use crate::failure::{Failure, Outcome};
use crate::local_socket::RestoreRequest;
use crate::moment;
use crate::plugin::Plugin;
use crate::settings::Settings;

/// The library's error as a command says it, with the library's hint.
pub(crate) fn failure(error: backup::Error) -> Failure {
    let failure = Failure::failed(&error).damaged(error.damaged_file());
    match error.hint() {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}

/// Makes and proves a backup, then removes those too many and the store's old days.
pub(crate) fn backup(
    settings: &Settings,
    plugin: Option<&Plugin>,
    progress: &dyn backup::Progress,
) -> Outcome<BackupInfo> {
    let store = open_store(&settings.store.path)?;
    let archive = Archive::open(&settings.backup.path).map_err(failure)?;
    let files: Vec<SettingsFile> = settings
        .files
        .iter()
        .filter_map(|path| settings_file(path))
        .chain(plugin.map(Plugin::settings_file))
        .collect();
    let made = archive.backup(&store, &files, progress).map_err(failure)?;
    remove_old_after(settings, &archive);
    Ok(made)
}

/// Proves a backup again where nothing is new, then removes what has grown too old meanwhile.
pub(crate) fn prove_again(settings: &Settings, id: &str) -> Outcome<Report> {
    let proved = verify(settings, Some(id), false)?;
    if proved.ok {
        remove_old_after(
            settings,
            &Archive::open(&settings.backup.path).map_err(failure)?,
        );
    }
    Ok(proved)
}

/// After a good backup: what is old and stays only costs space.
fn remove_old_after(settings: &Settings, archive: &Archive) {
    if let Err(failure) = remove_old(settings, archive, false) {
        tracing::warn!("what is old was not all removed: {failure}");
    }
}

/// Removes backups and days that are too many or too old; trouble with the ones keeps none of
/// the others.
fn remove_old(settings: &Settings, archive: &Archive, dry_run: bool) -> Outcome<Pruned> {
    let backups = prune_backups(settings, archive, dry_run);
    let days = retire(settings, archive, dry_run);
    Ok(Pruned::new(&backups?, &days?))
}

/// Removes the store's days beyond those to keep, never one that the newest proved backup does
/// not hold as it is now.
fn retire(settings: &Settings, archive: &Archive, dry_run: bool) -> Outcome<backup::RetentionPlan> {
    if !settings.store.path.exists() {
        return Ok(backup::RetentionPlan::default());
    }
    let store = open_store(&settings.store.path)?;
    let archived = |day: Day| {
        archive.holds(&store, day).unwrap_or_else(|error| {
            tracing::warn!(%day, "not known to be archived: {error}");
            false
        })
    };
    let plan = store
        .plan_retention(&settings.store.retention, moment::now(), &archived)
        .map_err(failure)?;
    for stays in &plan.kept {
        tracing::warn!(day = %stays.day, "{}", stays.why);
    }
    if !dry_run {
        store.remove_days(&plan).map_err(failure)?;
        for gone in &plan.remove {
            tracing::info!(day = %gone.day, bytes = gone.bytes, "removed from the store: {}", gone.why);
        }
    }
    Ok(plan)
}

fn settings_file(path: &Path) -> Option<SettingsFile> {
    if !path.exists() {
        // The record is worth a backup without it.
        tracing::warn!(file = %path.display(), "settings file is gone and not in this backup");
        return None;
    }
    Some(SettingsFile {
        name: path.file_name()?.to_str()?.to_owned(),
        source: SettingsSource::File(path.to_owned()),
    })
}

/// The backups, newest first. An archive that does not exist yet holds none.
pub(crate) fn list(settings: &Settings) -> Outcome<Vec<BackupInfo>> {
    if !settings.backup.path.exists() {
        return Ok(Vec::new());
    }
    Archive::open(&settings.backup.path)
        .and_then(|archive| archive.list())
        .map_err(failure)
}

/// The moments that a restore of the latest state can reach.
pub(crate) fn recoverable(settings: &Settings) -> Outcome<Option<backup::Recoverable>> {
    if !settings.backup.path.exists() {
        return Ok(None);
    }
    Archive::open(&settings.backup.path)
        .and_then(|archive| archive.recoverable())
        .map_err(failure)
}

/// Proves one backup, one file, or the whole archive.
pub(crate) fn verify(settings: &Settings, what: Option<&str>, deep: bool) -> Outcome<Report> {
    let depth = if deep { Depth::Deep } else { Depth::Quick };
    if let Some(what) = what
        && (Path::new(what).is_file() || looks_like_file(what))
    {
        return Ok(Archive::verify_file(Path::new(what), depth));
    }
    if !settings.backup.path.exists() {
        return Err(no_archive(settings));
    }
    let archive = Archive::open(&settings.backup.path).map_err(failure)?;
    Ok(archive.verify(what, depth))
}

fn looks_like_file(what: &str) -> bool {
    what.contains('/') || what.ends_with(".db") || what.ends_with(".db.gz")
}

fn no_archive(settings: &Settings) -> Failure {
    Failure::failed(format!(
        "there is no archive in {}",
        settings.backup.path.display()
    ))
    .hint("make a first backup with `qsys-agent backup`, or set EVENT_BACKUP_PATH")
}

/// What a restore would do; nothing is touched.
pub(crate) fn plan(
    settings: &Settings,
    request: &RestoreRequest,
    target: Option<&Path>,
) -> Outcome<backup::RestorePlan> {
    let source = if request.what == "latest" {
        RestoreSource::Latest
    } else if looks_like_file(&request.what) || Path::new(&request.what).is_file() {
        RestoreSource::File(PathBuf::from(&request.what))
    } else {
        RestoreSource::Id(request.what.clone())
    };
    let target = target.unwrap_or(&settings.store.path);
    let archive = Archive::open(&settings.backup.path).map_err(failure)?;
    let plan = archive.plan(source, request.at, target).map_err(failure)?;
    Ok(if request.keep_newer {
        plan.keep_newer()
    } else {
        plan
    })
}

/// Builds the asked state in a folder beside the target and checks it there.
pub(crate) fn build(
    settings: &Settings,
    request: &RestoreRequest,
    target: Option<&Path>,
    progress: &dyn backup::Progress,
) -> Outcome<backup::Restored> {
    let plan = harmless(plan(settings, request, target)?, request)?;
    plan.build(progress).map_err(failure)
}

/// The same beside a running recorder. What it commits between plan and swap is kept, save
/// where the user gave it up: a plan that drops nothing must not drop it.
pub(crate) fn build_while_recording(
    settings: &Settings,
    request: &RestoreRequest,
    progress: &dyn backup::Progress,
) -> Outcome<backup::Restored> {
    let plan = harmless(plan(settings, request, None)?, request)?;
    if request.force {
        return plan.build(progress).map_err(failure);
    }
    plan.keep_newer().build(progress).map_err(|error| {
        failure(error)
            .hint("if the present files cannot be read, --force replaces them (undo keeps them)")
    })
}

/// A plan that drops events goes on only where the user said so.
fn harmless(plan: backup::RestorePlan, request: &RestoreRequest) -> Outcome<backup::RestorePlan> {
    if plan.events_lost > 0 && !request.force {
        return Err(Failure::failed(format!(
            "this restore would drop {} recorded since",
            crate::output::events(plan.events_lost)
        ))
        .hint("see them with --dry-run; keep them with --keep-newer; drop them with --force (undo takes it back)"));
    }
    Ok(plan)
}

/// Adds files; what is there already is skipped.
pub(crate) fn import(into: Destination<'_>, files: &[PathBuf]) -> Outcome<Imported> {
    let mut sum = Imported::default();
    for file in files {
        let one = backup::import(into, file).map_err(failure)?;
        sum.added += one.added;
        sum.skipped += one.skipped;
        sum.rejected += one.rejected;
        let reasons = one.first_reasons.into_iter();
        sum.first_reasons
            .extend(reasons.map(|reason| format!("{}: {reason}", file.display())));
    }
    Ok(sum)
}

/// Removes backups beyond the number to keep, and days beyond the age to keep.
pub(crate) fn prune(settings: &Settings, dry_run: bool) -> Outcome<Pruned> {
    if !settings.backup.path.exists() {
        return Err(no_archive(settings));
    }
    let archive = Archive::open(&settings.backup.path).map_err(failure)?;
    remove_old(settings, &archive, dry_run)
}

/// Removes the backups that no rule wants, never one that a damaged day can be put back from.
fn prune_backups(
    settings: &Settings,
    archive: &Archive,
    dry_run: bool,
) -> Outcome<backup::PruneReport> {
    let mut policy = settings.backup.keep.clone();
    if settings.store.path.exists() {
        let mends = archive.mends(&open_store(&settings.store.path)?);
        let mends = mends.map_err(failure)?.into_iter();
        policy.needed = mends.filter_map(|mend| Some(mend.from?.0)).collect();
    }
    archive.prune(policy, dry_run).map_err(failure)
}

/// The store, or a clear word that there is none.
pub(crate) fn open_store(path: &Path) -> Outcome<Store> {
    if !path.exists() {
        return Err(Failure::failed(format!("there is no store in {}", path.display())).hint(
            "start recording with `qsys-agent run`, restore one with `qsys-agent restore latest`, \
             or set EVENT_MONITORING_DB_PATH",
        ));
    }
    Store::open(path).map_err(failure)
}
