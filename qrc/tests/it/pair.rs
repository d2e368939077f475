//! A redundant pair: the client follows the active Core, and a failover is a gap.

use std::time::Duration;

use qrc::method::component;
use qrc::{Options, Pair, Selection, Value, WatchEvent};
use qrc_sim::{Component, Control, CoreOptions, Design};

use crate::stage::Stage;

const PATIENCE: Duration = Duration::from_secs(20);

#[tokio::test]
async fn a_failover_is_followed_with_a_gap_and_no_event_twice() {
    let design = Design::new("Harbour_Hall", "zT4mQ9wXb2Lk")
        .with(Component::new("Lobby", "gain").with(Control::gain("gain", -100.0, 20.0)));
    let cores = qrc_sim::Pair::new(design, CoreOptions::default());
    let first = Stage::serve(cores.first.clone()).await;
    let second = Stage::serve(cores.second.clone()).await;
    let options =
        |stage: &Stage| Options::new(stage.address.ip().to_string(), stage.address.port());
    let pair = Pair::start(options(&first), options(&second));
    let mut watch = pair.watch(Selection::default()).await.unwrap();

    let mut told = Vec::new();
    let mut gaps = 0;
    let mut states = 0;
    for step in 1..=6 {
        let value = -10.0 * f64::from(step);
        let set = component::Set::new("Lobby", vec![component::SetControl::value("gain", value)]);
        if step == 4 {
            cores.fail_over();
        }
        pair.call(&set).await.unwrap();
        let want = Some(Value::Number(value));
        let mut arrived = false;
        while !arrived || states == 0 || (step >= 4 && states < 2) {
            let event = tokio::time::timeout(PATIENCE, watch.next()).await.unwrap();
            match event.unwrap() {
                WatchEvent::Inventory(inventory) => assert_eq!(inventory.controls.len(), 1),
                WatchEvent::Lost { .. } => {}
                WatchEvent::Gap { from, to, .. } => {
                    assert!(from < to);
                    gaps += 1;
                }
                WatchEvent::State { readings, .. } => {
                    states += 1;
                    arrived |= readings[0].1.value == want;
                }
                WatchEvent::Changes { changes, .. } => {
                    for change in changes {
                        arrived |= change.reading.value == want;
                        told.push(change.reading.value);
                    }
                }
            }
        }
    }
    assert_eq!((gaps, states), (1, 2));
    let mut once = told.clone();
    once.dedup();
    assert_eq!(told, once);
    pair.shutdown().await;
}
