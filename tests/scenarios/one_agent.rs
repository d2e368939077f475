//! A store has one agent. A dead agent leaves no lock behind, and a live one is never overlooked.

use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use rustix::process::Signal;

use crate::stage::{EmulatedCore, Site, failed, until};

/// Puts something else in the socket's place.
type Replace = fn(&Path);

#[test]
fn an_agent_whose_socket_is_replaced_puts_it_back() {
    let core = EmulatedCore::start(&[]);
    let site = Site::new(core.port);
    let agent = site.recording_agent();
    let socket = site.store().join(".agent.sock");
    let replacements: [Replace; 4] = [
        |socket| std::fs::write(socket, "a file").unwrap(),
        |socket| std::fs::create_dir(socket).unwrap(),
        |socket| drop(std::os::unix::net::UnixListener::bind(socket).unwrap()),
        |socket| {
            let made = std::process::Command::new("mkfifo").arg(socket).status();
            assert!(made.unwrap().success());
        },
    ];
    for replace in replacements {
        std::fs::remove_file(&socket).unwrap();
        replace(&socket);
        until("the agent to answer again", || {
            let status = site.json(&["status"]);
            (status["agent"]["pid"] == agent.id()).then_some(())
        });
    }
    assert_eq!(agent.terminate(), 0);
    assert!(!socket.exists());
}

#[test]
fn an_agent_that_does_not_answer_is_named_and_waited_for_no_longer_than_seconds() {
    let core = EmulatedCore::start(&[]);
    let site = Site::new(core.port);
    let agent = site.recording_agent();
    let named = format!("process {}", agent.id());
    agent.freeze();
    let asked = |verb: &str| {
        let mut command = site.command();
        command
            .arg(verb)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        until("the verb to give the agent up", || {
            child.try_wait().unwrap()
        });
        child.wait_with_output().unwrap()
    };
    let silent = || {
        let check = asked("check");
        let said = String::from_utf8(check.stdout).unwrap();
        assert_eq!(check.status.code(), Some(3), "{said}");
        let (code, status) = failed(&asked("status"));
        assert_eq!(code, 1);
        for said in [said, status] {
            assert!(said.contains(&named), "{said}");
            assert!(said.contains("does not answer"), "{said}");
        }
    };
    silent();
    // It is not overlooked without its socket either.
    std::fs::remove_file(site.store().join(".agent.sock")).unwrap();
    silent();
    agent.signal(Signal::CONT);
    assert_eq!(site.json(&["status"])["agent"]["pid"], agent.id());
    assert_eq!(agent.terminate(), 0);
    assert_eq!(site.json(&["status"])["agent"]["running"], false);
}

/// What somebody says who may not look into the site's folder.
fn a_stranger(site: &Site, arguments: &[&str]) -> Output {
    let own = site.command();
    // The program may lie where a stranger cannot reach it, too.
    let open = tempfile::TempDir::new().unwrap();
    let mode = |path: &Path, mode| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    mode(open.path(), 0o755);
    let program = open.path().join("agent");
    std::fs::copy(own.get_program(), &program).unwrap();
    let mut command = Command::new(program);
    for (name, value) in own.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command.current_dir("/").args(arguments);
    let folder = site.path("");
    if rustix::process::geteuid().is_root() {
        mode(&folder, 0o700);
        command.uid(65534).gid(65534);
        return command.output().unwrap();
    }
    mode(&folder, 0o000);
    let said = command.output().unwrap();
    mode(&folder, 0o700);
    said
}

#[test]
fn who_may_not_look_is_not_told_that_nothing_is_there() {
    let core = EmulatedCore::start(&[]);
    let site = Site::new(core.port);
    let agent = site.recording_agent();
    site.json(&["backup"]);
    let folder = site.path("").canonicalize().unwrap();
    let names_it = |said: &str| {
        assert!(said.contains("ermission denied"), "{said}");
        assert!(said.contains(&folder.display().to_string()), "{said}");
        assert!(!said.contains("no agent"), "{said}");
    };
    let check = a_stranger(&site, &["check"]);
    let said = String::from_utf8(check.stdout).unwrap();
    assert_eq!(check.status.code(), Some(3), "{said}");
    names_it(&said);
    let day = site
        .store()
        .join("events-2026-03-01.db")
        .display()
        .to_string();
    for verb in [
        &["status"][..],
        &["list"],
        &["events"],
        &["verify"],
        &["backup"],
        &["audit"],
        &["undo"],
        &["export"],
        &["import", &day],
        &["restore", "latest", "--dry-run"],
    ] {
        let (code, said) = failed(&a_stranger(&site, verb));
        assert_eq!(code, 1, "{verb:?}");
        names_it(&said);
    }
    assert_eq!(agent.terminate(), 0);
}

#[test]
fn a_second_agent_refuses_with_the_pid_of_the_first() {
    let core = EmulatedCore::start(&[]);
    let site = Site::new(core.port);
    let first = site.recording_agent();
    let (code, said) = failed(&site.run(&["run"]));
    assert_eq!(code, 1);
    assert!(said.contains(&first.id().to_string()), "{said}");
    assert!(said.contains("another agent"), "{said}");

    // kill -9, not a farewell.
    first.kill();
    let second = site.recording_agent();
    assert_eq!(second.terminate(), 0);
}
