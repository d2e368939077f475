//! Small disks of a test's own, that can be filled to the last byte and turned read-only.
#![allow(clippy::print_stderr)]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A file system of its own, mounted for as long as this lives.
pub(crate) struct SmallDisk {
    dir: tempfile::TempDir,
    _image: Option<tempfile::NamedTempFile>,
}

impl SmallDisk {
    /// In memory: also without root, in a user namespace.
    pub(crate) fn in_memory(mount_options: &str) -> SmallDisk {
        let dir = tempfile::tempdir().unwrap();
        let mounted = run(Command::new("mount")
            .args(["-t", "tmpfs", "-o", mount_options, "tmpfs"])
            .arg(dir.path()));
        if let Err(why) = mounted {
            panic!(
                "this test fills a disk of its own and needs the right to mount one: run it as root, or with \
                 `unshare --user --map-root-user --mount cargo test …` ({why})"
            );
        }
        SmallDisk { dir, _image: None }
    }

    /// A file of 8 MiB with an ext4 in it. Only root may mount one; where that is not permitted the disk is one in
    /// memory, and it is said.
    pub(crate) fn in_a_file() -> SmallDisk {
        match SmallDisk::ext4() {
            Ok(disk) => disk,
            Err(why) => {
                eprintln!(
                    "no ext4 on a loop device, so a disk in memory is filled ({why}); root may mount one"
                );
                SmallDisk::in_memory("size=8m")
            }
        }
    }

    fn ext4() -> Result<SmallDisk, String> {
        let (dir, image) = (
            tempfile::tempdir().unwrap(),
            tempfile::NamedTempFile::new().unwrap(),
        );
        image.as_file().set_len(8 << 20).unwrap();
        // As all but the smallest are made.
        run(Command::new("mkfs.ext4")
            .args(["-q", "-F", "-b", "4096"])
            .arg(image.path()))?;
        run(Command::new("mount")
            .args(["-o", "loop"])
            .arg(image.path())
            .arg(dir.path()))?;
        Ok(SmallDisk {
            dir,
            _image: Some(image),
        })
    }

    pub(crate) fn store(&self) -> PathBuf {
        self.dir.path().join("store")
    }

    /// Fills the disk to the last byte.
    pub(crate) fn fill(&self) -> PathBuf {
        let ballast = self.dir.path().join("ballast");
        let mut file = std::fs::File::create(&ballast).unwrap();
        for size in [65536, 4096, 1] {
            while file.write_all(&vec![0u8; size]).is_ok() {}
        }
        ballast
    }

    /// Where it is mounted.
    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }
}

/// Mounts the disk at a path anew, `ro` or `rw`.
pub(crate) fn remount(path: &Path, how: &str) {
    let how = format!("remount,{how}");
    run(Command::new("mount").args(["-o", &how]).arg(path)).unwrap();
}

/// Mounts one file over another.
pub(crate) fn bind(file: &Path, over: &Path) {
    run(Command::new("mount").arg("--bind").arg(file).arg(over)).unwrap();
}

pub(crate) fn unmount(path: &Path) {
    run(Command::new("umount").arg(path)).unwrap();
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // With whatever a test that failed left mounted in it.
        let _ = Command::new("umount")
            .arg("-R")
            .arg(self.dir.path())
            .status();
    }
}

fn run(command: &mut Command) -> Result<(), String> {
    let output = command
        .output()
        .map_err(|error| format!("{command:?}: {error}"))?;
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    if output.status.success() {
        Ok(())
    } else {
        Err(said)
    }
}
