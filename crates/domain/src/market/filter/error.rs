//! What is wrong with a filter or an order, and where.

use livery_units::text;
use std::fmt;
use std::ops::Range;
use unicode_width::UnicodeWidthChar;

/// One mistake in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilterError {
    /// Where, in bytes; never empty but at the end of the text.
    pub at: Range<usize>,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub hint: String,
}

/// All the mistakes in a text, first to last.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct FilterErrors {
    /// The text.
    pub text: String,
    /// The mistakes; at least one.
    pub errors: Vec<FilterError>,
}

impl FilterError {
    pub(super) fn new(
        at: Range<usize>,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Self {
            at,
            message: message.into(),
            hint: hint.into(),
        }
    }

    /// Returns the line of the text with carets under the place, what is wrong, and the hint.
    pub fn render(&self, text: &str) -> String {
        let start = floor(text, self.at.start);
        let end = floor(text, self.at.end).max(start);
        let line_start = text[..start].rfind('\n').map_or(0, |newline| newline + 1);
        let line_end = text[start..]
            .find('\n')
            .map_or(text.len(), |newline| start + newline);
        // A control character would shift the carets, or worse.
        let shown: String = text[line_start..line_end]
            .chars()
            .map(|c| if text::is_control(c) { ' ' } else { c })
            .collect();
        let indent = " ".repeat(columns(&text[line_start..start]));
        let width = columns(&text[start..end.min(line_end).max(start)]);
        let carets = "^".repeat(width.max(1));
        format!(
            "  {shown}\n  {indent}{carets} {}\n  {indent}hint: {}",
            self.message, self.hint
        )
    }
}

impl fmt::Display for FilterErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.errors.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            f.write_str(&error.render(&self.text))?;
        }
        Ok(())
    }
}

/// Returns how many columns a text takes on a terminal, where some characters take two and some none; a
/// control character is shown as a blank.
fn columns(text: &str) -> usize {
    text.chars()
        .map(|c| {
            if text::is_control(c) {
                1
            } else {
                c.width().unwrap_or(0)
            }
        })
        .sum()
}

/// Returns the last boundary between characters that is not after `at`.
fn floor(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn carets_stand_under_the_place() {
        let error = FilterError::new(6..9, "is no amount", "write 0.5");
        assert_eq!(
            error.render("price<abc region=EU"),
            "  price<abc region=EU\n        ^^^ is no amount\n        hint: write 0.5"
        );
    }

    #[test]
    fn carets_count_columns() {
        // Each of the three takes two columns, and the accent none of its own.
        let text = "日本語>5 e\u{301}<a";
        let second = text.find("<a").unwrap();
        for (at, under) in [
            (0..9, "  ^^^^^^ m"),
            (second - 3..second, "           ^ m"),
            (second + 1..second + 2, "             ^ m"),
        ] {
            let shown = FilterError::new(at, "m", "h").render(text);
            assert_eq!(shown.lines().nth(1), Some(under));
        }
    }

    #[test]
    fn carets_count_characters_of_their_own_line_and_survive_any_range() {
        let error = FilterError::new(8..10, "m", "h");
        assert_eq!(
            error.render("a=ü\nb=\u{1b}ö x"),
            "  b= ö x\n     ^ m\n     hint: h"
        );
        for (start, end) in [(0, 0), (3, 2), (5, 99), (99, 3), (99, 100)] {
            let text = FilterError::new(start..end, "m", "h").render("é\n\u{1f600}é");
            assert_eq!(text.lines().count(), 3, "{start}..{end}");
            assert!(text.contains('^'));
        }
    }
}
