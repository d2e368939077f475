//! What may lie where a real file should be: links, pipes, sockets, devices and folders, made for tests.

use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::Path;

use rustix::fs::{CWD, FileType, Mode, makedev, mknodat};

pub(crate) const KINDS: [&str; 5] = [
    "a symbolic link",
    "a named pipe",
    "a socket",
    "a device",
    "a folder",
];

/// Makes one under a free name; a link leads to `outside`. `false` where only root may make it.
pub(crate) fn put(kind: &str, path: &Path, outside: &Path) -> bool {
    // The device never ends.
    let node = |kind| mknodat(CWD, path, kind, Mode::from_raw_mode(0o644), makedev(1, 5)).is_ok();
    match kind {
        "a symbolic link" => symlink(outside, path).is_ok(),
        "a named pipe" => node(FileType::Fifo),
        "a socket" => UnixListener::bind(path).is_ok(),
        "a device" => node(FileType::CharacterDevice),
        _ => std::fs::create_dir(path).is_ok(),
    }
}
