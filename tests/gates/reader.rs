//! What a piece of source names: paths, calls of methods, and what `use` brings in.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{Spacing, TokenStream, TokenTree};
use syn::ext::IdentExt;
use syn::visit::{self, Visit};

use crate::attributes::only_in_tests;
use crate::methods::Call;

/// Collects paths from a module's items.
#[derive(Default)]
pub(crate) struct Reader {
    pub(crate) aliases: BTreeMap<String, Vec<String>>,
    pub(crate) globs: Vec<Vec<String>>,
    pub(crate) uses: Vec<Vec<String>>,
    pub(crate) passed_on: Vec<(String, Vec<String>)>,
    pub(crate) words: BTreeSet<String>,
    pub(crate) named: BTreeSet<String>,
    pub(crate) calls: BTreeSet<Call>,
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
            syn::UseTree::Glob(_) => {
                self.named.extend(path.first().cloned());
                self.globs.push(path);
            }
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
        self.named.extend(path.first().cloned());
        self.aliases.insert(name.clone(), path.clone());
        if passes_on {
            self.passed_on.push((name, path));
        } else {
            self.uses.push(path);
        }
    }

    fn path(&mut self, path: Vec<String>) {
        self.words.extend(path.first().cloned());
        // A word alone may be a variable.
        if path.len() > 1 {
            self.named.extend(path.first().cloned());
        }
        self.uses.push(path);
    }

    /// Macros' arguments are no syntax tree: every `a::b` in them is taken for a path.
    fn tokens(&mut self, tokens: TokenStream) {
        let mut path: Vec<String> = Vec::new();
        let mut colons = 0;
        let mut after_dot = false;
        let mut tokens = tokens.into_iter().peekable();
        while let Some(token) = tokens.next() {
            let dotted = std::mem::replace(
                &mut after_dot,
                matches!(&token, TokenTree::Punct(punct) if punct.as_char() == '.'),
            );
            match token {
                TokenTree::Ident(ident)
                    if dotted && matches!(tokens.peek(), Some(TokenTree::Group(_))) =>
                {
                    self.calls.insert((ident.unraw().to_string(), None));
                }
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
                TokenTree::Punct(punct) => {
                    if punct.as_char() == '!' && punct.spacing() == Spacing::Alone {
                        self.named.extend(path.first().cloned());
                    }
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

    fn visit_expr_method_call(&mut self, call: &'ast syn::ExprMethodCall) {
        let name = call.method.unraw().to_string();
        self.calls.insert((name, Some(call.args.len())));
        visit::visit_expr_method_call(self, call);
    }

    fn visit_impl_item_fn(&mut self, method: &'ast syn::ImplItemFn) {
        if self.with_tests || !only_in_tests(&method.attrs) {
            visit::visit_impl_item_fn(self, method);
        }
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        self.named.extend(segments(&call.path).into_iter().next());
        self.visit_path(&call.path);
        self.tokens(call.tokens.clone());
    }

    fn visit_attribute(&mut self, attr: &'ast syn::Attribute) {
        self.named.extend(segments(attr.path()).into_iter().next());
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

/// The words in a text that can name another crate, and in the examples of its documents.
pub(crate) fn first_words(text: &str) -> BTreeSet<String> {
    let mut reader = Reader {
        with_tests: true,
        ..Reader::default()
    };
    reader.visit_file(&syn::parse_file(text).expect("Rust"));
    let mut words = reader.named;
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
