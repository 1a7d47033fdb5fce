//! Text that somebody else wrote: what a terminal obeys or hides must not come through it.

use std::borrow::Cow;

/// What stands for a character that must not be printed.
const MARK: char = '\u{fffd}';

/// What stands for the rest of a text that was cut.
const CUT: char = '…';

/// A character in a name that a terminal obeys instead of showing it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it has the control character U+{:04X}; use only characters that can be seen", *.0 as u32)]
pub struct ControlCharacter(pub char);

/// Returns whether a character is obeyed and not shown: ASCII's and Latin-1's control characters,
/// the marks that change the direction of writing, and Unicode's own line ends.
pub const fn is_control(c: char) -> bool {
    let obeyed = matches!(c, '\u{0}'..='\u{1f}' | '\u{7f}'..='\u{9f}');
    let turns = matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    obeyed || turns || matches!(c, '\u{2028}' | '\u{2029}')
}

/// Makes one line of at most `max` characters of a text: line ends and tabs become spaces, other
/// control characters a mark, and what is cut off is shown by `…`.
pub fn clean(text: &str, max: usize) -> String {
    let shown = |c: char| match c {
        '\n' | '\r' | '\t' => ' ',
        c if is_control(c) => MARK,
        c => c,
    };
    let text = text.trim();
    match text.chars().nth(max).is_some() {
        false => text.chars().map(shown).collect(),
        true => {
            let kept = text.chars().map(shown).take(max.saturating_sub(1));
            kept.chain([CUT]).collect()
        }
    }
}

/// Replaces the control characters of a text of several lines; line ends and tabs stay.
pub fn printable(text: &str) -> Cow<'_, str> {
    let obeyed = |c: char| is_control(c) && c != '\n' && c != '\t';
    match text.contains(obeyed) {
        false => Cow::Borrowed(text),
        true => {
            // The line end of Windows is a line end.
            let text = text.replace("\r\n", "\n");
            Cow::Owned(text.replace(obeyed, "\u{fffd}"))
        }
    }
}

/// Refuses a name, or another text of one line, that has a control character.
///
/// # Errors
/// The first such character.
pub fn refuse_control(text: &str) -> Result<(), ControlCharacter> {
    match text.chars().find(|c| is_control(*c)) {
        Some(c) => Err(ControlCharacter(c)),
        None => Ok(()),
    }
}

/// Writes an error with everything that caused it, as one line. A cause that the text has already is not
/// repeated.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            text.push_str(": ");
            text.push_str(&inner_text);
        }
        cause = inner.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terminals_are_not_steered_by_what_others_wrote() {
        let text = "\u{1b}[31mred\u{9b}2J\u{7f} \u{202e}desrever\u{2069}\n\tnext\u{2028}line";
        let shown = clean(text, 100);
        assert_eq!(
            shown,
            "\u{fffd}[31mred\u{fffd}2J\u{fffd} \u{fffd}desrever\u{fffd}  next\u{fffd}line"
        );
        assert!(!shown.contains(is_control));
        assert_eq!(printable("a\r\nb\tc\u{1b}\rd"), "a\nb\tc\u{fffd}\u{fffd}d");
        assert!(matches!(printable("Grüße\n\tплан 日本"), Cow::Borrowed(_)));
    }

    #[test]
    fn long_texts_are_cut_and_say_so() {
        assert_eq!(clean("abcdef", 6), "abcdef");
        assert_eq!(clean("abcdefg", 6), "abcde…");
        assert_eq!(clean("  ééé\n", 3), "ééé");
        assert_eq!(clean(&"x".repeat(60 << 20), 300).chars().count(), 300);
        assert_eq!(clean("ab", 0), "…");
    }

    #[test]
    fn names_with_control_characters_are_refused_with_the_character() {
        assert_eq!(refuse_control("Größe-1 日本 👩‍🔬"), Ok(()));
        let error = refuse_control("a\u{202e}b").unwrap_err();
        assert_eq!(error, ControlCharacter('\u{202e}'));
        assert!(error.to_string().contains("U+202E"), "{error}");
        assert!(refuse_control("a\u{1b}[31mb").is_err());
        assert!(refuse_control("a\nb").is_err());
    }
}
