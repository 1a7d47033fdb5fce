//! One mistake, and how it is shown.

use crate::code::Code;
use std::fmt::Write;
use unicode_width::UnicodeWidthChar;

/// A mistake in a job file, with the place that it is at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// Its kind.
    pub code: Code,
    /// What is wrong, and what was expected.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// The file, as the user named it.
    pub file_name: String,
    /// Counts from 1.
    pub line: usize,
    /// Counts characters from 1.
    pub column: usize,
    /// How many characters the token has on this line; at least 1.
    pub span_len: usize,
    /// The line without its line break; of a very long line, the part around the token.
    pub line_text: String,
    /// Column of the first character of `line_text`; 1 unless the line is very long.
    pub line_text_begin: usize,
}

impl Diagnostic {
    /// Returns the message as users see it, without colours and without a last line break.
    ///
    /// ```text
    /// job.yaml:3:3: error[JOB010]: `accelerator` is not a key of `resources`
    ///   |
    /// 3 |   accelerator: RTX4090:1
    ///   |   ^^^^^^^^^^^
    ///   = help: did you mean `accelerators`?
    /// ```
    pub fn render(&self) -> String {
        let number = self.line.to_string();
        let gutter = " ".repeat(number.len());
        let before = self.column.saturating_sub(self.line_text_begin);
        let (line, caret_at, caret_len) = self.laid_out(before);
        let mut out = format!(
            "{}:{}:{}: error[{}]: {}\n{gutter} |\n{number} | {line}\n{gutter} | {}{}",
            self.file_name,
            self.line,
            self.column,
            self.code,
            self.message,
            " ".repeat(caret_at),
            "^".repeat(caret_len),
        );
        if let Some(hint) = &self.hint {
            // Writing to a String cannot fail.
            let _ = write!(out, "\n{gutter} = help: {hint}");
        }
        out
    }

    /// Returns the line with nothing in it that a terminal would act on, and where the caret is.
    fn laid_out(&self, before: usize) -> (String, usize, usize) {
        let mut line = String::new();
        let (mut caret_at, mut caret_len) = (0, 0);
        for (index, c) in self.line_text.chars().enumerate() {
            let shown = match c {
                '\t' => ' ',
                c if livery_units::text::is_control(c) => '\u{fffd}',
                c => c,
            };
            line.push(shown);
            let width = shown.width().unwrap_or(0);
            if index < before {
                caret_at += width;
            } else if index < before + self.span_len {
                caret_len += width;
            }
        }
        (line, caret_at, caret_len.max(1))
    }
}

/// Returns all messages, an empty line between each two.
pub fn render_all(diagnostics: &[Diagnostic]) -> String {
    let rendered: Vec<String> = diagnostics.iter().map(Diagnostic::render).collect();
    rendered.join("\n\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(line_text: &str, column: usize, span_len: usize) -> Vec<String> {
        let diagnostic = Diagnostic {
            code: Code::BadValue,
            message: "no".to_owned(),
            hint: None,
            file_name: "f".to_owned(),
            line: 10,
            column,
            span_len,
            line_text: line_text.to_owned(),
            line_text_begin: 1,
        };
        diagnostic
            .render()
            .lines()
            .skip(2)
            .map(str::to_owned)
            .collect()
    }

    #[test]
    fn the_caret_is_under_the_token_also_after_wide_letters_and_tabs() {
        assert_eq!(at("a: 你好 x", 7, 1), ["10 | a: 你好 x", "   |         ^"]);
        assert_eq!(at("a: 你好", 4, 2), ["10 | a: 你好", "   |    ^^^^"]);
        assert_eq!(at("a\tb", 3, 1), ["10 | a b", "   |   ^"]);
    }

    #[test]
    fn nothing_reaches_the_terminal_that_it_would_act_on() {
        assert_eq!(at("a\u{1b}[2Jb", 1, 1)[0], "10 | a\u{fffd}[2Jb");
    }
}
