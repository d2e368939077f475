//! How much memory 20,000 watched controls take, in a process of their own.

use std::process::Command;

use qrc::{Client, Options, Selection, WatchEvent};

use crate::far_end::FarEnd;

const CONTROLS: usize = 20_000;

pub(crate) fn report() {
    let output = Command::new(std::env::current_exe().unwrap())
        .arg("memory")
        .output()
        .unwrap();
    print!("{}", String::from_utf8_lossy(&output.stdout));
}

/// The process: idle first, then with the watch.
pub(crate) fn measure() {
    let far_end = FarEnd::start(CONTROLS, 500, 256);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let address = far_end.address;
        let client = Client::start(Options::new(address.ip().to_string(), address.port()));
        let _ = client.raw("StatusGet", &0).await.unwrap();
        let idle = resident();
        let mut watch = client.watch(Selection::default()).await.unwrap();
        let mut missing = 256 * 500;
        let mut inventory = None;
        let mut begun = None;
        while missing > 0 {
            match watch.next().await.unwrap() {
                WatchEvent::Changes { changes, .. } => {
                    missing -= changes.len().min(missing);
                }
                WatchEvent::Inventory(found) => inventory = Some(found),
                WatchEvent::State { .. } => begun = Some(resident()),
                WatchEvent::Lost { why, .. } | WatchEvent::Gap { why, .. } => panic!("{why}"),
            }
        }
        let (after, peak) = (resident(), status("VmHWM:"));
        let controls = inventory.unwrap().controls.len();
        println!(
            "memory with {controls} watched controls, above idle ({:.1} MiB): {:.1} MiB after the first state, {:.1} MiB after 256 pushes of 500, peak {:.1} MiB",
            mib(idle),
            mib(begun.unwrap_or(idle) - idle),
            mib(after - idle),
            mib(peak - idle)
        );
    });
}

fn mib(kib: usize) -> f64 {
    kib as f64 / 1024.0
}

fn resident() -> usize {
    status("VmRSS:")
}

/// A line of the process's own status, in KiB; 0 if there is none.
fn status(key: &str) -> usize {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    text.lines()
        .find_map(|line| line.strip_prefix(key))
        .and_then(|rest| rest.trim().trim_end_matches(" kB").parse().ok())
        .unwrap_or_default()
}
