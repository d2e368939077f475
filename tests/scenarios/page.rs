//! The panel page in a real browser: what an operator sees and presses, from Chromium to the archive.

use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::Duration;

use qrc::method::component::{Get, Set, SetControl};
use serde_json::{Value, json};

use crate::browser::Browser;
use crate::stage::{EmulatedCore, Site, failed, program};

const LIVE: &str = "document.body?.dataset.link";

/// Everything on the page is inside the window, every button is as large as a finger, and no text is cut off.
const FITS: &str = "(() => {
  const bad = [], room = document.getElementById('room').getBoundingClientRect();
  for (const e of document.querySelectorAll('#stage .object')) {
    if (e.hidden) continue;
    const b = e.getBoundingClientRect(), name = e.dataset.control || e.textContent;
    if (b.left < room.left || b.right > room.right || b.top < room.top || b.bottom > room.bottom) bad.push('outside: ' + name);
    if (e.tagName === 'BUTTON' && (b.height < 44 || b.width < 44)) bad.push('too small: ' + name);
    const words = e.querySelector(':scope > .words');
    if (e.tagName === 'BUTTON' && words && words.scrollWidth > e.clientWidth + 1) bad.push('cut off: ' + name);
  }
  return bad;
})()";

fn control(name: &str) -> String {
    format!("[data-control={name}]")
}

async fn page_of(browser: &mut Browser, name: &str) {
    let tabs = "[...document.querySelectorAll('#tabs button')].map((tab) => tab.textContent)";
    let tabs = browser.until(tabs, |said| said[0].is_string()).await;
    let at = tabs.as_array().unwrap().iter().position(|tab| tab == name);
    let at = at.unwrap_or_else(|| panic!("no page {name} in {tabs}")) + 1;
    browser
        .click(&format!("#tabs button:nth-child({at})"))
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_backs_up_in_a_browser_and_sees_the_agent_go_and_return() {
    let core = EmulatedCore::start(&["--panel", "127.0.0.1:0"]);
    let site = Site::new(core.port);
    let agent = site.recording_agent();
    let wall = core.client();
    let set = Set::new("Master", vec![SetControl::value("gain", -20.0)]);
    wall.call(&set).await.unwrap();

    let mut browser = Browser::start().await;
    browser.size(1024, 600).await;
    browser.open(&core.panel()).await;
    browser.until(LIVE, |said| said == "live").await;
    browser
        .until_reads("StatusText", |text| text.contains("no proved backup"))
        .await;

    browser.click(&control("BackupNow")).await;
    browser
        .until_reads("StatusText", |text| text.contains("backup proved"))
        .await;
    browser
        .until_reads("LastBackup", |text| text.contains("event"))
        .await;
    assert_eq!(site.json(&["list"]).as_array().unwrap().len(), 1);
    browser.picture("page-status.png").await;

    page_of(&mut browser, "Setup").await;
    browser
        .until_reads("VersionText", |text| !text.is_empty())
        .await;
    browser.picture("page-setup.png").await;

    // The agent dies with a request before it: the page says so soon, and the request stays dead.
    page_of(&mut browser, "Status").await;
    agent.kill();
    browser.click(&control("BackupNow")).await;
    browser
        .until_reads("StatusText", |text| text.starts_with("MISSING"))
        .await;
    browser.picture("page-offline.png").await;
    let _agent = site.recording_agent();
    browser
        .until_reads("StatusText", |text| text.starts_with("OK"))
        .await;
    assert_eq!(site.json(&["list"]).as_array().unwrap().len(), 1);
    assert!(
        browser.complaints().is_empty(),
        "{:?}",
        browser.complaints()
    );
}

const PLUGIN: &str = "DisasterRecovery";

async fn write(wall: &qrc::Client, control: &str, value: impl Into<qrc::Value>) {
    let set = Set::new(PLUGIN, vec![SetControl::value(control, value)]);
    wall.call(&set).await.unwrap();
}

/// The request that the plugin has latched; null where there is none.
async fn request(wall: &qrc::Client) -> Value {
    let readings = wall.call(&Get::new(PLUGIN, ["RequestJson"])).await.unwrap();
    let text = readings.controls[0].reading.string.clone();
    serde_json::from_str(&text.unwrap_or_default()).unwrap_or_default()
}

/// Plays an agent that can do everything: its state, its heartbeat, and no more.
async fn play_agent(wall: qrc::Client) {
    let state = json!({"schema": 1, "seq": 1, "status": 0, "text": "All is well", "recording": true,
        "agent": {"version": "0.1.0"}, "pinRequired": true,
        "can": ["backup", "verify", "preview", "restore", "undo"],
        "points": [
            {"id": "b2", "when": "today 19:00", "label": "1 234 102 events", "preview": "Loses 465 events."},
            {"id": "b1", "when": "today 04:00", "label": "1 180 770 events"}]});
    write(&wall, "AgentStateJson", state.to_string().as_str()).await;
    tokio::spawn(async move {
        for beat in 1.. {
            let beat = SetControl::value("Heartbeat", f64::from(beat));
            if wall.call(&Set::new(PLUGIN, vec![beat])).await.is_err() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restore_is_chosen_armed_and_confirmed_with_the_pin_and_its_result_is_shown() {
    let core = EmulatedCore::start(&["--panel", "127.0.0.1:0"]);
    let wall = core.client();
    play_agent(core.client()).await;
    let mut browser = Browser::start().await;
    browser.size(1280, 800).await;
    browser.open(&format!("{}/#Restore", core.panel())).await;

    // A moment that is none is said to be none, and choosing from the list takes its place.
    browser.click(&control("RestoreMoment")).await;
    browser.type_line("half past seven").await;
    browser
        .until_reads("RestoreTarget", |text| text.starts_with("Type the moment"))
        .await;
    browser.click("[data-control=RestorePoint] > div").await;
    browser
        .until_reads("RestoreTarget", |text| {
            text.starts_with("Back to today 19:00")
        })
        .await;
    browser
        .until_reads("RestorePreview", |text| text == "Loses 465 events.")
        .await;

    // Without the PIN nothing can be armed; with it, arming alone asks for nothing.
    browser
        .until(
            "document.querySelector('[data-control=ArmRestore]').disabled",
            |said| said == true,
        )
        .await;
    browser.click(&control("Pin")).await;
    browser.type_line("2580").await;
    browser.click(&control("ArmRestore")).await;
    browser
        .until_reads("ConfirmRestore", |text| text.starts_with("Confirm restore"))
        .await;
    assert_eq!(request(&wall).await, Value::Null);
    browser.picture("page-restore.png").await;

    browser.click(&control("ConfirmRestore")).await;
    browser
        .until_reads("RequestText", |text| text == "Restore asked for")
        .await;
    let asked = request(&wall).await;
    let text = |member: &str| asked[member].as_str().unwrap().to_owned();
    assert_eq!(
        (text("kind"), text("pointId"), &asked["armed"]),
        ("restore".to_owned(), "b2".to_owned(), &json!(true))
    );
    let proof = qsys_designs::pin_proof("2580", &text("id"), "restore", "b2", &text("at"));
    assert_eq!(text("pinProof"), proof);
    let pin = browser.eval("document.querySelector('[data-control=Pin]').value");
    assert_eq!(pin.await, "", "the PIN is cleared once used");

    let ack = json!({"id": text("id"), "result": "failed", "text": "wrong PIN"});
    write(&wall, "AckJson", ack.to_string().as_str()).await;
    browser
        .until_reads("RestoreResult", |text| text == "Restore failed: wrong PIN")
        .await;
    browser
        .until_reads("ConfirmRestore", |text| text == "Not armed")
        .await;
    assert!(
        browser.complaints().is_empty(),
        "{:?}",
        browser.complaints()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_fits_every_usual_screen_and_a_core_that_goes_is_not_shown_as_live() {
    let core = EmulatedCore::start(&["--panel", "127.0.0.1:0"]);
    let mut browser = Browser::start().await;
    browser.open(&core.panel()).await;
    browser.until(LIVE, |said| said == "live").await;
    for (width, height) in [(1024, 600), (1280, 800), (1366, 768), (1920, 1080)] {
        browser.size(width, height).await;
        for page in ["Status", "Restore", "Setup"] {
            page_of(&mut browser, page).await;
            let bad = browser.eval(FITS).await;
            assert!(
                bad.as_array().unwrap().is_empty(),
                "{page} at {width}x{height}: {bad}"
            );
        }
    }
    assert!(
        browser.complaints().is_empty(),
        "{:?}",
        browser.complaints()
    );
    browser.size(1024, 600).await;
    page_of(&mut browser, "Status").await;
    let address = core.panel();
    core.process.kill();
    browser.until(LIVE, |said| said == "cut").await;
    browser.picture("page-no-link.png").await;
    // The same page goes on by itself when the Core is back.
    let _core = EmulatedCore::start(&["--panel", address.strip_prefix("http://").unwrap()]);
    browser.until(LIVE, |said| said == "live").await;
}

#[test]
fn what_cannot_be_drawn_is_said_before_anything_is_served() {
    let site = Site::new(1);
    let plugin = site.path("broken.qplug");
    let plugin_text = plugin.display().to_string();
    let emulate = ["emulate", "--qrc", "127.0.0.1:0", "--panel", "--plugin"];
    let with_plugin = [&emulate[..], &[&plugin_text]].concat();
    let (code, said) = failed(&site.run(&with_plugin));
    assert_eq!(code, 2);
    assert!(said.contains("broken.qplug"), "{said}");
    std::fs::write(&plugin, "PluginInfo = {").unwrap();
    let (code, said) = failed(&site.run(&with_plugin));
    assert_eq!(code, 2);
    assert!(said.contains("broken.qplug: "), "{said}");

    let design = site.path("design.json");
    std::fs::write(&design, qrc::sim::Design::new("Bare", "b").to_json()).unwrap();
    let design = design.display().to_string();
    let bare = [
        "emulate",
        "--qrc",
        "127.0.0.1:0",
        "--panel",
        "--design",
        &design,
    ];
    let (code, said) = failed(&site.run(&bare));
    assert_eq!(code, 2);
    assert!(
        said.contains("no plugin") && said.contains("--plugin"),
        "{said}"
    );
    let (code, said) =
        failed(&site.run(&["emulate", "--qrc", "127.0.0.1:0", "--panel", "nowhere"]));
    assert_eq!(code, 1);
    assert!(
        said.contains("nowhere") && said.contains("--panel"),
        "{said}"
    );
}

#[test]
fn a_page_that_the_network_can_reach_is_warned_of() {
    let mut command = program();
    command.args(["emulate", "--quiet", "--qrc", "127.0.0.1:0", "--panel"]);
    command.arg("0.0.0.0:0");
    let child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn();
    let mut child = child.unwrap();
    let said = BufReader::new(child.stderr.take().unwrap()).lines().next();
    child.kill().unwrap();
    child.wait().unwrap();
    let said = said.unwrap().unwrap();
    assert!(
        said.starts_with("WARNING: ") && said.contains("no password"),
        "{said}"
    );
}
