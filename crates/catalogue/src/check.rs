//! Collects mistakes with their places, and reads single values.

use crate::error::Mistake;
use crate::shape::Text;
use livery_domain::offer::SupplierName;
use livery_units::Day;
use std::fmt::Display;
use std::ops::Range;
use std::str::FromStr;

/// Longest text in a list: it is shown in tables.
const TEXT_CHARS_MAX: usize = 300;

/// The mistakes found so far in one file.
pub(crate) struct Checker<'a> {
    name: &'a str,
    text: &'a str,
    mistakes: Vec<Mistake>,
}

impl<'a> Checker<'a> {
    /// Begins with none.
    pub(crate) fn new(name: &'a str, text: &'a str) -> Self {
        Self {
            name,
            text,
            mistakes: Vec::new(),
        }
    }

    /// Returns what was found.
    pub(crate) fn into_mistakes(self) -> Vec<Mistake> {
        self.mistakes
    }

    /// Notes a mistake.
    pub(crate) fn wrong(&mut self, at: Range<usize>, message: impl Into<String>) {
        let before = self.text.get(..at.start).unwrap_or(self.text);
        self.mistakes.push(Mistake {
            file: self.name.to_owned(),
            line: before.matches('\n').count() + 1,
            message: message.into(),
        });
    }

    /// Reads a value by a function of its own; a mistake is noted and gives nothing.
    pub(crate) fn by<T>(
        &mut self,
        text: &Text,
        key: &str,
        read: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        match read(text.get_ref()) {
            Ok(value) => Some(value),
            Err(why) => {
                self.wrong(text.span(), format!("{key}: {why}"));
                None
            }
        }
    }

    /// Reads a value that parses by itself.
    pub(crate) fn parsed<T: FromStr<Err: Display>>(&mut self, text: &Text, key: &str) -> Option<T> {
        self.by(text, key, |text| {
            text.parse().map_err(|why| format!("{why}"))
        })
    }

    /// Reads what may be left out.
    pub(crate) fn maybe<T>(
        &mut self,
        text: Option<&Text>,
        key: &str,
        read: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        text.and_then(|text| self.by(text, key, read))
    }

    /// Reads words for people: some, on one line, and not too many.
    pub(crate) fn words(&mut self, text: &Text, key: &str) -> Option<String> {
        self.by(text, key, |text| {
            let is_bad = text.trim().is_empty()
                || text.contains(livery_units::text::is_control)
                || text.chars().count() > TEXT_CHARS_MAX;
            match is_bad {
                true => Err(format!(
                    "it has 1 to {TEXT_CHARS_MAX} characters on one line"
                )),
                false => Ok(text.to_owned()),
            }
        })
    }

    /// Reads a provider's name.
    pub(crate) fn supplier(&mut self, text: &Text) -> Option<SupplierName> {
        self.by(text, "name", |text| {
            let fits =
                |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
            match !text.is_empty() && text.len() <= 40 && text.bytes().all(fits) {
                true => Ok(SupplierName::new(text)),
                false => Err(format!(
                    "`{text}` is not a provider's name (lower-case letters, digits and dashes)"
                )),
            }
        })
    }

    /// Reads the day on which a figure stood somewhere, which cannot be after the release.
    pub(crate) fn as_of(&mut self, text: &Text, released: Option<Day>) -> Option<Day> {
        let day = self.parsed::<Day>(text, "as_of")?;
        match released {
            Some(released) if day > released => {
                let message = format!("as_of: {day} is after the release, {released}");
                self.wrong(text.span(), message);
                None
            }
            Some(_) | None => Some(day),
        }
    }
}
