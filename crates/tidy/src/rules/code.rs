//! What may not be left lying in the code.

use super::tokens::{Is, flatten};
use crate::{Finding, RustFile};
use quote::ToTokens;

/// No unfinished code, no debugging prints, no tests that are switched off.
pub fn leftovers(file: &RustFile) -> Vec<Finding> {
    let tokens = flatten(file.syntax.to_token_stream());
    let mut findings = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        let Is::Word(word) = &token.is else { continue };
        let before = at.checked_sub(1).map(|before| &tokens[before].is);
        let after = tokens.get(at + 1).map(|after| &after.is);
        let remedy = match word.as_str() {
            "todo" | "unimplemented" if after == Some(&Is::Sign('!')) => "Write it, or refuse it",
            "dbg" if after == Some(&Is::Sign('!')) => "Remove it, or use tracing",
            "ignore" if before == Some(&Is::Sign('#')) => {
                "Let the test print why it cannot run here and return, or mend it"
            }
            _ => continue,
        };
        findings.push(Finding::new(
            &file.path,
            token.line,
            format!("`{word}` is left here"),
            remedy,
        ));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> usize {
        leftovers(&RustFile::parse("a.rs", text).unwrap()).len()
    }

    #[test]
    fn leftovers_are_found_even_inside_macros() {
        assert_eq!(found("fn f() { todo!() }"), 1);
        assert_eq!(
            found("fn f() { select! { _ = x => unimplemented!(\"later\") } }"),
            1
        );
        assert_eq!(found("fn f() { std::dbg!(1); }"), 1);
        assert_eq!(found("#[test]\n#[ignore = \"slow\"]\nfn f() {}"), 1);
        assert_eq!(found("mod m { #[ignore] fn f() {} }"), 1);
    }

    #[test]
    fn the_words_themselves_are_free() {
        assert_eq!(
            found("fn ignore(todo: u8) { ignore(todo); let s = \"todo!()\"; }"),
            0
        );
    }
}
