//! Root works in the folders of a service that runs as another user: what root makes there belongs to that user, and
//! the service goes on.

use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::stage::{EmulatedCore, Process, Site, turn_a_knob, until};

/// No user of any machine.
const USER: u32 = 54_321;

/// A site of that user, with a program that the user may run.
struct UsersSite {
    site: Site,
    program: PathBuf,
}

impl UsersSite {
    fn new(core: &EmulatedCore) -> Self {
        let site = Site::new(core.port);
        let folder = site.path("");
        if let Err(why) = chown(&folder, Some(USER), Some(USER)) {
            panic!(
                "NOT RUN: this test needs a second user to give files to: run it as root, or with \
                 `unshare --user --map-root-user --map-auto --mount cargo test …` ({why})"
            );
        }
        let program = site.path("qsys-agent");
        std::fs::copy(site.command().get_program(), &program).unwrap();
        Self { site, program }
    }

    fn as_user(&self) -> Command {
        let root = self.site.command();
        let mut command = Command::new(&self.program);
        command.current_dir(self.site.path(""));
        command.env_remove("XDG_RUNTIME_DIR");
        for (name, value) in root.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        command.uid(USER).gid(USER);
        command
    }

    fn recording_agent(&self) -> Process {
        let mut command = self.as_user();
        command.args(["run", "--quiet"]);
        let agent = Process::start(command, "connecting to ");
        until("the agent to record", || {
            (self.site.json(&["status"])["recording"] == true).then_some(())
        });
        agent
    }

    /// Whatever lies in the store and the archive belongs to the user.
    fn all_is_the_users(&self, folders: &[&str]) {
        let mut found = 0;
        for folder in folders {
            each(&self.site.path(folder), &mut |path| {
                let meta = path.symlink_metadata().unwrap();
                assert_eq!((meta.uid(), meta.gid()), (USER, USER), "{}", path.display());
                found += 1;
            });
        }
        assert!(found > 5 * folders.len(), "{found}");
    }
}

/// A folder and everything below it.
fn each(path: &Path, look: &mut dyn FnMut(&Path)) {
    look(path);
    if path.is_dir() {
        for entry in std::fs::read_dir(path).unwrap() {
            each(&entry.unwrap().path(), look);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_root_makes_in_a_users_folders_is_the_users_and_the_service_goes_on() {
    let core = EmulatedCore::start(&[]);
    let users = UsersSite::new(&core);
    let site = &users.site;
    let agent = users.recording_agent();
    turn_a_knob(&core).await;
    until("an event", || (site.count("1") > 0).then_some(()));
    assert!(
        users
            .as_user()
            .arg("backup")
            .output()
            .unwrap()
            .status
            .success()
    );
    assert_eq!(agent.terminate(), 0);

    // As root, without an agent.
    let csv = "timestamp,control_path,control_name,value\n1700000000000,Wall.level,level,1\n";
    std::fs::write(site.path("one.csv"), csv).unwrap();
    for verb in [
        &["import", "one.csv"][..],
        &["backup"],
        &["verify", "--deep"],
        &["restore", "latest", "--force"],
        &["undo"],
        &["prune"],
        &["audit"],
    ] {
        site.json(verb);
        users.all_is_the_users(&["events", "backups"]);
    }
    // On a disk that was made anew.
    site.json(&["restore", "latest", "--target", "new/events"]);
    users.all_is_the_users(&["new"]);
    std::fs::remove_dir_all(site.store()).unwrap();
    site.json(&["restore", "latest"]);
    users.all_is_the_users(&["events", "backups"]);

    let agent = users.recording_agent();
    let made = users.as_user().arg("backup").output().unwrap();
    assert!(made.status.success(), "{made:?}");
    assert_eq!(agent.terminate(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_root_ran_and_that_was_killed_leaves_nothing_that_keeps_the_user_from_recording()
 {
    let core = EmulatedCore::start(&[]);
    let users = UsersSite::new(&core);
    let site = &users.site;
    let agent = site.recording_agent();
    turn_a_knob(&core).await;
    until("an event", || (site.count("1") > 0).then_some(()));
    site.json(&["backup"]);
    agent.kill();
    users.all_is_the_users(&["events", "backups"]);
    let agent = users.recording_agent();
    assert!(
        users
            .as_user()
            .arg("backup")
            .output()
            .unwrap()
            .status
            .success()
    );
    assert_eq!(agent.terminate(), 0);
    users.all_is_the_users(&["events", "backups"]);
}
