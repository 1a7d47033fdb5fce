//! What offers are sorted by: `price,-gpu_ram`.

use super::filter::{Field, FilterError, FilterErrors, unknown};
use std::fmt;

/// Which way a field is sorted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// The least first.
    Ascending,
    /// The greatest first.
    Descending,
}

/// What offers are sorted by, the first field first; by price when nothing is said.
///
/// What an offer does not tell comes last either way. Offers that are equal in all fields keep the
/// order that they had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    pub(super) by: Vec<(Field, Direction)>,
}

impl Default for Order {
    fn default() -> Self {
        Self {
            by: vec![(Field::Price, Direction::Ascending)],
        }
    }
}

impl Order {
    /// Reads fields with commas or blanks between them. A `-` before or behind a name turns it
    /// round; a `+` says that it is meant as it is.
    ///
    /// # Errors
    /// Every mistake in the text, with its place and what to do about it.
    pub fn parse(text: &str) -> Result<Self, FilterErrors> {
        let mut by = Vec::new();
        let mut errors = Vec::new();
        for word in text.split(|c: char| c == ',' || c.is_whitespace()) {
            if word.is_empty() {
                continue;
            }
            // The words are slices of the text, so their distance is their place.
            let at = word.as_ptr() as usize - text.as_ptr() as usize;
            match field(word, at) {
                Ok((field, _)) if by.iter().any(|(other, _)| *other == field) => {}
                Ok(pair) => by.push(pair),
                Err(error) => errors.push(error),
            }
        }
        match (errors.is_empty(), by.is_empty()) {
            (true, true) => Ok(Self::default()),
            (true, false) => Ok(Self { by }),
            (false, _) => Err(FilterErrors {
                text: text.to_owned(),
                errors,
            }),
        }
    }

    /// Returns the fields, the first first.
    pub fn fields(&self) -> &[(Field, Direction)] {
        &self.by
    }
}

fn field(word: &str, at: usize) -> Result<(Field, Direction), FilterError> {
    let (direction, name) = match (word.strip_prefix('-'), word.strip_suffix('-')) {
        (Some(name), _) | (None, Some(name)) => (Direction::Descending, name),
        (None, None) => {
            let name = word.strip_prefix('+').or_else(|| word.strip_suffix('+'));
            (Direction::Ascending, name.unwrap_or(word))
        }
    };
    if name.is_empty() {
        let hint = "write the fields with commas between them: price,-gpu_ram";
        return Err(FilterError {
            at: at..at + word.len(),
            message: "a field's name is missing".to_owned(),
            hint: hint.to_owned(),
        });
    }
    let Some(field) = Field::named(name) else {
        let (message, hint) = unknown(name);
        let from = at + word.find(name).unwrap_or(0);
        return Err(FilterError {
            at: from..from + name.len(),
            message,
            hint,
        });
    };
    Ok((field, direction))
}

/// Prints the order so that it is read as the same again.
impl fmt::Display for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (field, direction)) in self.by.iter().enumerate() {
            let comma = if index > 0 { "," } else { "" };
            let sign = match direction {
                Direction::Ascending => "",
                Direction::Descending => "-",
            };
            write!(f, "{comma}{sign}{}", field.name())?;
        }
        Ok(())
    }
}
