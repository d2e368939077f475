//! What people read first: each file says what it is for, and a document names only files that are there.

use std::path::{Component, Path, PathBuf};

use crate::workspace;

/// Names that say nothing of a subject, so that anything ends up there.
const SAY_NOTHING: [&str; 7] = [
    "common",
    "helper",
    "helpers",
    "misc",
    "util",
    "utilities",
    "utils",
];

#[test]
fn every_file_opens_by_saying_what_it_is_for() {
    let silent: Vec<String> = files(&workspace::root(), "rs")
        .iter()
        .filter(|file| !read(file).starts_with("//! "))
        .map(|file| shown(file))
        .collect();
    assert!(
        silent.is_empty(),
        "no `//!` line at the top:\n{}",
        silent.join("\n")
    );
}

#[test]
fn no_module_is_named_after_nothing() {
    let nameless: Vec<String> = files(&workspace::root(), "rs")
        .iter()
        .filter(|file| {
            file.with_extension("")
                .components()
                .any(|part| SAY_NOTHING.iter().any(|name| part.as_os_str() == *name))
        })
        .map(|file| shown(file))
        .collect();
    assert!(nameless.is_empty(), "{}", nameless.join("\n"));
}

#[test]
fn every_link_in_a_document_leads_somewhere() {
    let mut astray = Vec::new();
    for document in files(&workspace::root(), "md") {
        let text = read(&document);
        for link in links(&text) {
            if link.contains("://") || link.starts_with("mailto:") {
                continue;
            }
            let (file, heading) = link.split_once('#').unwrap_or((link, ""));
            let target = match file {
                "" => document.clone(),
                file => document.parent().expect("a folder").join(file),
            };
            let there = target.exists()
                && (heading.is_empty() || headings(&read(&target)).any(|one| one == heading));
            if !there {
                astray.push(format!("{}: {link}", shown(&document)));
            }
        }
    }
    assert!(astray.is_empty(), "lead nowhere:\n{}", astray.join("\n"));
}

#[test]
fn every_source_file_that_a_document_names_is_there() {
    let root = workspace::root();
    let mut gone = Vec::new();
    for document in files(&root, "md") {
        let beside = document.parent().expect("a folder");
        for Named { name, new } in named_files(&read(&document)) {
            let there = if name.contains('/') {
                [root.as_path(), beside, &beside.join("src")]
                    .iter()
                    .any(|folder| folder.join(name).exists())
            } else {
                let extension = name.rsplit('.').next().unwrap_or_default();
                files(beside, extension)
                    .iter()
                    .any(|file| file.ends_with(name))
            };
            if there == new {
                let what = if new {
                    "is no longer new"
                } else {
                    "is not there"
                };
                gone.push(format!("{}: {name} {what}", shown(&document)));
            }
        }
    }
    assert!(gone.is_empty(), "wrong:\n{}", gone.join("\n"));
}

/// All files with an extension, but for what was built and what is hidden.
fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        let name = entry.file_name();
        if path.is_dir() {
            let skipped = name == "target" || name == "data" || name == "node_modules";
            if !skipped && !name.to_string_lossy().starts_with('.') {
                found.extend(files(&path, extension));
            }
        } else if path.extension().is_some_and(|found| found == extension) {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn read(file: &Path) -> String {
    std::fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

fn shown(file: &Path) -> String {
    let root = workspace::root();
    file.strip_prefix(&root)
        .unwrap_or(file)
        .display()
        .to_string()
}

/// Where `[text](here)` leads.
fn links(text: &str) -> impl Iterator<Item = &str> {
    text.split("](")
        .skip(1)
        .filter_map(|rest| rest.split_once(')'))
        .map(|(link, _)| link)
}

/// Headings as a link names them.
fn headings(text: &str) -> impl Iterator<Item = String> {
    text.lines()
        .filter(|line| line.starts_with('#'))
        .map(|line| {
            line.trim_start_matches('#')
                .trim()
                .to_lowercase()
                .chars()
                .filter(|c| c.is_alphanumeric() || [' ', '-', '_'].contains(c))
                .map(|c| if c == ' ' { '-' } else { c })
                .collect()
        })
}

/// A source file that a document names.
#[derive(Debug, PartialEq)]
struct Named<'a> {
    name: &'a str,
    /// The document says that it is yet to be written.
    new: bool,
}

/// What stands in `backquotes` and is the path of a source file; after **new** it is one that is not there yet.
fn named_files(text: &str) -> Vec<Named<'_>> {
    let mut found = Vec::new();
    for line in text.lines() {
        let mut before = "";
        for (at, part) in line.split('`').enumerate() {
            if at % 2 == 1 && is_source_file(part) {
                found.push(Named {
                    name: part,
                    new: before.ends_with("**new** "),
                });
            }
            before = part;
        }
    }
    found
}

fn is_source_file(name: &str) -> bool {
    let path = Path::new(name);
    let plain = |c: char| c.is_alphanumeric() || "/._-".contains(c);
    path.extension()
        .is_some_and(|one| ["rs", "md", "lua", "sql"].iter().any(|known| one == *known))
        && name.chars().all(plain)
        && path
            .components()
            .all(|part| matches!(part, Component::Normal(_)))
}

#[test]
fn a_document_is_read_as_people_read_it() {
    let text = "see [the format](backup/FORMAT.md#days) in `src/day.rs`, not `a b.rs` or `x.db`,\nor **new** `one/day.rs`\n# What, now?";
    assert_eq!(links(text).collect::<Vec<_>>(), ["backup/FORMAT.md#days"]);
    let named = |name, new| Named { name, new };
    assert_eq!(
        named_files(text),
        [named("src/day.rs", false), named("one/day.rs", true)]
    );
    assert_eq!(headings(text).collect::<Vec<_>>(), ["what-now"]);
}
