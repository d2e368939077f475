//! Locks on a disk that keeps none, such as a network share whose server has no lock service: a file that names its
//! holder and is made only where there is none. It holds between processes of one machine; what another machine holds is
//! named and left alone.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use rustix::fs::OFlags;
use rustix::io::Errno;

use crate::disk::{companions, real};
use crate::error::{Error, Result};
use crate::finding::Finding;
use crate::lesser_way::{self, LesserWay};

/// What is added to the lock's name.
const HELD: &str = "-held";

/// What this process holds, how many times: those who read share one file.
static OWN: Mutex<BTreeMap<PathBuf, Count>> = Mutex::new(BTreeMap::new());

struct Count {
    holders: usize,
    shared: bool,
}

/// Held until dropped. After a kill it lies there until the next one sees that its holder is gone.
#[derive(Debug)]
pub(super) struct LockFile {
    path: PathBuf,
}

/// Whether a disk refused a lock because it keeps none.
pub(super) fn are_needed(error: &io::Error) -> bool {
    let refusals = [Errno::NOLCK, Errno::NOTSUP, Errno::NOSYS, Errno::INVAL];
    let code = error.raw_os_error();
    refusals
        .iter()
        .any(|refusal| code == Some(refusal.raw_os_error()))
}

/// Takes the lock of this name, or gives the process that has it.
pub(super) fn take(
    folder: &Path,
    name: &str,
    shared: bool,
) -> Result<std::result::Result<LockFile, Option<u32>>> {
    let path = companions::beside(&folder.join(name), HELD);
    let mut own = OWN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(count) = own.get_mut(&path) {
        if !(shared && count.shared) {
            return Ok(Err(Some(std::process::id())));
        }
        count.holders += 1;
        return Ok(Ok(LockFile { path }));
    }
    let failed = || Error::io(&path, "lock the archive");
    if let Some(holder) = Holder::of(&path).map_err(failed())? {
        match holder.state() {
            State::Gone => holder.remove(&path).map_err(failed())?,
            State::Here => return Ok(Err(Some(holder.pid))),
            State::Elsewhere => return Err(elsewhere(&path, &holder)),
        }
    }
    match make(folder, &path) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            let holder = Holder::of(&path).map_err(failed())?;
            return Ok(Err(holder.map(|holder| holder.pid)));
        }
        Err(error) => return Err(failed()(error)),
    }
    let count = Count { holders: 1, shared };
    own.insert(path.clone(), count);
    lesser_way::note(LesserWay::LockFiles(folder.to_path_buf()));
    Ok(Ok(LockFile { path }))
}

/// Makes the file where there is none, with its holder in it.
fn make(folder: &Path, path: &Path) -> io::Result<()> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let how = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY;
    let mut file = real::file_in(real::folder(folder)?, &name, how)?;
    file.write_all(Holder::own()?.text().as_bytes())
        .and_then(|()| file.sync_all())
        .inspect_err(|_| drop(fs::remove_file(path)))
}

fn elsewhere(path: &Path, holder: &Holder) -> Error {
    Finding::new(path, "locked by another machine")
        .expected("no lock, or one of this machine")
        .found(format!("process {} on {}", holder.pid, holder.host))
        .hint("wait until that one is done; if nothing on that machine works here any more, remove this file")
        .into()
}

impl Drop for LockFile {
    fn drop(&mut self) {
        let mut own = OWN.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(count) = own.get_mut(&self.path) else {
            return;
        };
        count.holders -= 1;
        if count.holders == 0 {
            own.remove(&self.path);
            // If this fails, the next one sees that the holder is gone.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// A process, so that no later one is taken for it.
#[derive(Debug, PartialEq, Eq)]
struct Holder {
    pid: u32,
    /// Clock ticks from the system's start to the process's.
    started: String,
    /// The system's start.
    boot: String,
    /// The machine.
    host: String,
}

enum State {
    Here,
    Gone,
    Elsewhere,
}

impl Holder {
    fn own() -> io::Result<Holder> {
        let pid = std::process::id();
        Ok(Holder {
            pid,
            started: started(pid).ok_or(io::ErrorKind::NotFound)?,
            boot: line("/proc/sys/kernel/random/boot_id"),
            host: host(),
        })
    }

    /// Who holds a lock; `None` where nobody does. Whoever has just made the file is not in it yet.
    fn of(path: &Path) -> io::Result<Option<Holder>> {
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let mut lines = text.lines().map(str::to_owned);
        let mut line = || lines.next().unwrap_or_default();
        Ok(Some(Holder {
            pid: line().parse().unwrap_or_default(),
            started: line(),
            boot: line(),
            host: line(),
        }))
    }

    fn text(&self) -> String {
        format!(
            "{}\n{}\n{}\n{}\n",
            self.pid, self.started, self.boot, self.host
        )
    }

    fn state(&self) -> State {
        if self.host.is_empty() {
            return State::Here;
        }
        if self.host != host() {
            return State::Elsewhere;
        }
        let same_run = self.boot == line("/proc/sys/kernel/random/boot_id");
        match same_run && started(self.pid).as_ref() == Some(&self.started) {
            true => State::Here,
            false => State::Gone,
        }
    }

    /// Takes the file of a holder that is gone away, and no other.
    fn remove(&self, path: &Path) -> io::Result<()> {
        let aside = companions::beside(path, &format!("-{}", std::process::id()));
        match fs::rename(path, &aside) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            renamed => renamed?,
        }
        if Holder::of(&aside)?.as_ref() == Some(self) {
            return fs::remove_file(&aside);
        }
        // Another process was faster and holds it now.
        fs::rename(&aside, path)
    }
}

/// When a process of this machine was started; `None` where there is none of that id.
fn started(pid: u32) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name, in brackets, may hold anything. The 22nd column is the 20th behind it.
    let columns = stat.rsplit_once(") ")?.1;
    columns.split(' ').nth(19).map(str::to_owned)
}

/// Name and id of this machine: of two with one name the ids differ.
fn host() -> String {
    let [name, id] = ["/proc/sys/kernel/hostname", "/etc/machine-id"].map(line);
    format!("{name} {id}").trim_end().to_owned()
}

fn line(path: &str) -> String {
    let text = fs::read_to_string(path).unwrap_or_default();
    text.trim().to_owned()
}
