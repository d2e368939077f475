//! Every source file is declared by another one: one that is not would be built by nobody and missed by nobody.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use syn::ext::IdentExt;

use crate::dependencies::rust_files;
use crate::workspace;

#[test]
fn every_source_file_belongs_to_a_module() {
    let mut orphans = Vec::new();
    for member in workspace::members() {
        let mut declared = BTreeSet::new();
        for root in &member.roots {
            follow(root, root.parent().expect("a folder"), &mut declared);
        }
        let files = rust_files(&member.folder);
        orphans.extend(files.into_iter().filter(|file| !declared.contains(file)));
    }
    assert!(orphans.is_empty(), "in no module: {orphans:#?}");
}

/// Adds a file and all that it declares; its parts lie in `folder`.
fn follow(file: &Path, folder: &Path, declared: &mut BTreeSet<PathBuf>) {
    if !declared.insert(file.to_owned()) {
        return;
    }
    let text =
        std::fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let parsed =
        syn::parse_file(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    parts(&parsed.items, folder, declared);
}

fn parts(items: &[syn::Item], folder: &Path, declared: &mut BTreeSet<PathBuf>) {
    for item in items {
        let syn::Item::Mod(part) = item else {
            continue;
        };
        let own_folder = folder.join(part.ident.unraw().to_string());
        let (flat, below) = (own_folder.with_extension("rs"), own_folder.join("mod.rs"));
        if let Some(path) = part.attrs.iter().find_map(named_path) {
            let file = folder.join(path);
            follow(&file, file.parent().expect("a folder"), declared);
            continue;
        }
        match &part.content {
            Some((_, items)) => parts(items, &own_folder, declared),
            None if flat.exists() => follow(&flat, &own_folder, declared),
            None => follow(&below, &own_folder, declared),
        }
    }
}

/// What `#[path = "…"]` says.
fn named_path(attr: &syn::Attribute) -> Option<String> {
    let syn::Meta::NameValue(named) = &attr.meta else {
        return None;
    };
    let syn::Expr::Lit(literal) = &named.value else {
        return None;
    };
    match &literal.lit {
        syn::Lit::Str(path) if named.path.is_ident("path") => Some(path.value()),
        _ => None,
    }
}
