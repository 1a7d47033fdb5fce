//! Globs that say which files of a pod to bring home.

use std::path::Path;

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

use crate::{ContentError, RelPath};

/// Globs relative to one directory.
///
/// `*` and `?` stop at a `/`, `**` does not, `[…]` and `{a,b}` work as in a shell. A pattern that
/// names a directory takes all that is in it, so `output`, `output/` and `output/**` mean the same.
#[derive(Debug, Clone)]
pub struct Patterns {
    patterns: Vec<Pattern>,
    globs: GlobSet,
    /// Which pattern each glob stands for.
    pattern_of_glob: Vec<usize>,
}

#[derive(Debug, Clone)]
struct Pattern {
    text: String,
    /// The names before the first one with a wildcard: nothing elsewhere can match.
    fixed: Vec<Vec<u8>>,
}

impl Patterns {
    /// Reads patterns; absolute ones and those with `..` are refused.
    pub fn parse<S: AsRef<str>>(texts: &[S]) -> Result<Self, ContentError> {
        let mut globs = GlobSetBuilder::new();
        let mut pattern_of_glob = Vec::new();
        let mut patterns = Vec::new();
        for text in texts.iter().map(AsRef::as_ref) {
            let glob = clean(text).map_err(|reason| refuse(text, reason))?;
            for variant in [glob.clone(), format!("{glob}/**")] {
                let built = GlobBuilder::new(&variant)
                    .literal_separator(true)
                    .backslash_escape(true)
                    .build();
                globs.add(built.map_err(|error| refuse(text, error.kind().to_string()))?);
                pattern_of_glob.push(patterns.len());
            }
            let is_fixed = |name: &&str| !name.contains(['*', '?', '[', '{', '\\']);
            let fixed = glob.split('/').take_while(is_fixed);
            patterns.push(Pattern {
                text: text.to_owned(),
                fixed: fixed.map(|name| name.as_bytes().to_vec()).collect(),
            });
        }
        let joined = texts
            .iter()
            .map(AsRef::as_ref)
            .collect::<Vec<_>>()
            .join(" ");
        Ok(Self {
            patterns,
            globs: globs
                .build()
                .map_err(|error| refuse(&joined, error.to_string()))?,
            pattern_of_glob,
        })
    }

    /// Returns the patterns as they were written.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        self.patterns.iter().map(|pattern| pattern.text.as_str())
    }

    /// Returns the places (in [`Patterns::texts`]) of those that match, the same one perhaps twice.
    pub(crate) fn matching(&self, path: &RelPath) -> Vec<usize> {
        let globs = self.globs.matches(Path::new(path.as_path()));
        let places = globs.into_iter().map(|glob| self.pattern_of_glob[glob]);
        places.collect()
    }

    /// Says whether anything inside a directory could match.
    pub(crate) fn may_match_inside(&self, dir: &RelPath) -> bool {
        self.patterns.iter().any(|pattern| {
            let names = dir.as_bytes().split(|byte| *byte == b'/');
            names.zip(&pattern.fixed).all(|(name, fixed)| name == fixed)
        })
    }
}

fn clean(text: &str) -> Result<String, String> {
    let mut rest = text.trim();
    if rest.starts_with('/') {
        return Err("it is absolute; write it relative to the pod's workspace".to_owned());
    }
    if rest.contains('\0') {
        return Err("it holds a zero byte".to_owned());
    }
    if rest.split('/').any(|name| name == "..") {
        return Err("`..` would leave the pod's workspace".to_owned());
    }
    while let Some(shorter) = rest.strip_prefix("./") {
        rest = shorter.trim_start_matches('/');
    }
    match rest.trim_end_matches('/') {
        "" if text.trim().is_empty() => Err("it is empty".to_owned()),
        "" | "." => Ok("**".to_owned()),
        rest => Ok(rest.to_owned()),
    }
}

fn refuse(pattern: &str, reason: String) -> ContentError {
    ContentError::InvalidPattern {
        pattern: pattern.to_owned(),
        reason,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, path: &str) -> bool {
        let patterns = Patterns::parse(&[pattern]).unwrap();
        !patterns.matching(&RelPath::new(path).unwrap()).is_empty()
    }

    #[test]
    fn patterns_match_as_in_a_shell() {
        for (pattern, path) in [
            ("output/**", "output/a/b.txt"),
            ("output", "output/a/b.txt"),
            ("output/", "output/a"),
            ("./output/*.png", "output/loss.png"),
            ("*.safetensors", "adapter.safetensors"),
            ("**/*.json", "a/b/metrics.json"),
            ("**/*.json", "metrics.json"),
            ("{a,b}/x", "b/x"),
            (".", "anything/at/all"),
            ("run-[0-9]", "run-3/log"),
        ] {
            assert!(matches(pattern, path), "{pattern} {path}");
        }
        for (pattern, path) in [
            ("*.safetensors", "deep/adapter.safetensors"),
            ("output/*.png", "output/a/loss.png"),
            ("output", "output2/a"),
        ] {
            assert!(!matches(pattern, path), "{pattern} {path}");
        }
    }

    #[test]
    fn patterns_that_leave_the_workspace_or_do_not_parse_are_refused() {
        for text in [
            "/etc/*",
            "../x",
            "a/../../b",
            "a/..",
            "",
            "  ",
            "a[",
            "{a",
            "x\0",
        ] {
            assert!(Patterns::parse(&[text]).is_err(), "{text:?}");
        }
    }

    #[test]
    fn directories_that_cannot_match_are_not_entered() {
        let patterns = Patterns::parse(&["out/run/*.pt", "logs"]).unwrap();
        let enters = |dir: &str| patterns.may_match_inside(&RelPath::new(dir).unwrap());
        for dir in ["out", "out/run", "logs", "logs/deep"] {
            assert!(enters(dir), "{dir}");
        }
        for dir in ["venv", "out/other", "log"] {
            assert!(!enters(dir), "{dir}");
        }
    }
}
