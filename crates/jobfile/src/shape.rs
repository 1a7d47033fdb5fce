//! What values a key takes, and the check that a value is one of them.

use crate::code::Code;
use crate::read::Findings;
use crate::tree::{Data, Node, Type};

/// What values a key takes. Limits of texts (sizes, durations, paths) are in `read`.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Shape {
    /// Text; what YAML takes for a number or a switch must be quoted.
    Text,
    /// A whole number from the first to the second.
    Integer(i64, i64),
    /// Any number.
    Number,
    /// `true` or `false`.
    Switch,
    /// No value: the key alone.
    Nothing,
    /// One of these words.
    Word(&'static [&'static str]),
    /// A list, every item of which has this shape.
    List(&'static Shape),
    /// A mapping whose keys are the user's own and whose values have this shape.
    Map(&'static Shape),
    /// A mapping whose keys are in a table; behind a function, because a table may lead to itself.
    Table(fn() -> &'static Table),
    /// A mapping that SkyPilot takes here: always an error, of this kind, message and hint.
    Refused(Code, &'static str, &'static str),
    /// Any of these.
    OneOf(&'static [Shape]),
}

/// The most items of a list, and entries of a mapping with the user's own keys.
pub(crate) const ITEMS_MAX: usize = 1_000;

/// The keys that a mapping may have.
#[derive(Debug)]
pub(crate) struct Table {
    /// How messages call the mapping: `resources`.
    pub(crate) name: &'static str,
    /// What it is, for editors.
    pub(crate) doc: &'static str,
    /// The keys, in the order in which people write them.
    pub(crate) keys: &'static [Key],
    /// Keys without which there is nothing to do.
    pub(crate) needed: &'static [&'static str],
    /// Keys that SkyPilot knows here and Livery does not, each with what to do instead.
    pub(crate) foreign: &'static [(&'static str, &'static str)],
    /// Words that people write and the keys that they mean.
    pub(crate) meant: &'static [(&'static str, &'static str)],
}

/// A key.
#[derive(Debug)]
pub(crate) struct Key {
    /// As it is written.
    pub(crate) name: &'static str,
    /// What values it takes.
    pub(crate) shape: Shape,
    /// What it means, for editors.
    pub(crate) doc: &'static str,
    /// Values as a user writes them; every one of them is read by a test.
    pub(crate) examples: &'static [&'static str],
}

impl Shape {
    /// Returns whether the value has this shape, as far as its own type goes.
    fn has_type(&self, node: &Node) -> bool {
        let type_ = match &node.data {
            Data::List(_) => return self.is_list(),
            Data::Map(_) => return self.is_map(),
            Data::Scalar(scalar) => scalar.type_,
        };
        match self {
            Self::Text | Self::Word(_) => type_ == Type::Text,
            Self::Integer(..) => type_ == Type::Integer,
            Self::Number => matches!(type_, Type::Integer | Type::Number),
            Self::Switch => type_ == Type::Switch,
            Self::Nothing => type_ == Type::Nothing,
            Self::List(_) | Self::Map(_) | Self::Table(_) | Self::Refused(..) => false,
            Self::OneOf(shapes) => shapes.iter().any(|shape| shape.has_type(node)),
        }
    }

    fn is_list(&self) -> bool {
        match self {
            Self::List(_) => true,
            Self::OneOf(shapes) => shapes.iter().any(Self::is_list),
            Self::Text | Self::Integer(..) | Self::Number | Self::Switch | Self::Nothing => false,
            Self::Word(_) | Self::Map(_) | Self::Table(_) | Self::Refused(..) => false,
        }
    }

    fn is_map(&self) -> bool {
        match self {
            Self::Map(_) | Self::Table(_) | Self::Refused(..) => true,
            Self::OneOf(shapes) => shapes.iter().any(Self::is_map),
            Self::Text | Self::Integer(..) | Self::Number | Self::Switch | Self::Nothing => false,
            Self::Word(_) | Self::List(_) => false,
        }
    }

    pub(crate) fn is_refused(&self) -> bool {
        matches!(self, Self::Refused(..))
    }

    /// Says what is expected, for messages: "a whole number or text".
    fn expected(&self) -> String {
        match self {
            Self::Text => "text".to_owned(),
            Self::Integer(..) => "a whole number".to_owned(),
            Self::Number => "a number".to_owned(),
            Self::Switch => "true or false".to_owned(),
            Self::Nothing => "nothing".to_owned(),
            Self::Word(words) => format!("one of {}", ticked(words)),
            Self::List(_) => "a list".to_owned(),
            Self::Map(_) | Self::Table(_) | Self::Refused(..) => "a mapping".to_owned(),
            Self::OneOf(shapes) => {
                let taken = shapes.iter().filter(|shape| !shape.is_refused());
                let each: Vec<String> = taken.map(Self::expected).collect();
                each.join(" or ")
            }
        }
    }
}

/// Whether a value has the shape that its key takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fits {
    /// It has; the readers may rely on it.
    Yes,
    /// It has not, and that was reported.
    No,
}

/// Checks a value to its last item, up to mappings with tables of their own, whose readers go on.
pub(crate) fn check(shape: &Shape, node: &Node, key: &Key, findings: &mut Findings<'_>) -> Fits {
    if !shape.has_type(node) {
        wrong_type(shape, node, key, findings);
        return Fits::No;
    }
    match (shape, &node.data) {
        (Shape::OneOf(shapes), _) => match shapes.iter().find(|shape| shape.has_type(node)) {
            Some(shape) => check(shape, node, key, findings),
            None => Fits::No,
        },
        (Shape::Refused(code, message, hint), _) => {
            findings.report(*code, &node.at, (*message).to_owned(), hint);
            Fits::No
        }
        (Shape::List(_), Data::List(nodes)) if nodes.len() > ITEMS_MAX => {
            too_many(nodes.len(), node, key, findings)
        }
        (Shape::Map(_), Data::Map(entries)) if entries.len() > ITEMS_MAX => {
            too_many(entries.len(), node, key, findings)
        }
        (Shape::List(item), Data::List(nodes)) => all(nodes, item, key, findings),
        (Shape::Map(value), Data::Map(entries)) => {
            all(entries.iter().map(|e| &e.value), value, key, findings)
        }
        (Shape::Integer(min, max), Data::Scalar(scalar)) => {
            // What does not even fit into 64 bits is out of every range here.
            if scalar
                .text
                .parse::<i64>()
                .is_ok_and(|n| (*min..=*max).contains(&n))
            {
                return Fits::Yes;
            }
            let message = format!(
                "`{}` must be from {min} to {max}, but this is {node}",
                key.name
            );
            findings.report(Code::OutOfRange, &node.at, message, &example(key));
            Fits::No
        }
        (Shape::Word(words), Data::Scalar(scalar)) => {
            if words.contains(&scalar.text.as_str()) {
                return Fits::Yes;
            }
            let message = format!(
                "`{}` must be {}, but this is {node}",
                key.name,
                shape.expected()
            );
            let hint = match closest(&scalar.text, words.iter().copied()) {
                Some(word) => format!("did you mean `{word}`?"),
                None => example(key),
            };
            findings.report(Code::BadValue, &node.at, message, &hint);
            Fits::No
        }
        _ => Fits::Yes,
    }
}

/// Returns the word that was probably meant.
pub(crate) fn closest<'a>(text: &str, words: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let lower = text.to_lowercase().replace('-', "_");
    let distance = |word: &str| strsim::damerau_levenshtein(&lower, word);
    // Comparing takes the product of both lengths, so a monster of a key is not compared.
    let near = words.filter(|word| text.len() <= 2 * word.len() + 2);
    let (word, distance) = near
        .map(|word| (word, distance(word)))
        .min_by_key(|(_, d)| *d)?;
    (distance <= (word.len() / 3).max(1)).then_some(word)
}

fn too_many(count: usize, node: &Node, key: &Key, findings: &mut Findings<'_>) -> Fits {
    let message = format!(
        "`{}` has {count} entries; at most {ITEMS_MAX} are taken",
        key.name
    );
    findings.report(Code::OutOfRange, &node.at, message, "take some away");
    Fits::No
}

fn all<'a>(
    nodes: impl IntoIterator<Item = &'a Node>,
    shape: &Shape,
    key: &Key,
    findings: &mut Findings<'_>,
) -> Fits {
    let mut fits = Fits::Yes;
    for node in nodes {
        match check(shape, node, key, findings) {
            Fits::Yes => {}
            Fits::No => fits = Fits::No,
        }
    }
    fits
}

fn wrong_type(shape: &Shape, node: &Node, key: &Key, findings: &mut Findings<'_>) {
    let scalar = match &node.data {
        Data::Scalar(scalar) => Some(scalar),
        Data::List(_) | Data::Map(_) => None,
    };
    let hint = match (shape, scalar) {
        (_, Some(scalar)) if scalar.type_ == Type::Nothing => {
            format!("give it a value or take the key away; {}", example(key))
        }
        (Shape::Text, Some(scalar)) => format!("put it in quotes: \"{}\"", scalar.text),
        (Shape::Switch, Some(scalar)) => match scalar.text.to_lowercase().as_str() {
            "yes" | "on" | "y" | "1" => "write `true`".to_owned(),
            "no" | "off" | "n" | "0" => "write `false`".to_owned(),
            _ => example(key),
        },
        _ => example(key),
    };
    let message = format!(
        "`{}` takes {}, but this is {node}",
        key.name,
        shape.expected()
    );
    findings.report(Code::WrongType, &node.at, message, &hint);
}

/// Shows how the key is written.
fn example(key: &Key) -> String {
    match key.examples.first() {
        Some(value) if value.contains('\n') => {
            format!("for example:\n{}:{value}", key.name).replace('\n', "\n      ")
        }
        Some(value) => format!("for example `{}: {value}`", key.name),
        None => String::new(),
    }
}

fn ticked(words: &[&str]) -> String {
    let ticked: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    ticked.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_that_was_meant_is_found() {
        let words = ["resources", "run", "envs", "file_mounts"];
        for (text, meant) in [
            ("resource", Some("resources")),
            ("resuorces", Some("resources")),
            ("Run", Some("run")),
            ("env", Some("envs")),
            ("file-mounts", Some("file_mounts")),
            ("banana", None),
            ("r", None),
        ] {
            assert_eq!(closest(text, words.into_iter()), meant, "{text}");
        }
    }
}
