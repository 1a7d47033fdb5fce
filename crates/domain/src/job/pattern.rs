//! Patterns that say which files come home.

use crate::pod::WORKSPACE;
use livery_units::text;
use std::fmt;

/// The longest pattern that is taken.
const LENGTH_MAX: usize = 1_024;

/// A glob under the pod's workspace, such as `output/**` or `*.safetensors`.
///
/// `*` and `?` stay within one name, `**` crosses directories, `[a-z]` and `{a,b}` choose. A
/// directory's own name brings all that is in it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OutputPattern(String);

/// Why a text is not an output pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OutputPatternError {
    /// There is no text.
    #[error("the pattern is empty")]
    Empty,
    /// It is an absolute path elsewhere.
    #[error("`{0}` lies outside {WORKSPACE}")]
    Outside(String),
    /// It climbs with `..`.
    #[error("`{0}` has `..` in it, which could leave {WORKSPACE}")]
    Climbs(String),
    /// It has a character that no path may have, or that nobody writes on purpose.
    #[error("the pattern has the control character {0:?} in it")]
    Control(char),
    /// A bracket or brace is not closed.
    #[error("`{0}` has a `{1}` without its partner")]
    Unbalanced(String, char),
    /// It is longer than anybody needs.
    #[error("the pattern is {0} bytes long; at most {LENGTH_MAX} are taken")]
    TooLong(usize),
}

impl OutputPattern {
    /// Reads a pattern, relative to the workspace or absolute below it.
    pub fn parse(text: &str) -> Result<Self, OutputPatternError> {
        if text.trim().is_empty() {
            return Err(OutputPatternError::Empty);
        }
        if text.len() > LENGTH_MAX {
            return Err(OutputPatternError::TooLong(text.len()));
        }
        if let Some(control) = text.chars().find(|c| text::is_control(*c)) {
            return Err(OutputPatternError::Control(control));
        }
        if text.starts_with('~') {
            return Err(OutputPatternError::Outside(text.to_owned()));
        }
        // Climbing is looked for in every name, also inside braces: `{..,a}/x` climbs too.
        let mut names = text.split(['/', '{', '}', ',']);
        if names.any(|name| name == "..") {
            return Err(OutputPatternError::Climbs(text.to_owned()));
        }
        let is_absolute = text.starts_with('/');
        let mut parts: Vec<&str> = text
            .split('/')
            .filter(|p| !matches!(*p, "" | "."))
            .collect();
        if is_absolute {
            if parts.first() != Some(&WORKSPACE.trim_start_matches('/')) {
                return Err(OutputPatternError::Outside(text.to_owned()));
            }
            parts.remove(0);
        }
        if let Some(lone) = unbalanced(text) {
            return Err(OutputPatternError::Unbalanced(text.to_owned(), lone));
        }
        if parts.is_empty() {
            return Ok(Self("**".to_owned()));
        }
        Ok(Self(parts.join("/")))
    }

    /// Returns the glob, relative to the workspace.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for OutputPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// Returns the first bracket or brace that has no partner.
fn unbalanced(text: &str) -> Option<char> {
    let mut open: Vec<char> = Vec::new();
    for c in text.chars() {
        match (c, open.last()) {
            (']', Some('[')) => drop(open.pop()),
            // Inside brackets every other character stands for itself.
            (_, Some('[')) => {}
            ('[' | '{', _) => open.push(c),
            ('}', Some('{')) => drop(open.pop()),
            (']' | '}', _) => return Some(c),
            _ => {}
        }
    }
    open.first().copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_come_out_relative_to_the_workspace() {
        for (text, pattern) in [
            ("output/**", "output/**"),
            ("./output/", "output"),
            ("/workspace/out/*.png", "out/*.png"),
            ("/workspace", "**"),
            (".", "**"),
            ("run-[0-9]/{a,b}.json", "run-[0-9]/{a,b}.json"),
            ("a..b", "a..b"),
        ] {
            assert_eq!(OutputPattern::parse(text).unwrap().as_str(), pattern);
        }
    }

    #[test]
    fn patterns_that_leave_the_workspace_or_are_broken_are_refused() {
        let climbs = |text: &str| OutputPatternError::Climbs(text.to_owned());
        let outside = |text: &str| OutputPatternError::Outside(text.to_owned());
        let unbalanced = |text: &str, c| OutputPatternError::Unbalanced(text.to_owned(), c);
        for (text, error) in [
            ("", OutputPatternError::Empty),
            ("..", climbs("..")),
            ("a/../../b", climbs("a/../../b")),
            ("{a,..}/b", climbs("{a,..}/b")),
            ("/etc/passwd", outside("/etc/passwd")),
            ("/workspace2/x", outside("/workspace2/x")),
            ("~/x", outside("~/x")),
            ("a[b", unbalanced("a[b", '[')),
            ("a{b,c", unbalanced("a{b,c", '{')),
            ("a}b", unbalanced("a}b", '}')),
            ("a\0b", OutputPatternError::Control('\0')),
            (&"a".repeat(1_025), OutputPatternError::TooLong(1_025)),
        ] {
            assert_eq!(OutputPattern::parse(text), Err(error), "{text:?}");
        }
    }
}
