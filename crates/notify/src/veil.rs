//! Keeps secrets out of what receivers answer: many of them repeat what they were asked.

use livery_web::Url;
use std::collections::BTreeSet;

/// So many characters of a secret in a row are taken for a part of it. Fewer may be a word.
const WINDOW: usize = 8;

/// A part of a path that is shorter may be a word, and gives nothing away.
const PART_LEAST: usize = 4;

/// What stands for a secret.
const MASK: &str = "***";

/// Secrets in every spelling in which an answer may have them.
#[derive(Debug, Default)]
pub(crate) struct Veil {
    /// Parts of long ones.
    windows: BTreeSet<Vec<char>>,
    /// Short ones.
    whole: BTreeSet<Vec<char>>,
}

impl Veil {
    /// Hides the path that a receiver is reached by.
    pub(crate) fn of(url: &Url) -> Self {
        let mut veil = Self::default();
        veil.hide(url.path());
        let path = url.path().split('?').next().unwrap_or_default();
        veil.hide(path);
        // The last part is the secret one of short paths.
        veil.hide(path.rsplit('/').next().unwrap_or_default());
        veil
    }

    /// Hides one more secret.
    pub(crate) fn hide(&mut self, secret: &str) {
        let plain = percent_decoded(secret);
        let spellings = [
            secret.to_owned(),
            html_escaped(secret),
            html_escaped(&plain),
            plain.replace('/', "\\/"),
            plain,
        ];
        for spelling in spellings {
            let letters: Vec<char> = folded(&spelling);
            if letters.len() >= WINDOW {
                let windows = letters.windows(WINDOW).map(<[char]>::to_vec);
                self.windows.extend(windows);
            } else if letters.len() >= PART_LEAST {
                self.whole.insert(letters);
            }
        }
    }

    /// Returns a text without the secrets.
    pub(crate) fn over(&self, text: &str) -> String {
        let letters = folded(text);
        let mut hidden = vec![false; letters.len()];
        for at in 0..letters.len() {
            let rest = &letters[at..];
            let window = rest.get(..WINDOW);
            if window.is_some_and(|window| self.windows.contains(window)) {
                hidden[at..at + WINDOW].fill(true);
            }
            for whole in self.whole.iter().filter(|whole| rest.starts_with(whole)) {
                hidden[at..at + whole.len()].fill(true);
            }
        }
        let mut shown = String::with_capacity(text.len());
        let mut before = false;
        for (letter, is_hidden) in text.chars().zip(hidden) {
            match (is_hidden, before) {
                (false, _) => shown.push(letter),
                (true, false) => shown.push_str(MASK),
                (true, true) => {}
            }
            before = is_hidden;
        }
        shown
    }
}

/// Letter by letter, so that places stay the same.
fn folded(text: &str) -> Vec<char> {
    text.chars().map(|c| c.to_ascii_lowercase()).collect()
}

fn html_escaped(text: &str) -> String {
    crate::hooks::escaped(text)
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
}

fn percent_decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let digits = text.get(at + 1..at + 3).filter(|_| *byte == b'%');
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(value) => {
                decoded.push(value);
                at += 3;
            }
            None => {
                decoded.push(*byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    fn veil(path: &str) -> Veil {
        let url = format!("https://hooks.example{path}");
        Veil::of(&Url::parse(&url).unwrap())
    }

    #[test]
    fn secrets_are_hidden_however_they_are_written() {
        let path = "/services/T00/B%3C1%26/S3CRETs3cret?key=a%20b'c";
        for (answer, shown) in [
            (
                "Cannot POST /services/T00/B%3C1%26/S3CRETs3cret?key=a%20b'c.",
                "Cannot POST ***.",
            ),
            (
                "<pre>/services/T00/B&lt;1&amp;/S3CRETs3cret</pre>",
                "<pre>***</pre>",
            ),
            (
                r#"{"path":"\/services\/T00\/B<1&\/S3CRETs3cret"}"#,
                r#"{"path":"***"}"#,
            ),
            ("unknown hook s3crets3CRET", "unknown hook ***"),
            ("cut off: S3CRETs3", "cut off: ***"),
            ("no service, é ok", "no service, é ok"),
        ] {
            assert_eq!(veil(path).over(answer), shown);
        }
    }

    #[test]
    fn a_short_secret_is_hidden_and_words_are_not() {
        let veil = veil("/topic-1");
        assert_eq!(veil.over("no topic topic-1 here"), "no topic *** here");
        let short = self::veil("/h/ab12");
        assert_eq!(
            short.over("POST /h/ab12: no ab12, habit"),
            "POST ***: no ***, habit"
        );
        assert_eq!(self::veil("/").over("a / b"), "a / b");
        assert_eq!(percent_decoded("%4"), "%4");
        assert_eq!(percent_decoded("%é%zz%41"), "%é%zzA");
    }
}
