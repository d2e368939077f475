//! A crate's source as its modules see it: the tree, in the order in which modules are declared, and who uses whom.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use proc_macro2::{TokenStream, TokenTree};
use syn::ext::IdentExt;
use syn::visit::{self, Visit};

/// One module; the first of a crate is its root.
pub(crate) struct Module {
    /// As in `crate::store::day`, without `crate`.
    pub(crate) path: Vec<String>,
    /// Relative to the crate's `src`.
    pub(crate) file: PathBuf,
    parent: Option<usize>,
    /// In the order of their declarations.
    pub(crate) children: Vec<(String, usize)>,
    /// What `use` brings in: a name, and the path that it stands for.
    aliases: BTreeMap<String, Vec<String>>,
    globs: Vec<Vec<String>>,
    /// Every path in the module's code, but for those that only pass a name on.
    uses: Vec<Vec<String>>,
    words: BTreeSet<String>,
    passed_on: Vec<(String, Vec<String>)>,
    defined: BTreeSet<String>,
}

/// All modules of a crate that are there outside tests.
pub(crate) struct Crate {
    pub(crate) modules: Vec<Module>,
}

impl Crate {
    pub(crate) fn read(src: &Path) -> Crate {
        let mut krate = Crate {
            modules: Vec::new(),
        };
        krate.add_file(src, Path::new("lib.rs"), Vec::new(), None);
        krate
    }

    /// Which module uses which other one, each in a file of its own.
    pub(crate) fn edges(&self) -> BTreeSet<(usize, usize)> {
        let mut edges = BTreeSet::new();
        for (from, module) in self.modules.iter().enumerate() {
            let passed_on_and_used = module
                .passed_on
                .iter()
                .filter(|(name, _)| module.words.contains(name))
                .map(|(_, path)| path);
            for path in module.uses.iter().chain(passed_on_and_used) {
                if let Some(to) = self.definer(from, path)
                    && self.modules[to].file != module.file
                {
                    edges.insert((from, to));
                }
            }
        }
        edges
    }

    /// The first words of the paths that lead out of the crate, or to a name that a module defines.
    pub(crate) fn outer_words(&self) -> BTreeSet<String> {
        let mut words = BTreeSet::new();
        for module in &self.modules {
            let passed_on = module.passed_on.iter().map(|(_, path)| path);
            for path in module.uses.iter().chain(&module.globs).chain(passed_on) {
                if let Some(first) = path.first()
                    && !module.children.iter().any(|(child, _)| child == first)
                    && module
                        .aliases
                        .get(first)
                        .is_none_or(|meant| meant[0] == *first)
                {
                    words.insert(first.clone());
                }
            }
        }
        words
    }

    fn add_file(
        &mut self,
        src: &Path,
        file: &Path,
        path: Vec<String>,
        parent: Option<usize>,
    ) -> usize {
        let text = std::fs::read_to_string(src.join(file))
            .unwrap_or_else(|error| panic!("{}: {error}", src.join(file).display()));
        let parsed = syn::parse_file(&text)
            .unwrap_or_else(|error| panic!("{}: {error}", src.join(file).display()));
        self.add(src, file, path, parent, &parsed.items)
    }

    fn add(
        &mut self,
        src: &Path,
        file: &Path,
        path: Vec<String>,
        parent: Option<usize>,
        items: &[syn::Item],
    ) -> usize {
        let mut reader = Reader::default();
        for item in items {
            if !(matches!(item, syn::Item::Mod(_))) {
                reader.visit_item(item);
            }
        }
        let id = self.modules.len();
        self.modules.push(Module {
            path: path.clone(),
            file: file.to_owned(),
            parent,
            children: Vec::new(),
            aliases: reader.aliases,
            globs: reader.globs,
            uses: reader.uses,
            words: reader.words,
            passed_on: reader.passed_on,
            defined: items.iter().filter_map(name_of).collect(),
        });
        for item in items {
            let syn::Item::Mod(child) = item else {
                continue;
            };
            if only_in_tests(&child.attrs) {
                continue;
            }
            let name = child.ident.unraw().to_string();
            let mut path = path.clone();
            path.push(name.clone());
            let child = match &child.content {
                Some((_, items)) => self.add(src, file, path, Some(id), items),
                None => {
                    let flat: PathBuf = path.iter().collect::<PathBuf>().with_extension("rs");
                    let folder: PathBuf = path.iter().collect::<PathBuf>().join("mod.rs");
                    let file = if src.join(&flat).exists() {
                        flat
                    } else {
                        folder
                    };
                    self.add_file(src, &file, path, Some(id))
                }
            };
            self.modules[id].children.push((name, child));
        }
        id
    }

    /// The module in which what a path names is written down; `None` is outside the crate.
    fn definer(&self, from: usize, path: &[String]) -> Option<usize> {
        self.walk(from, path, 0)
    }

    fn walk(&self, from: usize, path: &[String], depth: usize) -> Option<usize> {
        if depth > 20 {
            return None;
        }
        let mut at = from;
        let mut rest = path;
        let mut anchored = false;
        while let Some((first, tail)) = rest.split_first() {
            match first.as_str() {
                "crate" => at = 0,
                "super" => at = self.modules[at].parent?,
                "self" => {}
                _ => break,
            }
            anchored = true;
            rest = tail;
        }
        while let Some((name, tail)) = rest.split_first() {
            let module = &self.modules[at];
            if let Some((_, child)) = module.children.iter().find(|(child, _)| child == name) {
                at = *child;
            } else if let Some(alias) = module.aliases.get(name) {
                // A name that stands for itself comes from another crate.
                if alias.first() == Some(name) {
                    return None;
                }
                let mut whole = alias.clone();
                whole.extend_from_slice(tail);
                return self.walk(at, &whole, depth + 1);
            } else if module.defined.contains(name) {
                return Some(at);
            } else {
                let through_glob = module.globs.iter().find_map(|glob| {
                    let mut whole = glob.clone();
                    whole.extend_from_slice(rest);
                    self.walk(at, &whole, depth + 1)
                });
                return through_glob.or(anchored.then_some(at));
            }
            anchored = true;
            rest = tail;
        }
        // The path ends at a module: the uses of its name show what is used of it.
        None
    }
}

fn name_of(item: &syn::Item) -> Option<String> {
    let ident = match item {
        syn::Item::Const(item) => &item.ident,
        syn::Item::Enum(item) => &item.ident,
        syn::Item::Fn(item) => &item.sig.ident,
        syn::Item::Macro(item) => item.ident.as_ref()?,
        syn::Item::Static(item) => &item.ident,
        syn::Item::Struct(item) => &item.ident,
        syn::Item::Trait(item) => &item.ident,
        syn::Item::TraitAlias(item) => &item.ident,
        syn::Item::Type(item) => &item.ident,
        syn::Item::Union(item) => &item.ident,
        _ => return None,
    };
    Some(ident.unraw().to_string())
}

/// Whether an item stands under `#[cfg(test)]`.
pub(crate) fn only_in_tests(attrs: &[syn::Attribute]) -> bool {
    attrs.iter().any(|attr| {
        attr.path().is_ident("cfg")
            && attr
                .parse_args::<syn::Path>()
                .is_ok_and(|path| path.is_ident("test"))
    })
}

/// Collects paths from a module's items.
#[derive(Default)]
struct Reader {
    aliases: BTreeMap<String, Vec<String>>,
    globs: Vec<Vec<String>>,
    uses: Vec<Vec<String>>,
    passed_on: Vec<(String, Vec<String>)>,
    words: BTreeSet<String>,
    with_tests: bool,
}

impl Reader {
    fn tree(&mut self, tree: &syn::UseTree, before: &[String], passes_on: bool) {
        let mut path = before.to_vec();
        match tree {
            syn::UseTree::Path(part) => {
                path.push(part.ident.unraw().to_string());
                self.tree(&part.tree, &path, passes_on);
            }
            syn::UseTree::Group(group) => {
                for tree in &group.items {
                    self.tree(tree, before, passes_on);
                }
            }
            syn::UseTree::Glob(_) => self.globs.push(path),
            syn::UseTree::Name(name) => {
                let name = name.ident.unraw().to_string();
                if name != "self" {
                    path.push(name);
                }
                self.name(path.last().cloned().unwrap_or_default(), path, passes_on);
            }
            syn::UseTree::Rename(rename) => {
                let name = rename.ident.unraw().to_string();
                if name != "self" {
                    path.push(name);
                }
                self.name(rename.rename.unraw().to_string(), path, passes_on);
            }
        }
    }

    fn name(&mut self, name: String, path: Vec<String>, passes_on: bool) {
        self.aliases.insert(name.clone(), path.clone());
        if passes_on {
            self.passed_on.push((name, path));
        } else {
            self.uses.push(path);
        }
    }

    fn path(&mut self, path: Vec<String>) {
        self.words.extend(path.first().cloned());
        self.uses.push(path);
    }

    /// Macros' arguments are no syntax tree: every `a::b` in them is taken for a path.
    fn tokens(&mut self, tokens: TokenStream) {
        let mut path: Vec<String> = Vec::new();
        let mut colons = 0;
        for token in tokens {
            match token {
                TokenTree::Ident(ident) => {
                    if colons != 2 && !path.is_empty() {
                        self.path(std::mem::take(&mut path));
                    }
                    path.push(ident.unraw().to_string());
                    colons = 0;
                }
                TokenTree::Punct(punct) if punct.as_char() == ':' => colons += 1,
                TokenTree::Literal(literal) => {
                    self.text(&literal);
                    colons = 0;
                }
                TokenTree::Group(group) => {
                    self.tokens(group.stream());
                    colons = 0;
                }
                TokenTree::Punct(_) => {
                    if !path.is_empty() {
                        self.path(std::mem::take(&mut path));
                    }
                    colons = 0;
                }
            }
        }
        if !path.is_empty() {
            self.path(path);
        }
    }

    /// serde names functions in texts.
    fn text(&mut self, literal: &proc_macro2::Literal) {
        if let Ok(text) = syn::parse_str::<syn::LitStr>(&literal.to_string())
            && let Ok(path) = text.parse::<syn::Path>()
            && path.segments.len() > 1
        {
            self.path(segments(&path));
        }
    }
}

impl<'ast> Visit<'ast> for Reader {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        let attrs = match item {
            syn::Item::Fn(item) => &item.attrs,
            syn::Item::Impl(item) => &item.attrs,
            syn::Item::Use(item) => &item.attrs,
            syn::Item::Mod(item) => &item.attrs,
            syn::Item::Const(item) => &item.attrs,
            syn::Item::Struct(item) => &item.attrs,
            _ => &Vec::new(),
        };
        if self.with_tests || !only_in_tests(attrs) {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        let passes_on = !matches!(item.vis, syn::Visibility::Inherited);
        self.tree(&item.tree, &[], passes_on);
    }

    // `pub(in path)` says who may see something; it does not use that path.
    fn visit_vis_restricted(&mut self, _: &'ast syn::VisRestricted) {}

    fn visit_path(&mut self, path: &'ast syn::Path) {
        self.path(segments(path));
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        self.visit_path(&call.path);
        self.tokens(call.tokens.clone());
    }

    fn visit_attribute(&mut self, attr: &'ast syn::Attribute) {
        if let syn::Meta::List(list) = &attr.meta {
            self.tokens(list.tokens.clone());
        }
    }
}

fn segments(path: &syn::Path) -> Vec<String> {
    path.segments
        .iter()
        .map(|segment| segment.ident.unraw().to_string())
        .collect()
}

/// The first words of all paths in a text, and in the examples of its documents.
pub(crate) fn first_words(text: &str) -> BTreeSet<String> {
    let mut reader = Reader {
        with_tests: true,
        ..Reader::default()
    };
    reader.visit_file(&syn::parse_file(text).expect("Rust"));
    let mut words: BTreeSet<String> = reader
        .uses
        .iter()
        .chain(&reader.globs)
        .chain(reader.passed_on.iter().map(|(_, path)| path))
        .filter_map(|path| path.first().cloned())
        .collect();
    for line in text.lines() {
        let line = line.trim_start();
        let Some(example) = line.strip_prefix("///").or(line.strip_prefix("//!")) else {
            continue;
        };
        let example = example.trim_start().trim_start_matches("# ");
        if let Some(used) = example.strip_prefix("use ") {
            words.extend(used.split("::").next().map(str::to_owned));
        }
    }
    words
}
