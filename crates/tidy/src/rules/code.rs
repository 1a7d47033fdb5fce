//! What may not be left lying in the code.

use super::tokens::{Is, Token, flatten};
use crate::{Finding, RustFile};
use quote::ToTokens;
use syn::spanned::Spanned;
use syn::visit::Visit;

/// No unfinished code and no debugging prints.
pub fn leftovers(file: &RustFile) -> Vec<Finding> {
    let tokens = flatten(file.syntax.to_token_stream());
    let calls = tokens.windows(2).filter(|pair| pair[1].is == Is::Sign('!'));
    calls
        .filter_map(|pair| {
            let Is::Word(word) = &pair[0].is else {
                return None;
            };
            let remedy = match word.as_str() {
                "todo" | "unimplemented" => "Write it, or refuse it with an error",
                "dbg" => "Remove it, or use tracing",
                _ => return None,
            };
            let problem = format!("`{word}!` is left here");
            Some(Finding::new(&file.path, pair[0].line, problem, remedy))
        })
        .collect()
}

/// No test is switched off, but for those that another test of the file starts as a process of
/// its own, to kill it for instance.
pub fn ignored(file: &RustFile) -> Vec<Finding> {
    let mut search = Ignored {
        file,
        tokens: flatten(file.syntax.to_token_stream()),
        findings: Vec::new(),
    };
    search.visit_file(&file.syntax);
    search.findings
}

struct Ignored<'a> {
    file: &'a RustFile,
    tokens: Vec<Token>,
    findings: Vec<Finding>,
}

impl<'ast> Visit<'ast> for Ignored<'_> {
    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        let attribute = function.attrs.iter().find(|a| a.path().is_ident("ignore"));
        if let Some(attribute) = attribute
            && !self.is_started_as_a_process(&function.sig.ident.to_string())
        {
            self.findings.push(Finding::new(
                &self.file.path,
                attribute.span().start().line,
                format!("the test `{}` is switched off", function.sig.ident),
                "Let it print why it cannot run here and return, or mend it",
            ));
        }
    }
}

impl Ignored<'_> {
    fn is_started_as_a_process(&self, test: &str) -> bool {
        let names = |text: &str| text == test || text.ends_with(&format!("::{test}"));
        let has = |wanted: &dyn Fn(&str) -> bool| {
            let mut texts = self.tokens.iter();
            texts.any(|token| matches!(&token.is, Is::Text(text) if wanted(text)))
        };
        has(&|text| text == "--ignored") && has(&names)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> RustFile {
        RustFile::parse("a.rs", text).unwrap()
    }

    #[test]
    fn leftovers_are_found_even_inside_macros() {
        let found = |text: &str| leftovers(&parse(text)).len();
        assert_eq!(found("fn f() { todo!() }"), 1);
        assert_eq!(
            found("fn f() { select! { _ = x => unimplemented!(\"later\") } }"),
            1
        );
        assert_eq!(found("fn f() { std::dbg!(1); }"), 1);
        assert_eq!(
            found("fn ignore(todo: u8) { ignore(todo); let s = \"todo!()\"; }"),
            0
        );
    }

    #[test]
    fn a_test_that_is_switched_off_is_found() {
        let found = |text: &str| ignored(&parse(text)).len();
        assert_eq!(found("#[test]\n#[ignore = \"slow\"]\nfn f() {}"), 1);
        assert_eq!(found("mod m { #[test] #[ignore] fn f() {} }"), 1);
        assert_eq!(found("#[test] fn ignore() {}"), 0);
    }

    #[test]
    fn a_test_that_another_starts_is_left_alone() {
        let found = |text: &str| ignored(&parse(text)).len();
        let child = "#[test]\n#[ignore = \"started by the other\"]\nfn child() {}\n";
        let start = |what: &str| format!("{child} fn g() {{ run(&[\"{what}\", \"--ignored\"]) }}");
        assert_eq!(found(&start("m::child")), 0);
        assert_eq!(found(&start("m::stepchild")), 1);
        assert_eq!(found(&format!("{child} fn g() {{ run(\"m::child\") }}")), 1);
    }
}
