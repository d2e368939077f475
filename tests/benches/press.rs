//! How long it takes from a press on the panel until the agent begins: `cargo bench -p system-tests --bench press -- PRESSES`.
//!
//! Everything is real: a third client sets the plugin's button over QRC, the plugin's Lua latches the request, the agent
//! sees it, checks it and writes its audit row; the row's time less the time before the press is the latency.

#![allow(clippy::unwrap_used, clippy::print_stdout, dead_code)]

#[path = "../scenarios/stage.rs"]
mod stage;

use contract::control;
use qrc::method::component::{Set, SetControl};
use serde_json::Value;

use stage::{EmulatedCore, Site, until};

const PANEL: &str = control::CODE_NAME;

fn main() {
    let mut numbers = std::env::args()
        .skip(1)
        .filter_map(|text| text.parse().ok());
    let presses: usize = numbers.next().unwrap_or(100);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(measure(presses));
}

async fn measure(presses: usize) {
    let core = EmulatedCore::start(&[]);
    let site = Site::new(core.port);
    let _agent = site.recording_agent();
    let wall = core.client();
    core.until_agent_online(&wall).await;
    let mut latencies = Vec::with_capacity(presses);
    let mut last = 0;
    for press in 0..presses {
        // The panel takes no press before it has shown the last answer; and not in step with any clock of the agent's.
        let pause = std::time::Duration::from_millis(800 + (press as u64 * 37) % 200);
        tokio::time::sleep(pause).await;
        let pressed = now_ms();
        let set = Set::new(PANEL, vec![SetControl::value(control::BACKUP_NOW, 1.0)]);
        wall.call(&set).await.unwrap();
        let row = until("the backup to be done", || newest(&site, last));
        last = row["id"].as_i64().unwrap();
        let begun: jiff::Timestamp = row["at"].as_str().unwrap().parse().unwrap();
        latencies.push(begun.as_millisecond() - pressed);
    }
    latencies.sort_unstable();
    let part = |of: usize| latencies[(latencies.len() * of / 100).min(latencies.len() - 1)];
    println!("| presses | p50 ms | p99 ms | slowest ms |\n| --- | --- | --- | --- |");
    println!(
        "| {presses} | {} | {} | {} |",
        part(50),
        part(99),
        part(100)
    );
}

/// The panel's newest finished row after another.
fn newest(site: &Site, after: i64) -> Option<Value> {
    let rows = site.json(&["audit", "--limit", "1"]);
    let row = rows.as_array().unwrap().last()?.clone();
    let fresh = row["id"].as_i64()? > after && row["asker"] == "panel";
    (fresh && row["outcome"] == "done").then_some(row)
}

fn now_ms() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}
