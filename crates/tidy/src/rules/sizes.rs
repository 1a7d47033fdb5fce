//! How long files and functions may be.

use crate::{Finding, RustFile};
use syn::spanned::Spanned;
use syn::visit::Visit;

/// No Rust file is longer than `limit` lines.
pub fn files(file: &RustFile, limit: usize) -> Vec<Finding> {
    let lines = file.text.lines().count();
    if lines <= limit {
        return Vec::new();
    }
    vec![Finding::new(
        &file.path,
        limit + 1,
        format!("the file has {lines} lines, more than {limit}"),
        "Cut it into files that are one thing each",
    )]
}

/// No function, tests included, is longer than `limit` lines from `fn` to its closing brace.
pub fn functions(file: &RustFile, limit: usize) -> Vec<Finding> {
    let mut measure = Measure {
        path: &file.path,
        limit,
        findings: Vec::new(),
    };
    measure.visit_file(&file.syntax);
    measure.findings
}

struct Measure<'a> {
    path: &'a str,
    limit: usize,
    findings: Vec<Finding>,
}

impl Measure<'_> {
    fn check(&mut self, signature: &syn::Signature, body: &syn::Block) {
        let first = signature.span().start().line;
        let lines = body.brace_token.span.close().end().line - first + 1;
        if lines > self.limit {
            self.findings.push(Finding::new(
                self.path,
                first,
                format!(
                    "`{}` has {lines} lines, more than {}",
                    signature.ident, self.limit
                ),
                "Give its parts names of their own",
            ));
        }
    }
}

impl<'ast> Visit<'ast> for Measure<'_> {
    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        self.check(&function.sig, &function.block);
        syn::visit::visit_item_fn(self, function);
    }

    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        self.check(&function.sig, &function.block);
        syn::visit::visit_impl_item_fn(self, function);
    }

    fn visit_trait_item_fn(&mut self, function: &'ast syn::TraitItemFn) {
        if let Some(body) = &function.default {
            self.check(&function.sig, body);
        }
        syn::visit::visit_trait_item_fn(self, function);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> RustFile {
        RustFile::parse("a.rs", text).unwrap()
    }

    #[test]
    fn a_file_over_the_limit_is_found() {
        assert_eq!(files(&parse("\n\n\n"), 3), []);
        assert_eq!(files(&parse("\n\n\n\n"), 3)[0].line, 4);
    }

    #[test]
    fn a_function_over_the_limit_is_found_wherever_it_stands() {
        let long = "fn long() {\n\n\n}\n";
        let places = [
            long.to_owned(),
            format!("struct S;\nimpl S {{\n{long}}}"),
            format!("trait T {{\n{long}}}"),
            format!("#[cfg(test)]\nmod tests {{\n#[test]\n{long}}}"),
            format!("fn outer() {{ {long} }}").replace("outer() {", "outer() { let _ = 1;"),
        ];
        for text in &places {
            let found = functions(&parse(text), 3);
            assert!(
                found
                    .iter()
                    .any(|f| f.problem.contains("`long` has 4 lines")),
                "{text}"
            );
            assert!(
                !functions(&parse(text), 4)
                    .iter()
                    .any(|f| f.problem.contains("long`"))
            );
        }
    }

    #[test]
    fn documentation_above_a_function_does_not_count() {
        assert_eq!(
            functions(&parse("/// One.\n/// Two.\n/// Three.\nfn f() {}\n"), 1),
            []
        );
    }
}
