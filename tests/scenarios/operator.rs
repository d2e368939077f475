//! An operator at the panel page in a real browser, before the real agent: from a finger to the archive and back.

use contract::control;
use qrc::method::component::{Set, SetControl};

use crate::browser::{Browser, LIVE};
use crate::stage::{EmulatedCore, Process, Site, until};

async fn fader(core: &EmulatedCore, site: &Site, value: f64) {
    let set = Set::new("Master", vec![SetControl::value("gain", value)]);
    core.client().call(&set).await.unwrap();
    until("the fader's event", || {
        (site.count(&format!("value = {value:.1}")) == 1).then_some(())
    });
}

/// A browser before the page of a Core whose agent records.
async fn before(core: &EmulatedCore, page: &str, width: u32, height: u32) -> Browser {
    let mut browser = Browser::start().await;
    browser.size(width, height).await;
    browser.open(&format!("{}/#{page}", core.panel())).await;
    browser.until(LIVE, |said| said == "live").await;
    browser
}

fn no_complaints(browser: &Browser) {
    let said = browser.complaints();
    assert!(said.is_empty(), "{said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_press_makes_a_backup_and_the_page_tells_when_the_agent_dies_and_returns() {
    let core = EmulatedCore::start(&["--panel", "127.0.0.1:0"]);
    let mut browser = before(&core, "Status", 1024, 600).await;
    browser
        .until_reads("StatusText", |text| {
            text.starts_with("MISSING: No recovery agent has answered")
        })
        .await;
    browser.picture("page-no-agent.png").await;

    let site = Site::new(core.port);
    let agent = site.recording_agent();
    fader(&core, &site, -20.0).await;
    browser
        .until_reads("StatusText", |text| text.contains("no proved backup"))
        .await;
    browser.picture("page-warning.png").await;

    browser.press(control::BACKUP_NOW).await;
    browser
        .until_reads("StatusText", |text| text.contains("backup proved"))
        .await;
    browser
        .until_reads("LastBackup", |text| text.contains("event"))
        .await;
    assert_eq!(site.json(&["list"]).as_array().unwrap().len(), 1);
    browser.picture("page-status.png").await;
    browser.page("Setup").await;
    browser
        .until_reads(control::VERSION, |text| !text.is_empty())
        .await;
    browser.picture("page-setup.png").await;
    browser.page("Status").await;

    // It dies with a request before it: the page says so when three heartbeats are missing.
    browser.watch("StatusText").await;
    agent.kill();
    let killed = browser.now().await;
    browser.press(control::BACKUP_NOW).await;
    browser
        .until_reads("StatusText", |text| text.starts_with("MISSING"))
        .await;
    let seen = browser.watched("StatusText").await;
    let (_, told) = seen.last().unwrap();
    let silence = (told - killed) / 1000.0;
    println!("agent killed: the page says MISSING after {silence:.1} s");
    // One heartbeat may be due when the agent dies, so at least two are missed; the limit leaves a busy machine time.
    assert!((2.0..20.0).contains(&silence), "{silence} s");
    browser.picture("page-offline.png").await;

    // It returns, and the request that it never took stays dead.
    let _agent = site.recording_agent();
    browser
        .until_reads("StatusText", |text| text.starts_with("OK"))
        .await;
    browser
        .until_reads("RequestText", |text| {
            text.contains("refused") || text.contains("not answered") || text.contains("no answer")
        })
        .await;
    assert_eq!(site.json(&["list"]).as_array().unwrap().len(), 1);
    no_complaints(&browser);
}

/// A room with a backup at -20 dB and a later event at -21 dB, an agent that wants a PIN, and a browser at it.
async fn a_room_to_restore() -> (EmulatedCore, Site, Process, Browser) {
    let core = EmulatedCore::start(&["--panel", "127.0.0.1:0"]);
    let site = Site::new(core.port).set("QSYS_PANEL_PIN", "4071");
    let agent = site.recording_agent();
    fader(&core, &site, -20.0).await;
    site.json(&["backup"]);
    fader(&core, &site, -21.0).await;
    let browser = before(&core, "Restore", 1280, 800).await;
    (core, site, agent, browser)
}

/// Chooses the newest backup, types the PIN and arms.
async fn choose_and_arm(browser: &mut Browser, pin: &str) {
    browser
        .click("[data-control=RestorePoint] > [role=option]")
        .await;
    browser
        .until_reads("RestoreTarget", |text| text.starts_with("Back to "))
        .await;
    type_pin(browser, pin).await;
    browser.press("ArmRestore").await;
    browser
        .until_reads("ConfirmRestore", |text| text.starts_with("Confirm restore"))
        .await;
}

/// Choosing a backup drops a PIN that was typed before the plugin heard of the choice: then it is typed again, as a
/// person would.
async fn type_pin(browser: &mut Browser, pin: &str) {
    const SHOWN: &str = "document.querySelector('[data-control=\"PinText\"]')?.innerText ?? ''";
    for _ in 0..10 {
        browser.press("Pin").await;
        browser.type_line(pin).await;
        for _ in 0..30 {
            if browser.eval(SHOWN).await == "PIN entered" {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    }
    panic!("the PIN was never taken");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restore_is_chosen_armed_confirmed_followed_and_taken_back() {
    let (_core, site, _agent, mut browser) = a_room_to_restore().await;

    // The page refuses a text that is no moment; a choice from the list replaces it.
    browser.press("RestoreMoment").await;
    browser.type_line("half past seven").await;
    browser
        .until_reads("RestoreTarget", |text| text.starts_with("Type the moment"))
        .await;
    browser
        .click("[data-control=RestorePoint] > [role=option]")
        .await;
    browser
        .until_reads("RestoreTarget", |text| text.starts_with("Back to "))
        .await;
    browser.press("PreviewRestore").await;
    browser
        .until_reads("RestorePreview", |text| text.contains("event"))
        .await;
    // Without the PIN nothing can be armed.
    let arm = "document.querySelector('[data-control=ArmRestore]').disabled";
    browser.until(arm, |said| said == true).await;

    choose_and_arm(&mut browser, "4071").await;
    // The countdown moves, and arming alone restores nothing.
    let first = browser
        .until_reads("ConfirmRestore", |text| text.contains('('))
        .await;
    browser
        .until_reads("ConfirmRestore", |text| text != first && text.contains('('))
        .await;
    assert_eq!(site.count("value = -21.0"), 1);
    browser.picture("page-restore.png").await;

    for control in ["JobText", "RequestText"] {
        browser.watch(control).await;
    }
    browser.press("ConfirmRestore").await;
    browser
        .until_reads("RestoreResult", |text| text.starts_with("Restore done"))
        .await;
    browser.picture("page-restored.png").await;
    assert_eq!(site.count("value = -21.0"), 0);
    assert_eq!(site.count("value = -20.0"), 1);
    let asked = browser.watched("RequestText").await;
    assert!(
        asked
            .iter()
            .any(|(text, _)| text.starts_with("Restore accepted")),
        "{asked:?}"
    );
    let pin = browser.eval("document.querySelector('[data-control=Pin]').value");
    assert_eq!(pin.await, "", "the PIN is cleared once used");

    // And back again.
    type_pin(&mut browser, "4071").await;
    browser.press("ArmUndo").await;
    browser
        .until_reads("ConfirmRestore", |text| text.starts_with("Confirm undo"))
        .await;
    browser.press("ConfirmRestore").await;
    browser
        .until_reads("RestoreResult", |text| text.starts_with("Undo done"))
        .await;
    assert_eq!(site.count("value = -21.0"), 1);
    no_complaints(&browser);
}

#[tokio::test(flavor = "multi_thread")]
async fn five_wrong_pins_lock_the_right_one_out_and_the_page_says_so() {
    let (_core, site, _agent, mut browser) = a_room_to_restore().await;
    // The answer before reads just the same, so that each is told from it by its own coming.
    browser.watch("RequestText").await;
    for answers in 1..=5 {
        choose_and_arm(&mut browser, "1111").await;
        browser.press("ConfirmRestore").await;
        let seen = "(window.watched['RequestText'] ?? []).filter(([text]) => text.includes('the PIN is wrong')).length";
        browser.until(seen, |said| said == answers).await;
        browser
            .until_reads("RestoreResult", |text| text.contains("the PIN is wrong"))
            .await;
    }
    browser.picture("page-refused.png").await;
    choose_and_arm(&mut browser, "4071").await;
    browser.press("ConfirmRestore").await;
    browser
        .until_reads("RestoreResult", |text| text.contains("too many wrong PINs"))
        .await;
    browser.picture("page-locked.png").await;
    assert_eq!(site.count("value = -21.0"), 1, "nothing was restored");
    no_complaints(&browser);
}

/// What an operator must not overlook, and must see without colours too.
#[tokio::test(flavor = "multi_thread")]
async fn a_hole_in_the_record_and_a_failed_backup_are_seen_and_the_page_recovers() {
    let core = EmulatedCore::start(&["--panel", "127.0.0.1:0"]);
    let site = Site::new(core.port);
    let agent = site.recording_agent();
    fader(&core, &site, -20.0).await;
    agent.kill();
    let _agent = site.recording_agent();
    fader(&core, &site, -21.0).await;
    let mut browser = before(&core, "Status", 1920, 1080).await;
    browser
        .until_reads("AgentText", |text| text.contains("online"))
        .await;
    browser.press(control::BACKUP_NOW).await;
    browser
        .until_reads("StatusText", |text| text.contains("backup proved"))
        .await;
    browser
        .until_reads("GapsText", |text| text.starts_with('1'))
        .await;
    // As long as an answer is awaited the plugin takes no other press.
    browser
        .until_reads("RequestText", |text| text.contains("done"))
        .await;
    browser.picture("page-hole.png").await;

    // The archive's disk is gone, and something else lies in its place.
    let (archive, away) = (site.path("backups"), site.path("away"));
    std::fs::rename(&archive, &away).unwrap();
    std::fs::write(&archive, "no folder").unwrap();
    browser.press(control::BACKUP_NOW).await;
    browser
        .until_reads("StatusText", |text| text.contains("the last backup failed"))
        .await;
    browser
        .until_reads("RequestText", |text| text.contains("failed"))
        .await;
    browser.picture("page-failed.png").await;
    browser
        .eval("document.documentElement.style.filter = 'grayscale(1)'")
        .await;
    browser.picture("page-failed-in-grey.png").await;

    std::fs::remove_file(&archive).unwrap();
    std::fs::rename(&away, &archive).unwrap();
    browser.press(control::BACKUP_NOW).await;
    browser
        .until_reads("StatusText", |text| text.contains("backup proved"))
        .await;
    no_complaints(&browser);
}
