//! The text of a job file, by lines.

use crate::code::Code;
use crate::diagnostic::Diagnostic;
use std::ops::Range;

/// The largest job file that is read: far more than anybody writes by hand.
pub const SIZE_MAX: usize = 1 << 20;

/// Reads a file's bytes as text, or points at the first byte that is none.
pub fn decode<'a>(bytes: &'a [u8], file_name: &str) -> Result<&'a str, Vec<Diagnostic>> {
    std::str::from_utf8(bytes).map_err(|error| {
        let good = &bytes[..error.valid_up_to()];
        let text = format!("{}\u{fffd}", String::from_utf8_lossy(good));
        let at = text.chars().count() - 1;
        let source = Source::new(&text, file_name);
        vec![source.point(
            &(at..at + 1),
            Code::NotText,
            "this is not UTF-8 text".to_owned(),
            Some("save the file as UTF-8, and check that it is the job file".to_owned()),
        )]
    })
}

/// A text whose characters can be found by line and column.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    text: String,
    file_name: String,
    lines: Vec<Line>,
}

#[derive(Debug, Clone, Copy)]
struct Line {
    /// Offset of its first character, in characters.
    chars_before: usize,
    /// Offset of its first byte.
    begin: usize,
    /// Offset after its last byte, without the line break.
    end: usize,
}

/// How much of a line a message shows at most, in characters.
const SHOWN_MAX: usize = 160;

/// How much of a long line is shown before the token.
const SHOWN_BEFORE: usize = 60;

impl Source {
    /// Splits a text at the line breaks that YAML knows: LF, CR LF and CR.
    pub(crate) fn new(text: &str, file_name: &str) -> Self {
        let mut lines = Vec::new();
        let (mut begin, mut chars_before, mut chars) = (0, 0, 0);
        let mut rest = text.char_indices().peekable();
        while let Some((at, c)) = rest.next() {
            chars += 1;
            if c != '\n' && c != '\r' {
                continue;
            }
            let mut next = at + 1;
            if c == '\r' && rest.peek().is_some_and(|(_, c)| *c == '\n') {
                rest.next();
                chars += 1;
                next += 1;
            }
            lines.push(Line {
                chars_before,
                begin,
                end: at,
            });
            (begin, chars_before) = (next, chars);
        }
        lines.push(Line {
            chars_before,
            begin,
            end: text.len(),
        });
        Self {
            text: text.to_owned(),
            file_name: file_name.to_owned(),
            lines,
        }
    }

    /// Makes a message that points at the characters `at`; those beyond the first line are left out.
    pub(crate) fn point(
        &self,
        at: &Range<usize>,
        code: Code,
        message: String,
        hint: Option<String>,
    ) -> Diagnostic {
        let index = self.line_of(at) - 1;
        let line = self.lines[index];
        let text = &self.text[line.begin..line.end];
        let length = text.chars().count();
        // The end of a file that has no last token is pointed at just after its last character.
        let offset = at.start.saturating_sub(line.chars_before).min(length);
        let span_len = at.len().clamp(1, (length - offset).max(1));
        let (skipped, shown) = window(text, length, offset);
        Diagnostic {
            code,
            message: harmless(&message),
            hint: hint.map(|hint| hint.lines().map(harmless).collect::<Vec<_>>().join("\n")),
            file_name: harmless(&self.file_name),
            line: index + 1,
            column: offset + 1,
            span_len,
            line_text: shown,
            line_text_begin: skipped + 1,
        }
    }

    /// Returns the number of the line that a token begins on, from 1.
    pub(crate) fn line_of(&self, at: &Range<usize>) -> usize {
        self.lines
            .partition_point(|line| line.chars_before <= at.start)
            .max(1)
    }
}

/// Takes out what a terminal would act on: messages quote the user's text and the file's name.
fn harmless(text: &str) -> String {
    text.replace(livery_units::text::is_control, "\u{fffd}")
}

/// Cuts the part to show out of a long line; returns how many characters come before it.
fn window(text: &str, length: usize, offset: usize) -> (usize, String) {
    if length <= SHOWN_MAX {
        return (0, text.to_owned());
    }
    let skipped = offset.saturating_sub(SHOWN_BEFORE).min(length - SHOWN_MAX);
    let shown = text.chars().skip(skipped).take(SHOWN_MAX).collect();
    (skipped, shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(text: &str, at: Range<usize>) -> (usize, usize, usize, String) {
        let found = Source::new(text, "f").point(&at, Code::Syntax, String::new(), None);
        (found.line, found.column, found.span_len, found.line_text)
    }

    #[test]
    fn every_line_break_counts_and_none_is_shown() {
        let text = "ab\ncd\r\nef\rgh";
        assert_eq!(place(text, 0..2), (1, 1, 2, "ab".to_owned()));
        assert_eq!(place(text, 3..5), (2, 1, 2, "cd".to_owned()));
        assert_eq!(place(text, 8..9), (3, 2, 1, "ef".to_owned()));
        assert_eq!(place(text, 10..12), (4, 1, 2, "gh".to_owned()));
        assert_eq!(place(text, 99..100), (4, 3, 1, "gh".to_owned()));
        assert_eq!(place("", 0..0), (1, 1, 1, String::new()));
    }

    #[test]
    fn a_span_ends_with_its_line() {
        assert_eq!(place("a: b\nc", 3..6), (1, 4, 1, "a: b".to_owned()));
    }

    #[test]
    fn characters_are_counted_and_not_bytes() {
        assert_eq!(place("é: ü", 3..4), (1, 4, 1, "é: ü".to_owned()));
    }

    #[test]
    fn a_long_line_is_shown_around_the_token() {
        let text = format!("{}X{}", "a".repeat(500), "b".repeat(500));
        let found = Source::new(&text, "f").point(&(500..501), Code::Syntax, String::new(), None);
        assert_eq!((found.column, found.line_text_begin), (501, 441));
        assert_eq!(found.line_text.chars().count(), SHOWN_MAX);
        assert_eq!(found.line_text.chars().nth(501 - 441), Some('X'));
    }

    #[test]
    fn bytes_that_are_no_text_are_pointed_at() {
        assert_eq!(decode("run: é".as_bytes(), "f"), Ok("run: é"));
        let found = decode(b"name: a\nrun: \xff", "f").unwrap_err();
        assert_eq!((found[0].line, found[0].column), (2, 6));
        assert_eq!(found[0].code, Code::NotText);
    }
}
