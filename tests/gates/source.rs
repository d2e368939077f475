//! A crate's source as its modules see it: the tree, in the order in which modules are declared, and who uses whom.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use syn::ext::IdentExt;
use syn::visit::Visit;

use crate::attributes::only_in_tests;
use crate::methods::{self, Call, Method, Methods};
use crate::reader::Reader;

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
    /// The words that can name another crate: where a path begins, a macro, an attribute, what `use` brings in.
    named: BTreeSet<String>,
    passed_on: Vec<(String, Vec<String>)>,
    defined: BTreeSet<String>,
    methods: Vec<Method>,
    calls: BTreeSet<Call>,
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
        let mut known = Methods::default();
        for (id, module) in self.modules.iter().enumerate() {
            known.add(id, &module.path, &module.methods);
        }
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
            for call in &module.calls {
                if let Some(to) = known.definer(&module.path, call)
                    && self.modules[to].file != module.file
                {
                    edges.insert((from, to));
                }
            }
        }
        edges
    }

    /// The words that can name another crate.
    pub(crate) fn outer_words(&self) -> BTreeSet<String> {
        let mut words = BTreeSet::new();
        for module in &self.modules {
            let outside = |word: &&String| {
                !module.children.iter().any(|(child, _)| child == *word)
                    && module
                        .aliases
                        .get(*word)
                        .is_none_or(|meant| meant[0] == **word)
            };
            words.extend(module.named.iter().filter(outside).cloned());
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
            named: reader.named,
            passed_on: reader.passed_on,
            defined: items.iter().filter_map(name_of).collect(),
            methods: items.iter().flat_map(methods::written_in).collect(),
            calls: reader.calls,
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
