//! What the verbs do to store and archive, with or without a running agent; everything here blocks.

use std::path::{Path, PathBuf};

use backup::{
    Archive, BackupInfo, Depth, Destination, Policy, PruneReport, Report, RestoreSource,
    SettingsFile, Store,
};

use crate::documents::Imported;
use crate::failure::{Failure, Outcome};
use crate::local_socket::RestoreRequest;
use crate::settings::Settings;

/// The library's error as a command says it, with the library's hint.
pub(crate) fn failure(error: backup::Error) -> Failure {
    let failure = Failure::failed(&error);
    match error.hint() {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}

/// Makes and proves a backup, then removes those too many.
pub(crate) fn backup(settings: &Settings, progress: &dyn backup::Progress) -> Outcome<BackupInfo> {
    let store = open_store(&settings.store.path)?;
    let archive = Archive::open(&settings.backup.path).map_err(failure)?;
    let files: Vec<SettingsFile> = settings
        .files
        .iter()
        .filter_map(|path| settings_file(path))
        .collect();
    let made = archive.backup(&store, &files, progress).map_err(failure)?;
    if let Err(error) = archive.prune(Policy::count(settings.backup.keep), false) {
        // The new backup is good; the old ones that stay only cost space.
        tracing::warn!("old backups were not removed: {error}");
    }
    Ok(made)
}

fn settings_file(path: &Path) -> Option<SettingsFile> {
    let name = path.file_name()?.to_str()?.to_owned();
    Some(SettingsFile {
        name,
        path: path.to_owned(),
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
    let plan = plan(settings, request, target)?;
    if plan.events_lost > 0 && !request.force {
        return Err(Failure::failed(format!(
            "this restore would drop {} events that were recorded since",
            crate::output::count(plan.events_lost)
        ))
        .hint("see them with --dry-run; keep them with --keep-newer; drop them with --force (undo takes it back)"));
    }
    plan.build(progress).map_err(failure)
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

/// Removes backups beyond the number to keep.
pub(crate) fn prune(settings: &Settings, dry_run: bool) -> Outcome<PruneReport> {
    if !settings.backup.path.exists() {
        return Err(no_archive(settings));
    }
    let archive = Archive::open(&settings.backup.path).map_err(failure)?;
    archive
        .prune(Policy::count(settings.backup.keep), dry_run)
        .map_err(failure)
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
