//! What may be built in: licences, duplicates and sources as `.deny.toml` allows them.
//!
//! Not checked: advisories and withdrawn versions, as both are downloads; the texts of licences, as only what a
//! package's `Cargo.toml` says is read; what is built on other platforms alone; licences and duplicates of the fuzz targets.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::workspace::{self, text};

#[test]
fn every_package_is_under_a_licence_that_is_allowed() {
    let rules = rules();
    let allowed = texts(&rules["licenses"]["allow"]);
    let mut granted = BTreeSet::new();
    let refused: Vec<String> = built()
        .iter()
        .filter_map(|package| {
            let licence = text(&package["license"]);
            match granted_by(&licence, &allowed) {
                Some(by) => {
                    granted.extend(by);
                    None
                }
                None => Some(format!(
                    "{} {}: {licence:?}",
                    package["name"], package["version"]
                )),
            }
        })
        .collect();
    assert!(refused.is_empty(), "not allowed:\n{}", refused.join("\n"));
    let idle: Vec<_> = allowed
        .iter()
        .filter(|one| !granted.contains(*one))
        .collect();
    assert!(
        idle.is_empty(),
        "allowed, but under none of these is any package: {idle:?}"
    );
}

#[test]
fn no_package_is_built_in_two_versions_without_a_reason() {
    let rules = rules();
    let mut versions: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for package in built() {
        versions
            .entry(text(&package["name"]))
            .or_default()
            .insert(text(&package["version"]));
    }
    let mut unused = BTreeSet::new();
    for skip in rules["bans"]["skip"].as_array().expect("a list") {
        let named = text(&skip["crate"]);
        assert!(
            !text(&skip["reason"]).is_empty(),
            "{named} is skipped without a reason"
        );
        let (name, version) = named.split_once('@').expect("name@version");
        let of_that = |found: &String| {
            found
                .strip_prefix(version)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        let found = versions.get_mut(name).filter(|found| found.len() > 1);
        let known = found.is_some_and(|found| {
            let before = found.len();
            found.retain(|version| !of_that(version));
            found.len() < before
        });
        if !known {
            unused.insert(named);
        }
    }
    let double: Vec<String> = versions
        .iter()
        .filter(|(_, found)| found.len() > 1)
        .map(|(name, found)| format!("{name}: {found:?}"))
        .collect();
    assert!(double.is_empty(), "in two versions:\n{}", double.join("\n"));
    assert!(
        unused.is_empty(),
        "skipped, but there is one version or none: {unused:?}"
    );
}

/// Cargo's default registry is all that the rules allow, and members come without a source.
#[test]
fn every_package_comes_from_where_the_rules_say() {
    let sources = rules()["sources"].clone();
    for unknown in ["unknown-registry", "unknown-git"] {
        assert_eq!(text(&sources[unknown]), "deny", "what `.deny.toml` says");
    }
    assert!(sources.get("allow-registry").is_none() && sources.get("allow-git").is_none());
    let root = workspace::root();
    let mut all = std::collections::BTreeSet::new();
    for lock in [
        "Cargo.lock",
        "qrc/fuzz/Cargo.lock",
        "backup/fuzz/Cargo.lock",
    ] {
        let lock_text = std::fs::read_to_string(root.join(lock)).expect("a lock file");
        let locked: Value = toml::from_str(&lock_text).expect("TOML");
        let packages = locked["package"].as_array().expect("a list").iter();
        let found = packages.filter_map(|package| Some(text(package.get("source")?).to_owned()));
        all.extend(found);
    }
    assert!(
        all.len() == 1 && all.iter().all(|source| source.starts_with("registry+")),
        "packages come from {all:?}, expected one registry"
    );
}

/// The advisories' database is not at hand: only that each one passed over says why, and still has its subject.
#[test]
fn every_advisory_that_is_passed_over_has_a_reason() {
    for ignored in rules()["advisories"]["ignore"].as_array().expect("a list") {
        let (id, reason) = (text(&ignored["id"]), text(&ignored["reason"]));
        let subject = reason.split(' ').next().unwrap_or_default();
        assert!(
            built()
                .iter()
                .any(|package| text(&package["name"]) == subject),
            "{id} is passed over for the sake of `{subject}`, which is not built in"
        );
    }
}

fn rules() -> Value {
    let text = std::fs::read_to_string(workspace::root().join(".deny.toml")).expect(".deny.toml");
    toml::from_str(&text).expect("TOML")
}

/// All packages that are built on this platform, but for our own.
fn built() -> Vec<Value> {
    let metadata = workspace::metadata();
    workspace::packages(metadata)
        .filter(|package| !package["source"].is_null())
        .cloned()
        .collect()
}

fn texts(list: &Value) -> Vec<String> {
    list.as_array().expect("a list").iter().map(text).collect()
}

/// Which of the allowed licences together grant an SPDX expression.
fn granted_by(expression: &str, allowed: &[String]) -> Option<Vec<String>> {
    // An old way to write OR.
    let expression = expression.replace('/', " OR ");
    let mut words: Vec<String> = expression
        .replace('(', " ( ")
        .replace(')', " ) ")
        .split_whitespace()
        .map(str::to_owned)
        .collect();
    words.reverse();
    let granted = either(&mut words, allowed);
    if words.is_empty() { granted } else { None }
}

fn either(words: &mut Vec<String>, allowed: &[String]) -> Option<Vec<String>> {
    let mut granted = both(words, allowed);
    while words.last().is_some_and(|word| word == "OR") {
        words.pop();
        let other = both(words, allowed);
        granted = granted.or(other);
    }
    granted
}

fn both(words: &mut Vec<String>, allowed: &[String]) -> Option<Vec<String>> {
    let mut granted = one(words, allowed);
    while words.last().is_some_and(|word| word == "AND") {
        words.pop();
        let other = one(words, allowed);
        granted = granted.zip(other).map(|(a, b)| [a, b].concat());
    }
    granted
}

fn one(words: &mut Vec<String>, allowed: &[String]) -> Option<Vec<String>> {
    let mut name = words.pop()?;
    if name == "(" {
        let granted = either(words, allowed);
        words.pop();
        return granted;
    }
    if words.last().is_some_and(|word| word == "WITH") {
        words.pop();
        name = format!("{name} WITH {}", words.pop()?);
    }
    allowed.contains(&name).then(|| vec![name])
}

#[test]
fn a_licence_is_read_as_it_is_meant() {
    let allowed = ["MIT".to_owned(), "Zlib".to_owned()];
    let granted = |expression: &str| granted_by(expression, &allowed).is_some();
    assert!(granted("MIT"));
    assert!(granted("GPL-3.0 OR MIT"));
    assert!(granted("Apache-2.0/MIT"));
    assert!(granted("(GPL-3.0 OR MIT) AND Zlib"));
    assert!(!granted("(MIT OR Zlib) AND GPL-3.0"));
    assert!(!granted("MIT AND GPL-3.0"));
    assert!(!granted("MIT WITH something"));
    assert!(!granted(""));
}
