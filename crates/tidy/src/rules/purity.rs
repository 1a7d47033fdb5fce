//! What the pure floors may name.

use super::tokens::{Is, Token, flatten};
use crate::table::Purity;
use crate::{Finding, RustFile};
use quote::ToTokens;

/// A file of a pure crate names none of the paths that do I/O or read a clock.
pub fn paths(file: &RustFile, purity: &Purity) -> Vec<Finding> {
    let tokens = flatten(file.product().to_token_stream());
    let mut findings = Vec::new();
    for refused in &purity.paths {
        let wanted: Vec<&str> = refused.split("::").collect();
        for at in 0..tokens.len() {
            if names(&tokens[at..], &wanted) {
                findings.push(Finding::new(
                    &file.path,
                    tokens[at].line,
                    format!("a pure crate names `{refused}`"),
                    "Take the value as a parameter; an upper floor reads it",
                ));
            }
        }
    }
    findings
}

/// Tells whether the tokens begin with this path.
fn names(tokens: &[Token], wanted: &[&str]) -> bool {
    let mut rest = tokens.iter();
    for (position, name) in wanted.iter().enumerate() {
        let separated = position == 0
            || (rest.next().is_some_and(|token| token.is == Is::Sign(':'))
                && rest.next().is_some_and(|token| token.is == Is::Sign(':')));
        let named = separated
            && rest
                .next()
                .is_some_and(|token| matches!(&token.is, Is::Word(word) if word == name));
        if !named {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> usize {
        let purity = Purity {
            floors: vec![0],
            crates: Vec::new(),
            paths: vec!["std::fs".into(), "Instant::now".into()],
        };
        paths(&RustFile::parse("a.rs", text).unwrap(), &purity).len()
    }

    #[test]
    fn files_and_clocks_are_found() {
        assert_eq!(found("use std::fs;"), 1);
        assert_eq!(found("use std::fs::File;"), 1);
        assert_eq!(found("fn f() { let now = std::time::Instant::now(); }"), 1);
        assert_eq!(found("fn f() { println!(\"{:?}\", Instant::now()); }"), 1);
    }

    #[test]
    fn other_names_and_tests_are_left_alone() {
        assert_eq!(found("use std::fmt; fn f(now: Instant) { g::fs(); }"), 0);
        assert_eq!(found("#[cfg(test)] mod tests { use std::fs; }"), 0);
    }
}
