//! Documents and scripts: links that resolve, and no paths of one machine.

use crate::{Finding, TextFile};
use std::path::Path;

/// Every relative link of a Markdown page leads to a file of the tree.
pub fn links(root: &Path, page: &TextFile) -> Vec<Finding> {
    let directory = root
        .join(&page.path)
        .parent()
        .map(Path::to_owned)
        .unwrap_or_default();
    let mut findings = Vec::new();
    for (at, line) in prose(&page.text) {
        for target in targets(line) {
            let file = target.split('#').next().unwrap_or_default();
            let outside = target.contains("://") || target.starts_with("mailto:");
            if outside || file.is_empty() || directory.join(file).exists() {
                continue;
            }
            findings.push(Finding::new(
                &page.path,
                at,
                format!("the link to {file} leads nowhere"),
                "Mend its path, which is relative to the page",
            ));
        }
    }
    findings
}

/// No text names a place of the machine that somebody works on.
pub fn machine_paths(file: &TextFile) -> Vec<Finding> {
    file.text
        .lines()
        .enumerate()
        .filter(|(_, line)| {
            line.match_indices(MACHINE)
                .any(|(start, _)| is_machine(line, start))
        })
        .map(|(at, _)| {
            Finding::new(
                &file.path,
                at + 1,
                "a path of one machine is named",
                "Write a path that is right in any clone",
            )
        })
        .collect()
}

/// The directory that development machines keep their work in, in two parts so that this file
/// passes its own rule.
const MACHINE: &str = concat!("/wo", "rk/");

/// A path that begins there, and not one such as `upper/work/` that passes through.
fn is_machine(line: &str, start: usize) -> bool {
    !line[..start].ends_with(|c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '}'))
}

/// The lines outside code blocks, with their numbers.
fn prose(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut in_block = false;
    text.lines().enumerate().filter_map(move |(at, line)| {
        if line.trim_start().starts_with("```") {
            in_block = !in_block;
            return None;
        }
        let is_prose = !in_block && !line.starts_with("    ");
        is_prose.then_some((at + 1, line))
    })
}

/// The targets of `[text](target)` in a line.
fn targets(line: &str) -> impl Iterator<Item = &str> {
    line.match_indices("](")
        .filter_map(move |(start, opening)| {
            let rest = &line[start + opening.len()..];
            rest[..rest.find(')')?].split_whitespace().next()
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(text: &str) -> TextFile {
        TextFile {
            path: "README.md".into(),
            text: text.into(),
        }
    }

    #[test]
    fn a_link_that_leads_nowhere_is_found() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let found = |text: &str| links(root, &page(text)).len();
        assert_eq!(found("see [a](missing.md) and [b](src/gone.rs#x)"), 2);
        assert_eq!(
            found("see [a](Cargo.toml), [b](src/lib.rs#x \"title\"), [c](#here)"),
            0
        );
        assert_eq!(found("see [a](https://example.com/missing.md)"), 0);
        assert_eq!(found("```\n[a](missing.md)\n```\n    [b](missing.md)\n"), 0);
    }

    #[test]
    fn a_path_of_one_machine_is_found() {
        let here = MACHINE;
        assert_eq!(
            machine_paths(&page(&format!("see `{here}main/x`"))).len(),
            1
        );
        assert_eq!(
            machine_paths(&page(&format!("upper{here}dir and /workspace/x"))),
            []
        );
    }
}
