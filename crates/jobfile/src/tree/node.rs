//! What a job file consists of.

use std::fmt;
use std::ops::Range;

/// Where a token is: characters counted from the beginning of the file.
pub(crate) type Place = Range<usize>;

/// A value with its place.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) at: Place,
    pub(crate) data: Data,
}

#[derive(Debug, Clone)]
pub(crate) enum Data {
    Scalar(Scalar),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// A key with its value.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) key_at: Place,
    pub(crate) value: Node,
}

/// A text, and what it means when it is not quoted.
#[derive(Debug, Clone)]
pub(crate) struct Scalar {
    pub(crate) text: String,
    pub(crate) type_: Type,
}

/// The types that YAML 1.2's core schema tells apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Type {
    Nothing,
    Switch,
    Integer,
    Number,
    Text,
}

impl Type {
    /// Returns what a scalar without quotes is.
    pub(crate) fn of_plain(text: &str) -> Self {
        match text {
            "" | "~" | "null" | "Null" | "NULL" => Self::Nothing,
            "true" | "True" | "TRUE" | "false" | "False" | "FALSE" => Self::Switch,
            _ if is_integer(text) => Self::Integer,
            _ if is_number(text) => Self::Number,
            _ => Self::Text,
        }
    }
}

/// Views of a node whose shape was checked; another shape looks empty.
impl Node {
    pub(crate) fn text(&self) -> &str {
        match &self.data {
            Data::Scalar(scalar) => &scalar.text,
            Data::List(_) | Data::Map(_) => "",
        }
    }

    /// The items of a list; a value that stands for a list of one is that one.
    pub(crate) fn items(&self) -> &[Node] {
        match &self.data {
            Data::List(nodes) => nodes,
            Data::Scalar(_) | Data::Map(_) => std::slice::from_ref(self),
        }
    }

    pub(crate) fn entries(&self) -> &[Entry] {
        match &self.data {
            Data::Map(entries) => entries,
            Data::Scalar(_) | Data::List(_) => &[],
        }
    }

    /// Whether there is a key without a value here.
    pub(crate) fn is_nothing(&self) -> bool {
        match &self.data {
            Data::Scalar(scalar) => scalar.type_ == Type::Nothing,
            Data::List(_) | Data::Map(_) => false,
        }
    }
}

/// Says what was found, for messages: "the number 42", "a list".
impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.data {
            Data::List(_) => f.write_str("a list"),
            Data::Map(_) => f.write_str("a mapping"),
            Data::Scalar(scalar) => match scalar.type_ {
                Type::Nothing => f.write_str("nothing"),
                Type::Switch => f.write_str(&scalar.text),
                Type::Integer | Type::Number => write!(f, "the number {}", brief(&scalar.text)),
                Type::Text => write!(f, "the text `{}`", brief(&scalar.text)),
            },
        }
    }
}

/// Shortens a user's text so that it can stand in a message of one line.
pub(crate) fn brief(text: &str) -> String {
    const SHOWN_MAX: usize = 40;
    let line = text.lines().next().unwrap_or_default();
    let shown: String = line
        .chars()
        .filter(|c| !livery_units::text::is_control(*c))
        .take(SHOWN_MAX)
        .collect();
    if shown.len() < text.trim_end().len() {
        format!("{shown}…")
    } else {
        shown
    }
}

fn is_integer(text: &str) -> bool {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())
}

/// Hexadecimal and octal are numbers too, so that they are refused as such and not sent as text.
fn is_number(text: &str) -> bool {
    let based = |prefix: &str, digits: fn(&u8) -> bool| {
        let rest = text.strip_prefix(prefix);
        rest.is_some_and(|rest| !rest.is_empty() && rest.as_bytes().iter().all(digits))
    };
    if based("0x", u8::is_ascii_hexdigit) || based("0o", u8::is_ascii_digit) {
        return true;
    }
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    if matches!(unsigned, ".inf" | ".Inf" | ".INF") || matches!(text, ".nan" | ".NaN" | ".NAN") {
        return true;
    }
    let starts = unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.');
    starts && unsigned.parse::<f64>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_scalars_are_what_yaml_1_2_says() {
        for (text, type_) in [
            ("", Type::Nothing),
            ("null", Type::Nothing),
            ("TRUE", Type::Switch),
            ("yes", Type::Text),
            ("-12", Type::Integer),
            ("0x1F", Type::Number),
            ("1e-4", Type::Number),
            (".5", Type::Number),
            ("-.inf", Type::Number),
            ("inf", Type::Text),
            ("1.2.3", Type::Text),
            ("12GB", Type::Text),
            ("-", Type::Text),
        ] {
            assert_eq!(Type::of_plain(text), type_, "{text}");
        }
    }

    #[test]
    fn long_texts_are_cut_in_messages() {
        assert_eq!(brief("short"), "short");
        assert_eq!(brief("one\ntwo\n"), "one…");
        assert_eq!(brief(&"a".repeat(100)), format!("{}…", "a".repeat(40)));
    }
}
