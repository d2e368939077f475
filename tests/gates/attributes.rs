//! When an item is built at all, as its attributes say.

/// Whether an item stands under `#[cfg(test)]`.
pub(crate) fn only_in_tests(attrs: &[syn::Attribute]) -> bool {
    attrs.iter().any(|attr| {
        attr.path().is_ident("cfg")
            && attr
                .parse_args::<syn::Path>()
                .is_ok_and(|path| path.is_ident("test"))
    })
}
