//! The filter language: `gpu_ram>=24 reliability>0.95 price<0.5 region=EU`.
//!
//! It is used the way `vastai search offers` is: conditions with blanks between them, all of which
//! must hold; `gpu_name=RTX_4090` or `gpu_name="RTX 4090"`; lists in brackets behind `in` and
//! `notin`; Vast.ai's names for fields beside our own ([`FIELDS`]). What it does its own way:
//!
//! - A mistake is reported with its place, every one of them, instead of a warning.
//! - Numbers are compared as numbers of their field's unit: `gpu_ram>=24`, `24GB` and `24576MB`
//!   are one, and so are `reliability>=0.95` and `95%`.
//! - A GPU's name is satisfied as a job's wish is: `A100` finds both sizes, `RTX 4070` no Ti.
//! - A region is matched by its words and its continent, see [`super::region`]; suppliers,
//!   machines and architectures are compared whole, without regard to case.
//! - What an offer does not tell matches nothing, neither `=` nor `!=`.

mod error;
mod field;
mod lex;
mod parse;
mod untold;
mod value;

pub use error::{FilterError, FilterErrors};
pub(super) use field::unknown;
pub use field::{FIELDS, Field, FieldInfo, Kind, closest};
pub use untold::Untold;
pub use value::is_same_supplier;
pub(crate) use value::{Value, spelled};

use super::region;
use super::row::{Key, Row};
use crate::gpu::GpuModel;
use std::fmt;

/// Conditions that must all hold. The default filter has none and lets everything through.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Filter {
    pub(super) conditions: Vec<Condition>,
}

/// One condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Condition {
    pub field: Field,
    pub test: Test,
}

/// What must be true of a field's value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Test {
    /// A number lies in a range, both ends included.
    Range(Bound),
    /// It is one of these; at least one.
    OneOf(Vec<Value>),
    /// It is none of these; at least one.
    NoneOf(Vec<Value>),
}

/// One end of a range, as it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bound {
    Below(i64),
    AtMost(i64),
    Above(i64),
    AtLeast(i64),
}

impl Filter {
    /// Reads a filter; a text without conditions lets everything through.
    ///
    /// # Errors
    /// Every mistake in the text, with its place and what to do about it.
    pub fn parse(text: &str) -> Result<Self, FilterErrors> {
        parse::filter(text)
    }

    /// Returns whether there are no conditions.
    pub fn is_empty(&self) -> bool {
        self.conditions.is_empty()
    }

    /// Returns whether there is a condition on that field.
    pub fn asks_for(&self, field: Field) -> bool {
        self.conditions
            .iter()
            .any(|condition| condition.field == field)
    }

    /// Returns the names of that kind of which a match must bear one.
    pub fn names(&self, kind: Kind) -> Vec<&str> {
        let mut names = Vec::new();
        for condition in &self.conditions {
            let Test::OneOf(values) = &condition.test else {
                continue;
            };
            if condition.field.info().kind == kind {
                names.extend(values.iter().filter_map(Value::text));
            }
        }
        names
    }

    /// Adds the conditions of another filter.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.conditions.extend(other.conditions);
        self
    }

    /// Returns whether all conditions hold for one offer.
    pub fn matches(&self, row: &Row) -> bool {
        let holds = |condition: &Condition| condition.holds(&row.key(condition.field));
        self.conditions.iter().all(holds)
    }
}

impl Condition {
    /// Returns whether it holds for that value of its field.
    fn holds(&self, key: &Key) -> bool {
        match key {
            Key::Unknown => false,
            Key::Number(number) => self.test.holds_number(*number),
            Key::Text(text) => self.test.holds_text(self.field.info().kind, text),
        }
    }
}

impl Test {
    pub(super) fn holds_number(&self, number: i64) -> bool {
        let is_it = |value: &Value| *value == Value::Number(number);
        match self {
            Self::Range(bound) => {
                let (least, most) = bound.ends();
                (least..=most).contains(&number)
            }
            Self::OneOf(values) => values.iter().any(is_it),
            Self::NoneOf(values) => !values.iter().any(is_it),
        }
    }

    pub(super) fn holds_text(&self, kind: Kind, text: &str) -> bool {
        let is_it = |value: &Value| match value {
            Value::Number(_) => false,
            Value::Text(wanted) => is_named(kind, text, wanted),
        };
        match self {
            Self::Range(_) => false,
            Self::OneOf(values) => values.iter().any(is_it),
            Self::NoneOf(values) => !values.iter().any(is_it),
        }
    }
}

fn is_named(kind: Kind, text: &str, wanted: &str) -> bool {
    match kind {
        Kind::Model => GpuModel::parse(text).satisfies(&GpuModel::parse(wanted)),
        Kind::Region => region::lies_in(text, wanted),
        _ => spelled(kind, text) == wanted,
    }
}

impl Bound {
    /// Returns the least and the most that lies in it. The very least number stands for unknown.
    pub(super) fn ends(self) -> (i64, i64) {
        match self {
            Self::Below(end) => (i64::MIN + 1, end.saturating_sub(1)),
            Self::AtMost(end) => (i64::MIN + 1, end),
            Self::Above(end) => (end.saturating_add(1), i64::MAX),
            Self::AtLeast(end) => (end.max(i64::MIN + 1), i64::MAX),
        }
    }
}

/// Prints the filter so that it is read as the same again.
impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, condition) in self.conditions.iter().enumerate() {
            let gap = if index > 0 { " " } else { "" };
            write!(f, "{gap}{condition}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = self.field.info().kind;
        let show = |value: &Value| value::print(kind, value);
        let list = |values: &[Value]| values.iter().map(show).collect::<Vec<_>>().join(",");
        let number = |end: i64| show(&Value::Number(end));
        let test = match &self.test {
            Test::Range(Bound::Below(end)) => format!("<{}", number(*end)),
            Test::Range(Bound::AtMost(end)) => format!("<={}", number(*end)),
            Test::Range(Bound::Above(end)) => format!(">{}", number(*end)),
            Test::Range(Bound::AtLeast(end)) => format!(">={}", number(*end)),
            Test::OneOf(values) => match values.as_slice() {
                [one] => format!("={}", show(one)),
                several => format!(" in [{}]", list(several)),
            },
            Test::NoneOf(values) => match values.as_slice() {
                [one] => format!("!={}", show(one)),
                several => format!(" notin [{}]", list(several)),
            },
        };
        write!(f, "{}{test}", self.field.name())
    }
}
