//! One mistake in the file, with its place.

use super::veil::veiled;
use std::fmt::Write;
use std::ops::Range;

/// A mistake, and where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    file: &'static str,
    /// From 1.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
    message: String,
    /// The line and how much of it is pointed at, unless it holds a secret.
    excerpt: Option<(String, usize)>,
    help: Option<String>,
}

/// The file's text, in which places are found.
pub struct Source<'a> {
    text: &'a str,
    file: &'static str,
}

impl Mistake {
    /// Adds what was meant.
    pub fn help(mut self, help: String) -> Self {
        self.help = Some(printable(&help));
        self
    }

    /// Returns it as users see it, with the line and a caret below.
    pub fn render(&self) -> String {
        let mut text = self.headline();
        let number = self.line.to_string();
        let gutter = " ".repeat(number.len());
        if let Some((line, length)) = &self.excerpt {
            let before = " ".repeat(self.column - 1);
            let carets = "^".repeat(*length);
            // Writing to a String cannot fail.
            let _ = write!(
                text,
                "\n{gutter} |\n{number} | {line}\n{gutter} | {before}{carets}"
            );
        }
        if let Some(help) = &self.help {
            let _ = write!(text, "\n{gutter} = help: {help}");
        }
        text
    }

    /// Returns it in one line.
    pub fn headline(&self) -> String {
        format!(
            "{}:{}:{}: {}",
            self.file, self.line, self.column, self.message
        )
    }
}

impl<'a> Source<'a> {
    /// Takes the text of a file of that name.
    pub fn new(text: &'a str, file: &'static str) -> Self {
        Self { text, file }
    }

    /// Makes a mistake that points at a range of bytes, as far as it is on its first line.
    pub fn point(&self, at: &Range<usize>, message: String) -> Mistake {
        let start = at.start.min(self.text.len());
        let before = self.text.get(..start).unwrap_or(self.text);
        let begin = before.rfind('\n').map_or(0, |at| at + 1);
        let rest = &self.text[begin..];
        let line = rest.lines().next().unwrap_or_default();
        let column = before[begin..].chars().count();
        let meant = self.text.get(start..at.end).unwrap_or_default();
        let on_line = line.chars().count().saturating_sub(column);
        let length = meant.chars().count().clamp(1, on_line.max(1));
        let shown = printable(line);
        Mistake {
            file: self.file,
            line: self.line_of(start),
            column: column + 1,
            message: printable(&message),
            excerpt: (veiled(line) == line).then_some((shown, length)),
            help: None,
        }
    }

    /// Returns the number of the line of a byte, from 1.
    pub fn line_of(&self, at: usize) -> usize {
        let before = self.text.get(..at).unwrap_or(self.text);
        before.matches('\n').count() + 1
    }
}

/// Takes out what a terminal would act on.
fn printable(text: &str) -> String {
    let shown = |c: char| match c {
        '\t' => ' ',
        c if c.is_control() => '\u{fffd}',
        c => c,
    };
    text.chars().map(shown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str, at: Range<usize>) -> String {
        Source::new(text, "f").point(&at, "no".to_owned()).render()
    }

    #[test]
    fn the_caret_is_under_what_is_meant_and_ends_with_its_line() {
        assert_eq!(
            shown("a = 1\nbc = [\n1]", 11..15),
            "f:2:6: no\n  |\n2 | bc = [\n  |      ^"
        );
        assert_eq!(shown("é = ü", 5..7), "f:1:5: no\n  |\n1 | é = ü\n  |     ^");
        assert_eq!(shown("", 0..0), "f:1:1: no\n  |\n1 | \n  | ^");
        assert_eq!(shown("a", 99..100), "f:1:2: no\n  |\n1 | a\n  |  ^");
    }

    #[test]
    fn a_line_with_a_password_is_not_shown() {
        let line = "database = \"postgres://u:hidden@h/d\"";
        assert_eq!(shown(line, 0..8), "f:1:1: no");
    }
}
