//! Every dependency is used: by the program where it is one of the program, by tests or benches where it is one of those.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::reader::first_words;
use crate::source::Crate;
use crate::workspace::{self, text};

#[test]
fn every_dependency_is_used() {
    let mut idle = Vec::new();
    for member in workspace::members() {
        let everywhere = words_in(&member.folder);
        let product = product_words(&member.folder);
        for dependency in &member.dependencies {
            let (used, place) = if dependency.for_tests {
                (everywhere.contains(&dependency.name), "[dev-dependencies]")
            } else {
                (product.contains(&dependency.name), "[dependencies]")
            };
            if !used {
                idle.push(format!(
                    "{}: {} under {place}",
                    member.name, dependency.name
                ));
            }
        }
    }
    assert!(idle.is_empty(), "not used:\n{}", idle.join("\n"));
}

#[test]
fn what_the_program_has_is_not_asked_for_again_by_its_tests() {
    let mut double = Vec::new();
    for member in workspace::members() {
        for again in member.dependencies.iter().filter(|one| one.for_tests) {
            let has = member
                .dependencies
                .iter()
                .find(|one| !one.for_tests && !one.optional && one.name == again.name);
            if has.is_some_and(|has| again.features.is_subset(&has.features)) {
                double.push(format!("{}: {}", member.name, again.name));
            }
        }
    }
    assert!(double.is_empty(), "asked for twice:\n{}", double.join("\n"));
}

#[test]
fn every_version_in_the_workspace_is_asked_for_by_a_member() {
    let asked: BTreeSet<String> = workspace::members()
        .iter()
        .flat_map(|member| member.dependencies.iter().map(|one| one.name.clone()))
        .collect();
    let idle: Vec<String> =
        table(&workspace::root().join("Cargo.toml"))["workspace"]["dependencies"]
            .as_object()
            .expect("a table")
            .keys()
            .filter(|name| !asked.contains(&name.replace('-', "_")))
            .cloned()
            .collect();
    assert!(idle.is_empty(), "no member asks for {idle:?}");
}

#[test]
fn every_dependency_of_the_fuzz_targets_is_used() {
    for folder in ["qrc/fuzz", "backup/fuzz"] {
        let folder = workspace::root().join(folder);
        let words = words_in(&folder);
        for name in table(&folder.join("Cargo.toml"))["dependencies"]
            .as_object()
            .expect("a table")
            .keys()
        {
            assert!(
                words.contains(&name.replace('-', "_")),
                "{}: {name}",
                folder.display()
            );
        }
    }
}

#[test]
fn a_variable_is_no_use_of_the_dependency_of_its_name() {
    let used = |text: &str| first_words(text).contains("time");
    for text in [
        "fn now() { let time = 1; later(time, [time]); }",
        "fn now(time: u8) { print!(\"{}\", time); assert!(time != 1); }",
        "struct Now { time: u8 }",
    ] {
        assert!(!used(text), "{text}");
    }
    for text in [
        "use time;",
        "use time as clock;",
        "use time::*;",
        "use time::{Day, Hour};",
        "fn now() { time::now() }",
        "fn now() -> time::Day { later() }",
        "fn now() { print!(\"{}\", time::now()); }",
        "fn now() { time!(12:00) }",
        "fn now() { assert!(time!(12:00)) }",
        "#[time] fn now() {}",
        "#[time::zone] fn now() {}",
        "#[derive(time::Zone)] struct Now;",
        "/// use time::now;\nfn now() {}",
    ] {
        assert!(used(text), "{text}");
    }
}

fn table(file: &Path) -> Value {
    toml::from_str(&std::fs::read_to_string(file).expect("a manifest")).expect("TOML")
}

/// The words in a member's code that can name another crate, without its tests and without the names of its own modules.
fn product_words(folder: &Path) -> BTreeSet<String> {
    let mut words = BTreeSet::new();
    if folder.join("src/lib.rs").exists() {
        words = Crate::read(&folder.join("src")).outer_words();
    }
    let manifest = table(&folder.join("Cargo.toml"));
    for bin in manifest["bin"].as_array().into_iter().flatten() {
        words.extend(words_of(&folder.join(text(&bin["path"]))));
    }
    words
}

/// The same with its tests, its benches and the examples in its documents.
fn words_in(folder: &Path) -> BTreeSet<String> {
    rust_files(folder)
        .iter()
        .flat_map(|file| words_of(file))
        .collect()
}

fn words_of(file: &Path) -> BTreeSet<String> {
    let text = std::fs::read_to_string(file).expect("a source file");
    first_words(&text)
}

/// All Rust files of a package; not those of a package inside it.
pub(crate) fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            if path.file_name().is_some_and(|name| name != "target")
                && !path.join("Cargo.toml").exists()
            {
                files.extend(rust_files(&path));
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}
