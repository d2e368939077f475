//! A store and an archive on exFAT, as on a card or a stick: a disk without owners, links and sockets.
#![allow(clippy::print_stderr)]

use std::path::Path;
use std::process::Command;

use tempfile::{NamedTempFile, TempDir};

use crate::stage::{EmulatedCore, Site, turn_a_knob, until};

/// An exFAT of its own, mounted for as long as this lives.
struct ExFat {
    dir: TempDir,
    device: String,
    _image: NamedTempFile,
}

impl ExFat {
    fn mounted() -> Result<Self, String> {
        let (dir, image) = (TempDir::new().unwrap(), NamedTempFile::new().unwrap());
        image.as_file().set_len(256 << 20).unwrap();
        run(Command::new("mkfs.exfat").arg(image.path()))?;
        let device = run(Command::new("losetup")
            .args(["-f", "--show"])
            .arg(image.path()))?;
        let disk = Self {
            dir,
            device: device.trim().to_owned(),
            _image: image,
        };
        run(Command::new("mount.exfat-fuse")
            .arg(&disk.device)
            .arg(disk.path()))?;
        Ok(disk)
    }

    fn path(&self) -> &Path {
        self.dir.path()
    }
}

impl Drop for ExFat {
    fn drop(&mut self) {
        for (program, what) in [
            ("umount", self.path().as_os_str()),
            ("losetup", "-d".as_ref()),
        ] {
            let mut command = Command::new(program);
            command.arg(what);
            if program == "losetup" {
                command.arg(&self.device);
            }
            let _ = command.status();
        }
    }
}

fn run(command: &mut Command) -> Result<String, String> {
    let output = command
        .output()
        .map_err(|error| format!("{command:?}: {error}"))?;
    match output.status.success() {
        true => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
        false => Err(String::from_utf8_lossy(&output.stderr).trim().to_owned()),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn on_exfat_an_agent_records_answers_backs_up_and_restores() {
    let disk = match ExFat::mounted() {
        Ok(disk) => disk,
        Err(why) => {
            eprintln!(
                "NOT RUN: no exFAT can be mounted here ({why}); root may, with the packages exfat-fuse and \
                 exfatprogs and the device /dev/fuse"
            );
            return;
        }
    };
    let core = EmulatedCore::start(&[]);
    let place = |name: &str| disk.path().join(name).display().to_string();
    let site = Site::new(core.port)
        .set("EVENT_MONITORING_DB_PATH", &place("events"))
        .set("EVENT_BACKUP_PATH", &place("backups"));
    let agent = site.recording_agent();
    assert!(disk.path().join("events/.agent.sock").is_file());
    turn_a_knob(&core).await;
    until("an event", || {
        (site.json(&["status"])["events"]["total"].as_u64() > Some(0)).then_some(())
    });
    assert_eq!(site.json(&["backup"])["verified"], true);
    assert_eq!(site.json(&["verify"])["ok"], true);
    // Of the settings, not of the environment's places, as root's shell has others than a service.
    let mut status = site.command();
    status
        .args(["status", "--json"])
        .env("XDG_RUNTIME_DIR", "/nowhere")
        .current_dir("/");
    let said = status.output().unwrap().stdout;
    let said: serde_json::Value = serde_json::from_slice(&said).unwrap();
    assert_eq!(said["agent"]["pid"], agent.id());
    site.json(&["restore", "latest", "--force"]);
    assert_eq!(agent.terminate(), 0);
    assert!(!disk.path().join("events/.agent.sock").exists());
    site.json(&["undo"]);
}
