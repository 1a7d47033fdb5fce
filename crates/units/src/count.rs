//! Counts in sentences.

use std::fmt::Display;

/// Writes a count with its noun, and whatever else changes with it: `1 file`, `2 files`, `1 pod is`.
pub fn counted<N: Display + PartialEq + From<u8>>(count: N, one: &str, several: &str) -> String {
    let words = if count == N::from(1) { one } else { several };
    format!("{count} {words}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_thing_alone_has_the_singular() {
        let files = |count: u64| counted(count, "file", "files");
        assert_eq!(files(1), "1 file");
        assert_eq!(files(0), "0 files");
        assert_eq!(counted(21_usize, "pod is", "pods are"), "21 pods are");
    }
}
