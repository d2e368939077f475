//! An archive in a folder of this machine, or of a disk that is mounted here.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use rustix::fd::OwnedFd;
use rustix::fs::{AtFlags, Dir, Mode, OFlags, mkdirat, unlinkat};
use rustix::io::Errno;
use tempfile::TempDir;

use crate::archive::place::interface::{Found, Held, Hold, Place, Stored, Unseen, parts};
use crate::disk::draft::{self, Draft};
use crate::disk::{fault, lock, names, owner, real, scratch, space};
use crate::error::{Error, Result};
use crate::finding::Finding;
use crate::irregular::Irregular;
use crate::lesser_way::{self, LesserWay};

/// The path of the folder itself may be a link; nothing inside it may be one.
#[derive(Debug)]
pub(crate) struct Folder {
    dir: PathBuf,
}

impl Folder {
    /// The folder as it is, or is not.
    pub(crate) fn at(dir: PathBuf) -> Folder {
        Folder { dir }
    }

    /// Opens the folder, making it where it is missing.
    pub(crate) fn open(dir: PathBuf) -> Result<Folder> {
        draft::create_folder(&dir)?;
        let folder = Folder { dir };
        folder.list("")?;
        Ok(folder)
    }

    fn opened(&self, folder: &str) -> io::Result<OwnedFd> {
        let root = real::folder(&self.dir)?;
        match folder {
            "" => Ok(root),
            inside => real::folder_in(root, inside),
        }
    }

    /// The same for a folder that may have to be made first.
    fn made(&self, folder: &str) -> Result<OwnedFd> {
        let failed = || Error::io(&self.path(folder), "create the folder");
        match self.opened(folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound && !folder.is_empty() => {
                let root = real::folder(&self.dir).map_err(failed())?;
                fault::step().map_err(failed())?;
                match mkdirat(&root, folder, Mode::from_raw_mode(0o777)) {
                    Ok(()) | Err(Errno::EXIST) => {}
                    Err(error) => return Err(failed()(error.into())),
                }
                let made = real::folder_in(&root, folder).map_err(failed())?;
                owner::give(&root, &made).map_err(failed())?;
                names_to_disk(&root, &self.dir)?;
                Ok(made)
            }
            opened => opened.map_err(failed()),
        }
    }

    /// All names in a folder, hidden ones too; none where there is no such folder.
    fn names(&self, folder: &str) -> Result<Vec<String>> {
        let failed = || Error::io(&self.path(folder), "read the folder");
        let opened = match self.opened(folder) {
            Ok(opened) => opened,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(failed()(error)),
        };
        let listing = Dir::read_from(opened).map_err(|error| failed()(error.into()))?;
        let mut names = Vec::new();
        for entry in listing {
            let entry = entry.map_err(|error| failed()(error.into()))?;
            match entry.file_name().to_str() {
                Ok("." | "..") | Err(_) => {}
                Ok(name) => names.push(name.to_owned()),
            }
        }
        names.sort_unstable();
        Ok(names)
    }
}

impl Place for Folder {
    fn root(&self) -> &Path {
        &self.dir
    }

    fn list(&self, prefix: &str) -> Result<Vec<String>> {
        let (folder, beginning) = parts(prefix);
        let names = self.names(folder)?.into_iter();
        let told = names.filter(|name| !name.starts_with('.') && name.starts_with(beginning));
        Ok(match folder {
            "" => told.collect(),
            folder => told.map(|name| format!("{folder}/{name}")).collect(),
        })
    }

    fn look(&self, name: &str) -> io::Result<Option<Found>> {
        let (folder, file) = parts(name);
        Ok(real::look(&self.dir, folder, file)?.map(|found| Found {
            bytes: found.len(),
            modified_ns: found
                .mtime()
                .saturating_mul(1_000_000_000)
                .saturating_add(found.mtime_nsec()),
        }))
    }

    fn get(&self, name: &str) -> io::Result<Box<dyn Stored>> {
        let (folder, file) = parts(name);
        let file = real::file_in(self.opened(folder)?, file, OFlags::RDONLY)?;
        let bytes = file.metadata()?.len();
        Ok(Box::new(StoredFile { file, bytes }))
    }

    fn draft(&self, folder: &str) -> Result<Box<dyn Unseen>> {
        Ok(Box::new(Draft::inside(
            self.made(folder)?,
            &self.path(folder),
        )?))
    }

    fn append(&self, name: &str, at: u64, piece: &[u8]) -> Result<()> {
        let path = self.path(name);
        let failed = || Error::io(&path, "append to the segment");
        let (folder, file) = parts(name);
        let within = self.made(folder)?;
        let (how, doing) = match at {
            0 => (OFlags::CREATE | OFlags::EXCL, "begin a segment"),
            _ => (OFlags::empty(), "append to the segment"),
        };
        let file = fault::step()
            .and_then(|()| real::file_in(&within, file, how | OFlags::WRONLY))
            .map_err(Error::io(&path, doing))?;
        cut_to(&file, at).map_err(failed())?;
        let appended = fault::step()
            .and_then(|()| file.write_all_at(piece, at))
            .and_then(|()| fault::step())
            .and_then(|()| file.sync_data())
            .map_err(failed());
        let appended = match at {
            0 => appended.and_then(|()| names_to_disk(&within, &self.path(folder))),
            _ => appended,
        };
        if appended.is_err() {
            // Removes the half-written piece, so that a full disk does not collect such files. If this fails, the next
            // append cuts the piece off, and readers stop before it.
            let _ = match at {
                0 => unlinkat(&within, parts(name).1, AtFlags::empty()).map_err(io::Error::from),
                _ => file.set_len(at),
            };
        }
        appended
    }

    fn remove(&self, names: &[String]) -> Result<()> {
        let mut touched: Vec<&str> = Vec::new();
        for name in names {
            let (folder, file) = parts(name);
            let path = self.path(name);
            let failed = || Error::io(&path, "remove the file");
            fault::step().map_err(failed())?;
            let removed = self
                .opened(folder)
                .and_then(|within| Ok(unlinkat(within, file, AtFlags::empty())?));
            match removed {
                Ok(()) if !touched.contains(&folder) => touched.push(folder),
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(failed()(error));
                }
                _ => {}
            }
        }
        for folder in touched {
            let path = self.path(folder);
            let within = self.opened(folder).map_err(Error::io(&path, "open it"))?;
            names_to_disk(&within, &path)?;
        }
        Ok(())
    }

    fn tidy(&self, folders: &[&str]) -> Result<()> {
        for folder in folders {
            match self.opened(folder) {
                Ok(_real) => draft::clean(&self.path(folder)).map(drop)?,
                // Something that is no real folder holds no drafts of ours.
                Err(error)
                    if error.kind() == io::ErrorKind::NotFound
                        || Irregular::of(&error).is_some() => {}
                Err(error) => {
                    let path = self.path(folder);
                    return Err(Error::io(&path, "remove what is unfinished")(error));
                }
            }
        }
        Ok(())
    }

    fn room_left(&self) -> Result<Option<u64>> {
        space::free(&self.dir).map(Some)
    }

    fn scratch(&self) -> Result<TempDir> {
        // SQLite needs locks for its work, too.
        match lesser_way::is_gone(&LesserWay::LockFiles(self.dir.clone())) {
            true => scratch::folder(&std::env::temp_dir()),
            false => scratch::folder(&self.dir),
        }
    }

    fn hold(&self, hold: Hold) -> Result<Option<Held>> {
        let held = match hold {
            Hold::Write => Some(lock::writer(&self.dir)?),
            Hold::Remove => Some(lock::no_readers(&self.dir)?),
            Hold::Read => lock::reader(&self.dir)?,
        };
        Ok(held.map(|lock| Box::new(lock) as Held))
    }

    fn broken_holds(&self) -> Vec<Finding> {
        lock::not_to_take(&self.dir)
    }

    fn hold_if_free(&self, hold: Hold) -> Result<Option<Held>> {
        let held = match hold {
            Hold::Write => lock::writer_if_free(&self.dir)?,
            Hold::Remove => lock::no_readers_now(&self.dir)?,
            Hold::Read => lock::reader_if_free(&self.dir)?,
        };
        Ok(held.map(|lock| Box::new(lock) as Held))
    }
}

/// Cuts off what follows the first `at` bytes. A shorter file is damaged.
fn cut_to(file: &File, at: u64) -> io::Result<()> {
    match file.metadata()?.len() {
        bytes if bytes == at => Ok(()),
        bytes if bytes > at => file.set_len(at),
        bytes => Err(io::Error::other(format!(
            "it has {bytes} bytes where {at} were written"
        ))),
    }
}

fn names_to_disk(folder: &OwnedFd, path: &Path) -> Result<()> {
    fault::step()
        .and_then(|()| names::to_disk(folder, path))
        .map_err(Error::io(path, "bring the folder to the disk"))
}

struct StoredFile {
    file: File,
    bytes: u64,
}

impl Read for StoredFile {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.file.read(into)
    }
}

impl Stored for StoredFile {
    fn size(&self) -> u64 {
        self.bytes
    }

    fn read_at(&self, at: u64, into: &mut [u8]) -> io::Result<()> {
        self.file.read_exact_at(into, at)
    }
}

impl Unseen for Draft {
    fn path(&self) -> PathBuf {
        Draft::path(self).to_path_buf()
    }

    fn finish(&mut self) -> Result<()> {
        self.sync()
    }

    fn read_back(&mut self) -> Result<Box<dyn Read + '_>> {
        Ok(Box::new(Draft::read_back(self)?))
    }

    fn publish(self: Box<Self>, name: &str) -> Result<()> {
        Draft::publish(*self, name).map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::archive::place::conformance;

    #[test]
    fn a_folder_is_a_place() {
        let dir = tempfile::tempdir().unwrap();
        conformance::check(&|| {
            let fresh = tempfile::tempdir_in(dir.path()).unwrap().keep();
            Box::new(Folder::open(fresh).unwrap())
        });
    }

    #[test]
    fn nothing_inside_is_reached_through_a_link() {
        let dir = tempfile::tempdir().unwrap();
        let outside = tempfile::tempdir().unwrap();
        std::fs::write(outside.path().join("a"), b"not ours").unwrap();
        std::os::unix::fs::symlink(outside.path(), dir.path().join("days")).unwrap();
        std::os::unix::fs::symlink(outside.path().join("a"), dir.path().join("b")).unwrap();
        let place = Folder::open(dir.path().to_path_buf()).unwrap();
        for name in ["days/a", "b"] {
            assert!(place.get(name).is_err(), "{name}");
            assert!(place.look(name).is_err(), "{name}");
            assert!(place.append(name, 8, b"more").is_err(), "{name}");
        }
        assert!(place.list("days/").is_err());
        assert!(place.put("days/c", b"ours").is_err());
        assert!(place.remove(&["days/a".into()]).is_err());
        // Removing a link leaves its target alone.
        place.remove(&["b".into()]).unwrap();
        std::fs::write(outside.path().join(".tmp-1"), b"not ours").unwrap();
        place.tidy(&["", "days", "settings"]).unwrap();
        assert!(outside.path().join(".tmp-1").exists());
        assert_eq!(
            std::fs::read(outside.path().join("a")).unwrap(),
            b"not ours"
        );
        // The folder itself may be named by one.
        let link = outside.path().join("archive");
        std::os::unix::fs::symlink(dir.path(), &link).unwrap();
        let place = Folder::open(link).unwrap();
        place.put("c", b"ours").unwrap();
        assert_eq!(place.get_small("c", 10).unwrap(), b"ours");
    }
}
