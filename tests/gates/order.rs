//! Each `lib.rs` promises an order: a module uses only those declared above it, at every level, and files run in no circle.

use std::collections::{BTreeMap, BTreeSet};

use crate::source::{Crate, Module};
use crate::workspace::{self, Member};

#[test]
fn every_file_uses_only_modules_declared_above_its_own() {
    let offences = in_all(offences);
    assert!(
        offences.is_empty(),
        "{} uses against the order:\n{}",
        offences.len(),
        offences.join("\n")
    );
}

#[test]
fn no_files_use_each_other_in_a_circle() {
    let circles = in_all(circles);
    assert!(circles.is_empty(), "circles:\n{}", circles.join("\n"));
}

fn in_all(what: impl Fn(&Member) -> Vec<String>) -> Vec<String> {
    let mut found = Vec::new();
    for member in workspace::members() {
        if !member.folder.join("src/lib.rs").exists() {
            continue;
        }
        found.extend(what(&member));
    }
    found
}

fn offences(member: &Member) -> Vec<String> {
    let krate = Crate::read(&member.folder.join("src"));
    krate
        .edges()
        .into_iter()
        .filter_map(|(from, to)| {
            let (user, used) = (&krate.modules[from], &krate.modules[to]);
            offence(&krate, user, used).map(|why| {
                format!(
                    "{}: {} uses {}: {why}",
                    member.name,
                    user.file.display(),
                    used.file.display()
                )
            })
        })
        .collect()
}

fn offence(krate: &Crate, user: &Module, used: &Module) -> Option<String> {
    let shared = user
        .path
        .iter()
        .zip(&used.path)
        .take_while(|(a, b)| a == b)
        .count();
    // A module may use what it is made of.
    let mine = user.path.get(shared)?;
    // A part may use what its own module defines, as long as that is no circle.
    let theirs = used.path.get(shared)?;
    let head = krate
        .modules
        .iter()
        .find(|module| module.path == user.path[..shared])?;
    let place = |name: &String| head.children.iter().position(|(child, _)| child == name);
    (place(theirs) > place(mine)).then(|| {
        format!(
            "`{theirs}` is declared below `{mine}` in {}",
            head.file.display()
        )
    })
}

fn circles(member: &Member) -> Vec<String> {
    let krate = Crate::read(&member.folder.join("src"));
    let mut next: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for (from, to) in krate.edges() {
        let file = |id: usize| krate.modules[id].file.clone();
        next.entry(file(from)).or_default().insert(file(to));
    }
    let mut found = BTreeSet::new();
    for start in next.keys() {
        // The shortest way back to where it started.
        let mut came_from = BTreeMap::new();
        let mut front = vec![start];
        while !front.is_empty() && !came_from.contains_key(start) {
            let mut further = Vec::new();
            for at in front {
                for to in next.get(at).into_iter().flatten() {
                    if !came_from.contains_key(to) {
                        came_from.insert(to, at);
                        further.push(to);
                    }
                }
            }
            front = further;
        }
        if !came_from.contains_key(start) {
            continue;
        }
        let mut way = vec![start];
        while let Some(before) = came_from.get(way[way.len() - 1])
            && *before != start
        {
            way.push(before);
        }
        let mut names: Vec<String> = way.iter().rev().map(|f| f.display().to_string()).collect();
        // One circle is found from each of its files: tell it from the first by name.
        let first = (0..names.len()).min_by_key(|at| names[*at].clone());
        names.rotate_left(first.unwrap_or(0));
        found.insert(format!("{}: {}", member.name, names.join(" → ")));
    }
    found.into_iter().collect()
}
