//! Ten thousand changes at two thousand a second, each in the store exactly once.

use std::time::Duration;

use qrc::method::component::{Set, SetControl};
use qrc_sim::{Component, Control, Design};

use crate::stage::{EmulatedCore, Site, until};

const COMPONENTS: usize = 50;
const CONTROLS: usize = 50;
const ROUNDS: usize = 4;

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_changes_at_two_thousand_a_second_arrive_exactly_once_each() {
    let mut design = Design::new("Flood", "aB3dE5gH7jK9");
    for component in 0..COMPONENTS {
        let mut block = Component::new(&format!("Block_{component}"), "custom_controls");
        for control in 0..CONTROLS {
            block = block.with(Control::gain(&format!("gain.{control}"), -100.0, 20.0).at(-100.0));
        }
        design = design.with(block);
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("flood.json");
    std::fs::write(&file, design.to_json()).unwrap();
    let core = EmulatedCore::start(&["--design", &file.display().to_string()]);
    let site = Site::new(core.port);
    let agent = site.recording_agent();
    let pusher = core.client();

    for round in 1..=ROUNDS {
        // 20 changes each 10 ms. A Core merges changes of one control that come between
        // two polls, so each control moves once a round, and a round begins when the one
        // before is recorded.
        let mut pace = tokio::time::interval(Duration::from_millis(10));
        for first in (0..COMPONENTS * CONTROLS).step_by(20) {
            pace.tick().await;
            let block = format!("Block_{}", first / CONTROLS);
            let last = (first + 20).min((first / CONTROLS + 1) * CONTROLS);
            let sets = |range: std::ops::Range<usize>| {
                let set =
                    |n: usize| SetControl::value(format!("gain.{}", n % CONTROLS), value(round, n));
                range.map(set).collect::<Vec<_>>()
            };
            pusher
                .call(&Set::new(block, sets(first..last)))
                .await
                .unwrap();
            if last < first + 20 {
                let next = format!("Block_{}", last / CONTROLS);
                pusher
                    .call(&Set::new(next, sets(last..first + 20)))
                    .await
                    .unwrap();
            }
        }
        let wanted = (round * COMPONENTS * CONTROLS) as u64;
        until("the round to be recorded", || {
            (site.count("1") >= wanted).then_some(())
        });
    }
    assert_eq!(agent.terminate(), 0);

    let total = (ROUNDS * COMPONENTS * CONTROLS) as u64;
    assert_eq!(total, 10_000);
    assert_eq!(site.count("1"), total);
    for round in 1..=ROUNDS {
        let first = -90.0 + 20.0 * (round - 1) as f64;
        let within = format!("value > {} AND value < {}", first - 0.001, first + 9.999);
        assert_eq!(site.count(&within), 2_500, "round {round}");
    }
}

/// A value that no other change of this control has: rounds are 20 dB apart.
fn value(round: usize, control: usize) -> f64 {
    -90.0 + 20.0 * (round - 1) as f64 + (control % 400) as f64 / 40.0
}
