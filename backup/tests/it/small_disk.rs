//! Small disks of a test's own, that can be filled to the last byte and turned read-only.
#![allow(clippy::print_stderr)]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// A file system of its own, mounted for as long as this lives.
pub(crate) struct SmallDisk {
    dir: tempfile::TempDir,
    image: Option<tempfile::NamedTempFile>,
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
        SmallDisk { dir, image: None }
    }

    /// A file of 8 MiB with an ext4 in it. Only root may mount one; without root it prints so and gives a disk in memory.
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

    /// The same with room for few files: an ext4 has 32 inodes, a disk in memory as many.
    pub(crate) fn of_few_files() -> SmallDisk {
        match SmallDisk::ext4_with(&["-N", "32"]) {
            Ok(disk) => disk,
            Err(why) => {
                eprintln!(
                    "no ext4 on a loop device, so the inodes of a disk in memory are used up ({why}); root may mount one"
                );
                SmallDisk::in_memory("size=8m,nr_inodes=32")
            }
        }
    }

    fn ext4() -> Result<SmallDisk, String> {
        SmallDisk::ext4_with(&[])
    }

    fn ext4_with(options: &[&str]) -> Result<SmallDisk, String> {
        let (dir, image) = (
            tempfile::tempdir().unwrap(),
            tempfile::NamedTempFile::new().unwrap(),
        );
        image.as_file().set_len(8 << 20).unwrap();
        // The block size of all but the smallest disks.
        run(Command::new("mkfs.ext4")
            .args(["-q", "-F", "-b", "4096"])
            .args(options)
            .arg(image.path()))?;
        mount_image(image.path(), dir.path())?;
        Ok(SmallDisk {
            dir,
            image: Some(image),
        })
    }

    /// Makes the kernel meet an error in this ext4: it then turns the disk read-only, whoever is writing there.
    /// `false` where the disk is in memory, or where the kernel refuses to make an error, which is printed.
    pub(crate) fn meet_an_error(&self) -> bool {
        let Some(image) = &self.image else {
            return false;
        };
        let list = output(
            Command::new("losetup")
                .args(["-n", "-O", "NAME", "-j"])
                .arg(image.path()),
        );
        let device = Path::new(list.trim()).file_name().unwrap_or_default();
        let knob = Path::new("/sys/fs/ext4")
            .join(device)
            .join("trigger_fs_error");
        let met = std::fs::write(&knob, "1");
        if let Err(why) = &met {
            eprintln!(
                "the disk is turned read-only by hand: {}: {why}",
                knob.display()
            );
        }
        met.is_ok()
    }

    /// Takes the disk out of the tree of files, whoever has files of it open.
    pub(crate) fn take_out(&self) -> TakenOut<'_> {
        // What is in memory alone would be lost.
        let kept = self.image.is_none().then(|| {
            let kept = tempfile::tempdir().unwrap();
            bind(self.path(), kept.path());
            kept
        });
        run(Command::new("umount").arg("-l").arg(self.path())).unwrap();
        TakenOut { disk: self, kept }
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

    /// Uses up the disk's inodes, and leaves its room.
    pub(crate) fn use_up_inodes(&self) {
        for n in 0.. {
            if std::fs::File::create(self.dir.path().join(format!("empty-{n}"))).is_err() {
                return;
            }
        }
    }

    /// Takes back what filled it. Emptied first: a process that another test is just starting may hold a copy of the
    /// open file for a moment, and with it the room.
    pub(crate) fn make_room(&self) {
        let ballast = self.dir.path().join("ballast");
        std::fs::write(&ballast, "").unwrap();
        std::fs::remove_file(&ballast).unwrap();
    }

    /// Where it is mounted.
    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }
}

/// A disk that is not mounted where it was.
pub(crate) struct TakenOut<'d> {
    disk: &'d SmallDisk,
    kept: Option<tempfile::TempDir>,
}

impl TakenOut<'_> {
    /// Once nobody has a file of it open: checks and repairs it, and mounts it writable where it was.
    pub(crate) fn repair_and_put_back(self) {
        let path = self.disk.path();
        let Some(image) = self.disk.image.as_ref().map(tempfile::NamedTempFile::path) else {
            let kept = self.kept.as_ref().unwrap().path();
            bind(kept, path);
            return remount(path, "rw");
        };
        let begun = Instant::now();
        while !output(Command::new("losetup").arg("-j").arg(image)).is_empty() {
            assert!(
                begun.elapsed() < Duration::from_secs(20),
                "files of the disk are still open"
            );
            std::thread::sleep(Duration::from_millis(5));
        }
        // Gives 1 where it found something to mend.
        let checked = Command::new("e2fsck")
            .args(["-f", "-y"])
            .arg(image)
            .output()
            .unwrap();
        assert!(
            matches!(checked.status.code(), Some(0 | 1)),
            "{}",
            String::from_utf8_lossy(&checked.stdout)
        );
        mount_image(image, path).unwrap();
    }
}

impl Drop for TakenOut<'_> {
    fn drop(&mut self) {
        if let Some(kept) = &self.kept {
            let _ = Command::new("umount").arg(kept.path()).status();
        }
    }
}

/// Mounts the disk at a path anew, `ro` or `rw`.
pub(crate) fn remount(path: &Path, how: &str) {
    let how = format!("remount,{how}");
    once_nobody_holds(|| run(Command::new("mount").args(["-o", &how]).arg(path)));
}

/// Mounts one file over another, or one folder.
pub(crate) fn bind(file: &Path, over: &Path) {
    run(Command::new("mount").arg("--bind").arg(file).arg(over)).unwrap();
}

pub(crate) fn unmount(path: &Path) {
    once_nobody_holds(|| run(Command::new("umount").arg(path)));
}

/// A process that another test is starting holds whatever is open in this one, until it runs its own program.
fn once_nobody_holds(mut change: impl FnMut() -> Result<(), String>) {
    let begun = Instant::now();
    while let Err(said) = change() {
        let held = said.contains("busy") && begun.elapsed() < Duration::from_secs(20);
        assert!(held, "{said}");
        std::thread::sleep(Duration::from_millis(5));
    }
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

fn mount_image(image: &Path, over: &Path) -> Result<(), String> {
    run(Command::new("mount")
        .args(["-o", "loop,errors=remount-ro"])
        .arg(image)
        .arg(over))
}

fn output(command: &mut Command) -> String {
    String::from_utf8(command.output().unwrap().stdout).unwrap()
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
