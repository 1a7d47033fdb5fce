//! Error codes: every one has its paragraph.

use super::tokens::{Is, flatten};
use crate::table::Errors;
use crate::{Finding, RustFile, TextFile};
use quote::ToTokens;
use std::collections::BTreeMap;

/// An error code and the place where the product names it first.
pub type Codes = BTreeMap<String, (String, usize)>;

/// Collects every error code that the product names: string literals such as `JOB001`.
pub fn collect(files: &[RustFile], errors: &Errors) -> Codes {
    let mut codes = Codes::new();
    for file in files {
        for token in flatten(file.product().to_token_stream()) {
            let Is::Text(text) = token.is else { continue };
            if is_code(&text) && !errors.not_codes.contains(&text) {
                codes
                    .entry(text)
                    .or_insert_with(|| (file.path.clone(), token.line));
            }
        }
    }
    codes
}

/// The page has one heading with a text for every code, and for no other.
pub fn documented(codes: &Codes, page: &TextFile) -> Vec<Finding> {
    let lines: Vec<&str> = page.text.lines().collect();
    let mut findings = Vec::new();
    let mut headings: BTreeMap<&str, usize> = BTreeMap::new();
    for (at, line) in lines.iter().enumerate() {
        let Some(code) = heading_code(line) else {
            continue;
        };
        let mut complain = |problem: String, remedy: &str| {
            findings.push(Finding::new(&page.path, at + 1, problem, remedy));
        };
        if headings.insert(code, at + 1).is_some() {
            complain(
                format!("{code} has two headings"),
                "Keep one; a code has one meaning",
            );
        }
        if !codes.contains_key(code) {
            complain(format!("nothing reports {code}"), "Remove the heading");
        }
        let body = lines[at + 1..].iter().find(|line| !line.trim().is_empty());
        if body.is_none_or(|line| line.starts_with('#')) {
            complain(
                format!("{code} has no text"),
                "Say what happened and what to do",
            );
        }
    }
    for (code, (file, line)) in codes {
        if !headings.contains_key(code.as_str()) {
            findings.push(Finding::new(
                file,
                *line,
                format!("the error code {code} is not documented"),
                format!(
                    "Add a heading for it to {}: what happened, what to do",
                    page.path
                ),
            ));
        }
    }
    findings
}

fn heading_code(line: &str) -> Option<&str> {
    let words = line.strip_prefix('#')?.trim_start_matches('#').trim_start();
    let word = words.split([' ', ':', '`']).find(|word| !word.is_empty())?;
    is_code(word).then_some(word)
}

/// Three capital letters and three digits.
fn is_code(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() == 6
        && bytes[..3].iter().all(u8::is_ascii_uppercase)
        && bytes[3..].iter().all(u8::is_ascii_digit)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(text: &str) -> Codes {
        let errors = Errors {
            reference: String::new(),
            not_codes: vec!["SHA256".into()],
        };
        collect(&[RustFile::parse("a.rs", text).unwrap()], &errors)
    }

    #[test]
    fn codes_are_found_in_constants_macros_and_attributes() {
        let found = codes(
            "const A: &str = \"JOB001\"; fn f() { error!(code = \"POD002\"); }\n\
             #[error(\"x\", code = \"RUN003\")] struct S; fn g() { h(\"SHA256\", \"JOB01\"); }\n\
             #[cfg(test)] mod tests { const T: &str = \"TST001\"; }",
        );
        assert_eq!(
            found.keys().collect::<Vec<_>>(),
            ["JOB001", "POD002", "RUN003"]
        );
        assert_eq!(found["RUN003"], ("a.rs".to_owned(), 2));
    }

    #[test]
    fn missing_stale_double_and_empty_headings_are_found() {
        let page = TextFile {
            path: "errors.md".into(),
            text: "# Errors\n\n## JOB001: bad\n\nText.\n\n## JOB009\n\nText.\n\n\
                   ## `JOB001`\n\nText.\n\n## JOB002\n\n## End\n"
                .into(),
        };
        let found = codes("const C: [&str; 3] = [\"JOB001\", \"JOB002\", \"JOB003\"];");
        let problems: Vec<String> = documented(&found, &page)
            .into_iter()
            .map(|finding| finding.problem)
            .collect();
        assert_eq!(
            problems,
            [
                "nothing reports JOB009",
                "JOB001 has two headings",
                "JOB002 has no text",
                "the error code JOB003 is not documented"
            ]
        );
    }
}
