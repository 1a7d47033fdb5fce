//! What is said about the code, in the code.

use crate::{Finding, RustFile};
use quote::ToTokens;
use syn::spanned::Spanned;
use syn::visit::Visit;

/// Every source file begins by saying what it is.
pub fn files(file: &RustFile) -> Vec<Finding> {
    if !file.product().items.is_empty() && sentence(&file.syntax.attrs).is_none() {
        return vec![Finding::new(
            &file.path,
            1,
            "the file does not say what it is",
            "Begin it with `//!` and one plain sentence",
        )];
    }
    Vec::new()
}

/// Every public item, and every public function of a public type of the same file, has
/// documentation that begins with a sentence.
pub fn items(file: &RustFile) -> Vec<Finding> {
    let types = file
        .product()
        .items
        .iter()
        .filter_map(public_type)
        .collect();
    let mut search = Search {
        path: &file.path,
        types,
        findings: Vec::new(),
    };
    search.visit_file(file.product());
    search.findings
}

struct Search<'a> {
    path: &'a str,
    /// The public types of this file: what others are is not this file's to say.
    types: Vec<String>,
    findings: Vec<Finding>,
}

impl Search<'_> {
    fn check(
        &mut self,
        visibility: &syn::Visibility,
        attributes: &[syn::Attribute],
        name: &syn::Ident,
    ) {
        if !matches!(visibility, syn::Visibility::Public(_)) {
            return;
        }
        let problem = match sentence(attributes) {
            Some(first) if first.ends_with(['.', ':', '?', '!']) => return,
            Some(_) => format!("the documentation of `{name}` does not begin with a sentence"),
            None => format!("`{name}` is public and has no documentation"),
        };
        self.findings.push(Finding::new(
            self.path,
            name.span().start().line,
            problem,
            "Say in one plain sentence what it is or does, then a full stop",
        ));
    }
}

impl<'ast> Visit<'ast> for Search<'_> {
    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.check(&item.vis, &item.attrs, &item.sig.ident);
    }

    fn visit_item_struct(&mut self, item: &'ast syn::ItemStruct) {
        self.check(&item.vis, &item.attrs, &item.ident);
    }

    fn visit_item_enum(&mut self, item: &'ast syn::ItemEnum) {
        self.check(&item.vis, &item.attrs, &item.ident);
    }

    fn visit_item_trait(&mut self, item: &'ast syn::ItemTrait) {
        self.check(&item.vis, &item.attrs, &item.ident);
    }

    fn visit_item_const(&mut self, item: &'ast syn::ItemConst) {
        self.check(&item.vis, &item.attrs, &item.ident);
    }

    fn visit_item_static(&mut self, item: &'ast syn::ItemStatic) {
        self.check(&item.vis, &item.attrs, &item.ident);
    }

    fn visit_item_type(&mut self, item: &'ast syn::ItemType) {
        self.check(&item.vis, &item.attrs, &item.ident);
    }

    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        if matches!(module.vis, syn::Visibility::Public(_)) {
            syn::visit::visit_item_mod(self, module);
        }
    }

    fn visit_item_impl(&mut self, block: &'ast syn::ItemImpl) {
        if self
            .types
            .contains(&block.self_ty.to_token_stream().to_string())
        {
            syn::visit::visit_item_impl(self, block);
        }
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.check(&item.vis, &item.attrs, &item.sig.ident);
    }
}

fn public_type(item: &syn::Item) -> Option<String> {
    let (visibility, name) = match item {
        syn::Item::Struct(item) => (&item.vis, &item.ident),
        syn::Item::Enum(item) => (&item.vis, &item.ident),
        _ => return None,
    };
    matches!(visibility, syn::Visibility::Public(_)).then(|| name.to_string())
}

/// Returns the first paragraph of the documentation, in one line.
fn sentence(attributes: &[syn::Attribute]) -> Option<String> {
    let mut lines = Vec::new();
    for attribute in attributes
        .iter()
        .filter(|attribute| attribute.path().is_ident("doc"))
    {
        let syn::Meta::NameValue(pair) = &attribute.meta else {
            continue;
        };
        let syn::Expr::Lit(literal) = &pair.value else {
            // `#[doc = include_str!(..)]` and the like: written elsewhere.
            return Some(format!("line {}.", attribute.span().start().line));
        };
        let syn::Lit::Str(text) = &literal.lit else {
            continue;
        };
        let text = text.value();
        match text.trim() {
            "" if lines.is_empty() => {}
            "" => break,
            line => lines.push(line.to_owned()),
        }
    }
    (!lines.is_empty()).then(|| lines.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> usize {
        items(&RustFile::parse("a.rs", text).unwrap()).len()
    }

    #[test]
    fn public_items_without_a_sentence_are_found() {
        assert_eq!(found("pub fn f() {}"), 1);
        assert_eq!(found("/// Does it\npub fn f() {}"), 1);
        assert_eq!(found("///\npub struct S;"), 1);
        assert_eq!(
            found("/// A thing.\npub struct S; impl S { pub fn f() {} }"),
            1
        );
        assert_eq!(found("/// A place.\npub mod m { pub const C: u8 = 1; }"), 1);
    }

    #[test]
    fn documented_and_private_items_are_left_alone() {
        assert_eq!(
            found("/// Does it, over\n/// two lines.\n///\n/// More\npub fn f() {}"),
            0
        );
        assert_eq!(found("fn f() {} pub(crate) fn g() {}"), 0);
        assert_eq!(
            found("struct S; impl S { pub fn f() {} } mod m { pub fn g() {} }"),
            0
        );
        assert_eq!(found("#[cfg(test)] mod tests { pub fn f() {} }"), 0);
    }

    #[test]
    fn a_file_without_a_first_line_is_found() {
        let count = |text| files(&RustFile::parse("a.rs", text).unwrap()).len();
        assert_eq!(count("fn f() {}"), 1);
        assert_eq!(count("//! Things.\nfn f() {}"), 0);
        assert_eq!(count(""), 0);
    }
}
