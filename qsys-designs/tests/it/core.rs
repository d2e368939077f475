//! The plugin and the life in the room, inside the simulated Core on a paused clock.

use std::time::Duration;

use contract::control;
use qrc_sim::{ControlState, Core, CoreOptions};
use qsys_designs::{DemoOptions, demo_design};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

const PLUGIN: &str = control::CODE_NAME;

/// A served demo Core: served, because only then does its time pass.
async fn demo(churn_per_second: f64) -> Core {
    let demo = demo_design(&DemoOptions {
        churn_per_second,
        ..DemoOptions::default()
    });
    let core = Core::new(demo.design, CoreOptions::emulator());
    for script in demo.scripts {
        core.add_script(script);
    }
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let served = core.clone();
    tokio::spawn(async move { served.serve(listener, CancellationToken::new()).await });
    core
}

fn get(core: &Core, control: &str) -> ControlState {
    core.with_controls(|c| {
        let key = c.lookup(PLUGIN, control).unwrap();
        c.get(key)
    })
}

fn write(core: &Core, control: &str, text: &str) {
    core.with_controls(|c| {
        let key = c.lookup(PLUGIN, control).unwrap();
        c.set_string(key, text);
    });
}

fn press(core: &Core, control: &str) {
    core.with_controls(|c| {
        let key = c.lookup(PLUGIN, control).unwrap();
        c.trigger(key);
    });
}

async fn pass(milliseconds: u64) {
    tokio::time::sleep(Duration::from_millis(milliseconds)).await;
}

#[tokio::test(start_paused = true)]
async fn a_press_goes_through_lua_and_latches_a_request() {
    let core = demo(0.0).await;
    pass(100).await;
    assert_eq!(get(&core, "Status").value, 5.0);
    write(&core, control::STATE, &crate::bench::healthy().to_string());
    pass(100).await;
    assert_eq!(get(&core, "Status").value, 0.0);
    assert_eq!(
        get(&core, "StatusText").string,
        "OK: Everything is recorded and backed up"
    );
    press(&core, control::BACKUP_NOW);
    pass(70).await;
    let request: serde_json::Value =
        serde_json::from_str(&get(&core, control::REQUEST).string).unwrap();
    assert_eq!(request["kind"], "backup");
    let answer = serde_json::json!({"id": request["id"], "result": "accepted", "text": ""});
    write(&core, control::ACK, &answer.to_string());
    pass(70).await;
    assert_eq!(get(&core, control::REQUEST).string, "");
    assert_eq!(get(&core, "RequestText").string, "Backup accepted");
}

#[tokio::test(start_paused = true)]
async fn an_agent_that_falls_silent_is_shown_within_five_seconds() {
    let core = demo(0.0).await;
    write(&core, control::STATE, &crate::bench::healthy().to_string());
    pass(1000).await;
    assert_eq!(get(&core, "Status").value, 0.0);
    pass(4000).await;
    assert_eq!(get(&core, "Status").value, 4.0);
    assert!(!get(&core, "AgentOnline").boolean);
}

#[tokio::test(start_paused = true)]
async fn a_restart_of_the_core_expires_a_latched_request_and_recomputes_the_status() {
    let core = demo(0.0).await;
    write(&core, control::STATE, &crate::bench::healthy().to_string());
    pass(100).await;
    press(&core, control::VERIFY_NOW);
    pass(100).await;
    assert!(get(&core, control::REQUEST).string.contains("verify"));
    core.restart();
    pass(100).await;
    assert_eq!(get(&core, control::REQUEST).string, "");
    assert_eq!(get(&core, "Status").value, 5.0);
    assert!(get(&core, "RequestText").string.contains("expired"));
}

#[tokio::test(start_paused = true)]
async fn the_room_moves_at_the_rate_that_was_set() {
    for rate in [10.0, 400.0] {
        let core = demo(rate).await;
        pass(100).await;
        let not_meters = |core: &Core| -> Vec<f64> {
            core.with_controls(|c| {
                c.all()
                    .filter(|k| !matches!(c.spec(*k).kind, qrc_sim::Kind::Meter { .. }))
                    .map(|k| c.value(k))
                    .collect()
            })
        };
        let mut changes = 0;
        let mut before = not_meters(&core);
        for _ in 0..200 {
            pass(33).await;
            let now = not_meters(&core);
            changes += before.iter().zip(&now).filter(|(a, b)| a != b).count();
            before = now;
        }
        // Text is not counted here, and two changes of one control in a frame count once.
        let expected = rate * 200.0 * 0.033;
        let ratio = changes as f64 / expected;
        assert!(
            (0.6..1.4).contains(&ratio),
            "{changes} changes at {rate}/s, expected about {expected}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn the_same_seed_gives_the_same_evening_and_the_plugin_is_left_alone() {
    let mut evenings = Vec::new();
    for _ in 0..2 {
        let core = demo(50.0).await;
        let untouched = get(&core, control::STATE);
        pass(15_000).await;
        assert_eq!(get(&core, control::STATE), untouched);
        let state: Vec<_> = core.with_controls(|c| {
            c.all()
                .filter(|k| c.component(*k) != PLUGIN)
                .map(|k| (c.name(k).to_owned(), c.get(k).string))
                .collect()
        });
        evenings.push(state);
    }
    assert_eq!(evenings[0], evenings[1]);
}

#[tokio::test(start_paused = true)]
async fn phases_follow_each_other_and_the_show_runs_in_between() {
    let core = demo(5.0).await;
    let read = |name: &str| {
        core.with_controls(|c| {
            let key = c.lookup("Room_Info", name).unwrap();
            c.get(key).string
        })
    };
    let mut seen = Vec::new();
    for _ in 0..84 {
        pass(1000).await;
        let now = (read("Phase"), read("ShowRunning"));
        if seen.last() != Some(&now) {
            seen.push(now);
        }
    }
    let names: Vec<_> = seen.iter().map(|(phase, _)| phase.as_str()).collect();
    assert_eq!(&names[..4], ["Closed", "Sound check", "Walk-in", "Act one"]);
    assert_eq!(seen.iter().find(|(p, _)| p == "Act two").unwrap().1, "true");
    assert_eq!(
        seen.iter().find(|(p, _)| p == "Walk-out").unwrap().1,
        "false"
    );
}
