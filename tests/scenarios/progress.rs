//! How a long job gets on: told over the running agent's local socket, shown in the shell that asked.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::stage::{EmulatedCore, Site, until};

/// What the agent says to this line, up to its end.
fn asked(site: &Site, request: &str) -> Vec<Value> {
    let mut socket = UnixStream::connect(site.store().join(".agent.sock")).unwrap();
    socket.write_all(request.as_bytes()).unwrap();
    let lines = BufReader::new(socket).lines().map(Result::unwrap);
    lines.map(|l| serde_json::from_str(&l).unwrap()).collect()
}

#[test]
fn the_agent_tells_the_steps_of_a_backup_to_who_wants_them() {
    let core = EmulatedCore::start(&[]);
    let site = Site::new(core.port);
    let _agent = site.recording_agent();

    let lines = asked(&site, "{\"verb\":\"backup\",\"progress\":true}\n");
    let (reply, steps) = lines.split_last().unwrap();
    assert!(reply["done"]["verified"] == true, "{reply}");
    assert!(!steps.is_empty());
    for step in steps {
        let step = &step["progress"];
        assert!(
            step["what"].as_str().is_some_and(|what| !what.is_empty()),
            "{step}"
        );
        assert!(step["done"].is_u64() && step["total"].is_u64(), "{step}");
    }

    let lines = asked(&site, "{\"verb\":\"backup\"}\n");
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0]["done"].is_object(), "{lines:?}");
}

/// The program on a terminal of its own, 80 columns wide.
fn on_terminal(site: &Site, arguments: &str) -> Command {
    let plain = site.command();
    let program = plain.get_program().to_str().unwrap();
    let mut command = Command::new("script");
    let typed = format!("stty cols 80 rows 24; exec '{program}' {arguments}");
    command.args(["-qec", &typed, "/dev/null"]);
    command.current_dir(plain.get_current_dir().unwrap());
    for (name, value) in plain.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command.env("TERM", "xterm").stdin(Stdio::null());
    command
}

/// An agent whose backup lasts until what `tell` tells is enough; gives the caller's line.
fn slow_backup(socket: &UnixListener, mut tell: impl FnMut(&mut UnixStream) -> bool) -> Value {
    let (mut caller, _) = socket.accept().unwrap();
    let mut request = String::new();
    let mut reader = BufReader::new(caller.try_clone().unwrap());
    reader.read_line(&mut request).unwrap();
    let request: Value = serde_json::from_str(&request).unwrap();
    if request["progress"] == true {
        until("the progress to be shown", || {
            tell(&mut caller).then_some(())
        });
    }
    let made = json!({"done": {
        "id": "20261123T120000Z-1", "created_at": "2026-11-23T12:00:00.000Z", "events": 7,
        "from": null, "to": null, "bytes": 900, "verified": true, "kind": "backup", "problem": null,
    }});
    writeln!(caller, "{made}").unwrap();
    request
}

fn step(what: &str, done: u64, total: u64) -> Value {
    json!({"progress": {"what": what, "done": done, "total": total}})
}

/// What a shell on a terminal shows of a slow backup. `tell` is also told what is shown so far.
fn shown_of(mut tell: impl FnMut(&mut UnixStream, &str) -> bool) -> String {
    let site = Site::new(1);
    std::fs::create_dir(site.store()).unwrap();
    let socket = UnixListener::bind(site.store().join(".agent.sock")).unwrap();

    let mut shell = on_terminal(&site, "backup")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut terminal = shell.stdout.take().unwrap();
    let seen = Arc::new(Mutex::new(String::new()));
    let filled = seen.clone();
    let reading = std::thread::spawn(move || {
        let mut part = [0; 4096];
        while let Ok(long @ 1..) = terminal.read(&mut part) {
            filled
                .lock()
                .unwrap()
                .push_str(&String::from_utf8_lossy(&part[..long]));
        }
    });
    let request = slow_backup(&socket, |caller| tell(caller, &seen.lock().unwrap()));
    assert_eq!(request, json!({"verb": "backup", "progress": true}));
    assert!(shell.wait().unwrap().success());
    reading.join().unwrap();
    let seen = seen.lock().unwrap();
    seen.clone()
}

/// The bar is gone before the result stands there.
fn is_cleared(seen: &str, bar: &str) {
    let result = seen.rfind("20261123T120000Z-1").expect("the result");
    let bar = seen.rfind(bar).unwrap();
    assert!(
        seen[bar..result].contains("\u{1b}[2K"),
        "the bar stays: {seen:?}"
    );
}

#[test]
fn the_shell_that_asked_shows_the_agents_progress_and_clears_it() {
    let seen = shown_of(|caller, seen| {
        writeln!(caller, "{}", step("rewinding reels", 1, 4)).unwrap();
        seen.contains("rewinding reels")
    });
    is_cleared(&seen, "rewinding reels");
    assert!(seen.contains(" 25 %"), "{seen}");
}

#[test]
fn the_shell_that_has_to_wait_says_so_though_it_hears_of_it_only_once() {
    let waits = "waiting for the backup that is running";
    let mut told = false;
    let seen = shown_of(|caller, seen| {
        if !std::mem::replace(&mut told, true) {
            writeln!(caller, "{}", step(waits, 0, 0)).unwrap();
        }
        seen.contains(waits)
    });
    is_cleared(&seen, waits);
    assert!(!seen.contains('%'), "{seen}");
}

#[test]
fn no_progress_is_asked_for_where_it_would_not_be_shown() {
    let site = Site::new(1);
    std::fs::create_dir(site.store()).unwrap();
    let socket = UnixListener::bind(site.store().join(".agent.sock")).unwrap();
    let mut in_pipe = site.command();
    in_pipe.arg("backup");
    let quiet = ["backup --quiet", "backup --json"].map(|typed| on_terminal(&site, typed));
    for mut command in [in_pipe].into_iter().chain(quiet) {
        let shell = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let request = slow_backup(&socket, |_| true);
        assert_eq!(request, json!({"verb": "backup"}), "{command:?}");
        let output = shell.wait_with_output().unwrap();
        assert!(output.status.success(), "{output:?}");
        assert!(output.stderr.is_empty(), "{output:?}");
    }
}
