//! What functions may take.

use crate::table::Bools;
use crate::{Finding, RustFile};
use syn::spanned::Spanned;
use syn::visit::Visit;

/// No function takes a bool: a call such as `copy(a, b, true)` says nothing.
///
/// Implementations of traits are left out, since the trait decides; our own traits are looked at
/// where they are declared.
pub fn bools(file: &RustFile, allowed: &Bools) -> Vec<Finding> {
    let mut search = Search {
        path: &file.path,
        allowed,
        findings: Vec::new(),
    };
    search.visit_file(&file.syntax);
    search.findings
}

struct Search<'a> {
    path: &'a str,
    allowed: &'a Bools,
    findings: Vec<Finding>,
}

impl Search<'_> {
    fn check(&mut self, signature: &syn::Signature) {
        let place = format!("{}::{}", self.path, signature.ident);
        if self
            .allowed
            .allowed
            .iter()
            .any(|exception| exception.place == place)
        {
            return;
        }
        for input in &signature.inputs {
            let syn::FnArg::Typed(argument) = input else {
                continue;
            };
            if is_bool(&argument.ty) {
                self.findings.push(Finding::new(
                    self.path,
                    argument.span().start().line,
                    format!("`{}` takes a bool", signature.ident),
                    "Take an enum of two variants, or write two functions",
                ));
            }
        }
    }
}

impl<'ast> Visit<'ast> for Search<'_> {
    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        self.check(&function.sig);
        syn::visit::visit_item_fn(self, function);
    }

    fn visit_trait_item_fn(&mut self, function: &'ast syn::TraitItemFn) {
        self.check(&function.sig);
        syn::visit::visit_trait_item_fn(self, function);
    }

    fn visit_item_impl(&mut self, block: &'ast syn::ItemImpl) {
        if block.trait_.is_none() {
            for item in &block.items {
                if let syn::ImplItem::Fn(function) = item {
                    self.check(&function.sig);
                }
            }
        }
        syn::visit::visit_item_impl(self, block);
    }
}

fn is_bool(ty: &syn::Type) -> bool {
    match ty {
        syn::Type::Reference(reference) => is_bool(&reference.elem),
        syn::Type::Paren(inner) => is_bool(&inner.elem),
        syn::Type::Path(path) => path.path.segments.last().is_some_and(|last| {
            last.ident == "bool" || (last.ident == "Option" && holds_bool(&last.arguments))
        }),
        _ => false,
    }
}

fn holds_bool(arguments: &syn::PathArguments) -> bool {
    let syn::PathArguments::AngleBracketed(arguments) = arguments else {
        return false;
    };
    arguments
        .args
        .iter()
        .any(|argument| matches!(argument, syn::GenericArgument::Type(ty) if is_bool(ty)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::Exception;

    fn found(text: &str, allowed: &Bools) -> usize {
        bools(&RustFile::parse("a.rs", text).unwrap(), allowed).len()
    }

    #[test]
    fn a_bool_parameter_is_found_in_every_disguise() {
        let none = Bools {
            allowed: Vec::new(),
        };
        for text in [
            "fn f(x: u8, force: bool) {}",
            "fn f(force: &bool) {}",
            "fn f(force: &mut bool) {}",
            "fn f(force: Option<bool>) {}",
            "fn f(force: std::primitive::bool) {}",
            "struct S; impl S { fn f(&self, force: bool) {} }",
            "trait T { fn f(force: bool); }",
            "mod m { async fn f(force: bool) {} }",
            "fn outer() { fn f(force: bool) {} }",
            "struct S; impl S { fn m(&self) { fn f(force: bool) {} } }",
        ] {
            assert_eq!(found(text, &none), 1, "{text}");
        }
        for text in [
            "fn f() -> bool { true }",
            "struct S { x: bool }",
            "impl Visitor for S { fn visit_bool(self, x: bool) {} }",
            "fn f(test: impl Fn(u8) -> bool) {}",
        ] {
            assert_eq!(found(text, &none), 0, "{text}");
        }
    }

    #[test]
    fn an_exception_is_for_one_function_of_one_file() {
        let exception = |place: &str| Exception {
            place: place.into(),
            why: "foreign".into(),
        };
        let text = "fn f(x: bool) {} fn g(x: bool) {}";
        assert_eq!(
            found(
                text,
                &Bools {
                    allowed: vec![exception("a.rs::f")]
                }
            ),
            1
        );
        assert_eq!(
            found(
                text,
                &Bools {
                    allowed: vec![exception("b.rs::f")]
                }
            ),
            2
        );
    }
}
