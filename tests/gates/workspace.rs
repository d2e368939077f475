//! The workspace as Cargo knows it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use serde_json::Value;

/// One of our packages.
pub(crate) struct Member {
    pub(crate) name: String,
    pub(crate) folder: PathBuf,
    /// The file that each program, library, test and bench begins with.
    pub(crate) roots: Vec<PathBuf>,
    pub(crate) dependencies: Vec<Dependency>,
}

/// What a member's `Cargo.toml` asks for.
pub(crate) struct Dependency {
    /// As code writes it.
    pub(crate) name: String,
    pub(crate) for_tests: bool,
    pub(crate) optional: bool,
    pub(crate) features: BTreeSet<String>,
}

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the tests are a member")
        .to_owned()
}

/// What Cargo says of all packages that are built on this platform.
pub(crate) fn metadata() -> &'static Value {
    static SAID: LazyLock<Value> = LazyLock::new(ask);
    &SAID
}

fn ask() -> Value {
    let platform = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let said = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--format-version",
            "1",
            "--locked",
            "--filter-platform",
        ])
        .arg(platform)
        .current_dir(root())
        .output()
        .expect("cargo runs");
    assert!(
        said.status.success(),
        "{}",
        String::from_utf8_lossy(&said.stderr)
    );
    serde_json::from_slice(&said.stdout).expect("cargo answers in JSON")
}

pub(crate) fn members() -> Vec<Member> {
    let metadata = metadata();
    let ours = metadata["workspace_members"].as_array().expect("a list");
    packages(metadata)
        .filter(|package| ours.contains(&package["id"]))
        .map(|package| Member {
            name: text(&package["name"]),
            folder: Path::new(&text(&package["manifest_path"]))
                .parent()
                .expect("a manifest lies in a folder")
                .to_owned(),
            roots: package["targets"]
                .as_array()
                .expect("a list")
                .iter()
                .map(|target| PathBuf::from(text(&target["src_path"])))
                .collect(),
            dependencies: package["dependencies"]
                .as_array()
                .expect("a list")
                .iter()
                .map(|dependency| Dependency {
                    name: dependency["rename"]
                        .as_str()
                        .unwrap_or(&text(&dependency["name"]))
                        .replace('-', "_"),
                    for_tests: dependency["kind"] == "dev",
                    optional: dependency["optional"] == true,
                    features: dependency["features"]
                        .as_array()
                        .expect("a list")
                        .iter()
                        .map(text)
                        .collect(),
                })
                .collect(),
        })
        .collect()
}

pub(crate) fn packages(metadata: &Value) -> impl Iterator<Item = &Value> {
    metadata["packages"].as_array().expect("a list").iter()
}

pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
