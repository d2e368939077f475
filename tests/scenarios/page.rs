//! The panel page in a real browser: that everything fits, that the link is told, and what cannot be drawn is said.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use crate::browser::{Browser, LIVE};
use crate::stage::{EmulatedCore, Site, failed, program};

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

#[tokio::test(flavor = "multi_thread")]
async fn every_page_fits_every_usual_screen_and_a_core_that_goes_is_not_shown_as_live() {
    let core = EmulatedCore::start(&["--panel", "127.0.0.1:0"]);
    let mut browser = Browser::start().await;
    browser.open(&core.panel()).await;
    browser.until(LIVE, |said| said == "live").await;
    for (width, height) in [(1024, 600), (1280, 800), (1366, 768), (1920, 1080)] {
        browser.size(width, height).await;
        for page in ["Status", "Restore", "Setup"] {
            browser.page(page).await;
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
    browser.page("Status").await;
    let address = core.panel();
    core.process.kill();
    browser.until(LIVE, |said| said == "cut").await;
    browser.picture("page-no-link.png").await;
    // The same page goes on by itself when the Core is back.
    let _core = EmulatedCore::start(&["--panel", address.strip_prefix("http://").unwrap()]);
    browser.until(LIVE, |said| said == "live").await;
}

/// Another maker's plugin, of two pages, with what ours does not use.
const MIXER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/plugins/mixer.qplug");

#[tokio::test(flavor = "multi_thread")]
async fn any_plugin_is_drawn_whole_and_pressed_dragged_typed_into_and_chosen_from() {
    let core = EmulatedCore::start(&["--panel", "127.0.0.1:0", "--plugin", MIXER]);
    let mut browser = Browser::start().await;
    browser.open(&core.panel()).await;
    browser.until(LIVE, |said| said == "live").await;
    for (width, height) in [(1920, 1080), (1024, 600)] {
        browser.size(width, height).await;
        for page in ["Looks", "Mix"] {
            browser.page(page).await;
            let bad = browser.eval(FITS).await;
            assert!(
                bad.as_array().unwrap().is_empty(),
                "{page} at {width}x{height}: {bad}"
            );
        }
    }

    browser.press("Mute").await;
    browser
        .until_reads("Said", |text| text == "mute true")
        .await;
    let lit = "document.querySelector('[data-control=Clip]').dataset.state";
    browser.until(lit, |said| said == "on").await;
    browser.press("Talk").await;
    browser
        .until_reads("Said", |text| text == "talk false")
        .await;
    browser.click("[data-control=Source] > :nth-child(2)").await;
    browser
        .until_reads("Said", |text| text == "source Lectern")
        .await;
    browser.press("Title").await;
    browser.type_line("Matinee").await;
    browser
        .until_reads("Said", |text| text == "title Matinee")
        .await;
    // The second fader follows the first, which a hand draws down.
    let value = "Number(document.querySelector('[data-control=\"Level 2\"]').ariaValueNow)";
    browser.until(value, |said| said == 0).await;
    browser.drag("[data-control='Level 1']", 0.0, 0.4).await;
    browser
        .until(value, |said| said.as_f64().is_some_and(|db| db < -30.0))
        .await;
    browser.picture("page-other.png").await;

    // Icons are pictures of the plugin's own; a meter of a reduction hangs from its top.
    let mask =
        "getComputedStyle(document.querySelector('[data-control=Mute] .button-icon')).maskImage";
    browser
        .until(mask, |said| {
            said.as_str()
                .is_some_and(|url| url.contains("data:image/svg"))
        })
        .await;
    let gloss = "getComputedStyle(document.querySelector('[data-control=Mute]'), '::after').backgroundImage";
    browser
        .until(gloss, |said| {
            said.as_str()
                .is_some_and(|image| image.contains("gradient"))
        })
        .await;
    browser.page("Looks").await;
    let looks = "(() => { const t = document.querySelector('[data-control=Title]'), s = getComputedStyle(t); \
         const b = document.querySelector('[data-control=Signal] .bar'); \
         return [s.left, s.width, s.paddingLeft, s.fontStyle, s.fontWeight, parseFloat(b.style.bottom) + parseFloat(b.style.height)]; })()";
    let looks = browser.until(looks, serde_json::Value::is_array).await;
    assert_eq!(
        looks,
        serde_json::json!(["104px", "312px", "12px", "italic", "600", 100])
    );
    browser.until_reads("Camera", |text| text == "Media").await;
    let said = browser.complaints();
    assert!(said.is_empty(), "{said:?}");
}

#[test]
fn what_cannot_be_drawn_is_said_before_anything_is_served() {
    let site = Site::new(1);
    let plugin = site.path("broken.qplug");
    let plugin_text = plugin.display().to_string();
    let shown = ["--qrc", "127.0.0.1:0", "--panel", "--plugin"];
    let with_plugin = [&shown[..], &[&plugin_text]].concat();
    let (code, said) = failed(&site.emulate(&with_plugin));
    assert_eq!(code, 2);
    assert!(said.contains("broken.qplug"), "{said}");
    std::fs::write(&plugin, "PluginInfo = {").unwrap();
    let (code, said) = failed(&site.emulate(&with_plugin));
    assert_eq!(code, 2);
    assert!(said.contains("broken.qplug: "), "{said}");

    let design = site.path("design.json");
    std::fs::write(&design, qrc_sim::Design::new("Bare", "b").to_json()).unwrap();
    let design = design.display().to_string();
    let bare = ["--qrc", "127.0.0.1:0", "--panel", "--design", &design];
    let (code, said) = failed(&site.emulate(&bare));
    assert_eq!(code, 2);
    assert!(
        said.contains("no plugin") && said.contains("--plugin"),
        "{said}"
    );
    let (code, said) = failed(&site.emulate(&["--qrc", "127.0.0.1:0", "--panel", "nowhere"]));
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
