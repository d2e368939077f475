//! What a process has used, by the kernel's account, and what to make of repeated measurements.

use std::path::Path;

/// CPU seconds of all threads of this process that live, from the scheduler's own account.
pub(crate) fn cpu() -> f64 {
    let nanoseconds = |task: std::fs::DirEntry| -> f64 {
        let text = std::fs::read_to_string(task.path().join("schedstat")).unwrap_or_default();
        let first = text.split(' ').next().unwrap_or_default();
        first.parse().unwrap_or(0.0)
    };
    let tasks = std::fs::read_dir("/proc/self/task").unwrap().flatten();
    tasks.map(nanoseconds).sum::<f64>() / 1e9
}

/// The most memory that was resident so far, MiB. `process` is its folder, such as `/proc/self`.
pub(crate) fn peak_rss(process: &Path) -> f64 {
    let status = std::fs::read_to_string(process.join("status")).unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM"));
    let kib = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<f64>().ok());
    kib.unwrap_or(0.0) / 1024.0
}

/// How busy the machine was in the last minute.
pub(crate) fn load() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().unwrap_or("unknown").to_owned()
}

pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values[values.len() / 2]
}
