//! Which file a method's call leads to, as far as names alone tell: syntax knows no types.

use std::collections::BTreeMap;

use syn::ext::IdentExt;

use crate::attributes::only_in_tests;

/// A method as it is written down.
pub(crate) struct Method {
    name: String,
    arguments: usize,
    seen: Seen,
    origin: Origin,
}

/// Who may call it.
#[derive(Clone, Copy, PartialEq)]
enum Seen {
    Here,
    ByTheModuleAbove,
    Everywhere,
}

#[derive(PartialEq)]
enum Origin {
    /// A type's own.
    Own,
    /// What a trait asks for.
    Asked,
    /// A trait's, written for a type.
    Given,
}

/// A call: the name, and how many arguments it passes where that can be seen.
pub(crate) type Call = (String, Option<usize>);

/// The methods of all modules of a crate.
#[derive(Default)]
pub(crate) struct Methods<'a> {
    known: BTreeMap<&'a str, Vec<Known<'a>>>,
}

/// A method, and the module that it stands in: its number and its path.
type Known<'a> = (usize, &'a [String], &'a Method);

impl<'a> Methods<'a> {
    pub(crate) fn add(&mut self, id: usize, path: &'a [String], methods: &'a [Method]) {
        for method in methods {
            let known = self.known.entry(&method.name).or_default();
            known.push((id, path, method));
        }
    }

    /// The module that the only method of this name stands in, if the caller can see it.
    pub(crate) fn definer(&self, caller: &[String], (name, passed): &Call) -> Option<usize> {
        if OF_OTHERS_TOO.split(' ').any(|one| one == name) {
            return None;
        }
        let known = self.known.get(name.as_str())?;
        let mut asked = known
            .iter()
            .filter(|(.., method)| method.origin == Origin::Asked);
        // A trait of this crate stands for all that is written for it.
        let only = match (asked.next(), asked.next()) {
            (Some(one), None)
                if known
                    .iter()
                    .all(|(.., method)| method.origin != Origin::Own) =>
            {
                one
            }
            (None, _) if known.len() == 1 && known[0].2.origin == Origin::Own => &known[0],
            _ => return None,
        };
        let (id, path, method) = only;
        let is_seen = match method.seen {
            Seen::Here => caller.starts_with(path),
            Seen::ByTheModuleAbove => caller.starts_with(&path[..path.len().saturating_sub(1)]),
            Seen::Everywhere => true,
        };
        let fits = passed.is_none_or(|passed| passed == method.arguments);
        (is_seen && fits).then_some(*id)
    }
}

/// Names that types of other crates have, too: a call tells nothing.
const OF_OTHERS_TOO: &str = "accept add after apply as_str commit compare complete components connect contains count create drain \
    empty file_name find finish fit get get_mut id inspect is_full is_terminal iter join keep kind last \
    len lines listen message name now open parse pop_front position_of push push_front queue read \
    read_at release remove replace result root seek send set_len shutdown source start stream summary \
    sync take text visit with";

/// The methods that an item writes down.
pub(crate) fn written_in(item: &syn::Item) -> Vec<Method> {
    let of = |signature: &syn::Signature, seen, origin| {
        let own = signature.receiver().is_some();
        own.then(|| Method {
            name: signature.ident.unraw().to_string(),
            arguments: signature.inputs.len() - 1,
            seen,
            origin,
        })
    };
    match item {
        syn::Item::Impl(block) if !only_in_tests(&block.attrs) => {
            let origin = || match block.trait_ {
                Some(_) => Origin::Given,
                None => Origin::Own,
            };
            let fns = block.items.iter().filter_map(|item| match item {
                syn::ImplItem::Fn(method) if !only_in_tests(&method.attrs) => Some(method),
                _ => None,
            });
            fns.filter_map(|method| of(&method.sig, seen(&method.vis), origin()))
                .collect()
        }
        syn::Item::Trait(block) => {
            let fns = block.items.iter().filter_map(|item| match item {
                syn::TraitItem::Fn(method) => Some(method),
                _ => None,
            });
            fns.filter_map(|method| of(&method.sig, Seen::Everywhere, Origin::Asked))
                .collect()
        }
        _ => Vec::new(),
    }
}

fn seen(visibility: &syn::Visibility) -> Seen {
    match visibility {
        syn::Visibility::Inherited => Seen::Here,
        syn::Visibility::Restricted(limits) if limits.path.is_ident("super") => {
            Seen::ByTheModuleAbove
        }
        _ => Seen::Everywhere,
    }
}
