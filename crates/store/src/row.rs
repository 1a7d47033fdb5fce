//! Reading columns into our own types.

use crate::error::{Error, Result};
use crate::pool::Store;
use livery_units::{Money, Timestamp};
use serde::de::DeserializeOwned;
use sqlx::Row;
use sqlx::any::AnyRow;
use std::fmt::Display;
use std::str::FromStr;
use std::sync::PoisonError;

/// Which rows a listing wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Which {
    /// What has not ended.
    Live,
    /// What has ended too.
    All,
}

/// A row that cannot be read, because it is damaged or a newer program's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unread {
    /// What it is known by.
    pub id: String,
    /// Why it cannot be read, in words for the user.
    pub why: String,
}

/// Returns those rows that cannot be read.
pub(crate) fn unread<T>(rows: &[AnyRow], read: impl Fn(&AnyRow) -> Result<T>) -> Vec<Unread> {
    let unread = |row| match read(row) {
        Ok(_) => None,
        Err(error) => Some(Unread {
            id: name_of(row),
            why: error.to_string(),
        }),
    };
    rows.iter().filter_map(unread).collect()
}

impl Store {
    /// Reads the rows of a listing. One that cannot be read, because it is damaged or a newer program's,
    /// is logged and left out: it must not keep the others from what has to be done for them.
    pub(crate) fn readable<T>(
        &self,
        what: &'static str,
        rows: &[AnyRow],
        read: impl Fn(&AnyRow) -> Result<T>,
    ) -> Vec<T> {
        let mut found = Vec::with_capacity(rows.len());
        for row in rows {
            match read(row) {
                Ok(one) => found.push(one),
                Err(error) => self.left_out(what, &name_of(row), &error),
            }
        }
        found
    }

    /// Logs a row that was left out, once.
    fn left_out(&self, what: &'static str, name: &str, error: &Error) {
        let told = self.unreadable();
        let mut told = told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.insert(format!("{what} {name}: {error}")) {
            tracing::error!(row = name, %error, "a row of {what} cannot be read and is left out");
        }
    }
}

/// Returns what a row is known by.
fn name_of(row: &AnyRow) -> String {
    let names = ["id", "foreign_id", "volume_id", "notice_key", "pod_id"];
    let name = names.iter().find_map(|name| Columns(row).text(name).ok());
    name.unwrap_or_else(|| "without a name".to_owned())
}

/// A row's columns by name.
pub(crate) struct Columns<'r>(pub(crate) &'r AnyRow);

impl Columns<'_> {
    pub(crate) fn text(&self, name: &str) -> Result<String> {
        Ok(self.0.try_get(name)?)
    }

    pub(crate) fn text_option(&self, name: &str) -> Result<Option<String>> {
        Ok(self.0.try_get(name)?)
    }

    pub(crate) fn int(&self, name: &str) -> Result<i64> {
        Ok(self.0.try_get(name)?)
    }

    pub(crate) fn int_option(&self, name: &str) -> Result<Option<i64>> {
        Ok(self.0.try_get(name)?)
    }

    pub(crate) fn money(&self, name: &str) -> Result<Money> {
        Ok(Money::from_nanos(self.int(name)?))
    }

    pub(crate) fn time(&self, name: &str) -> Result<Timestamp> {
        Ok(Timestamp::from_millis(self.int(name)?))
    }

    pub(crate) fn time_option(&self, name: &str) -> Result<Option<Timestamp>> {
        Ok(self.int_option(name)?.map(Timestamp::from_millis))
    }

    /// Reads an id or a word of ours.
    pub(crate) fn parsed<T: FromStr<Err: Display>>(&self, name: &str) -> Result<T> {
        let text = self.text(name)?;
        text.parse().map_err(|error| Error::column(name, error))
    }

    pub(crate) fn parsed_option<T: FromStr<Err: Display>>(&self, name: &str) -> Result<Option<T>> {
        let text = self.text_option(name)?;
        let parsed = text.map(|text| text.parse()).transpose();
        parsed.map_err(|error| Error::column(name, error))
    }

    pub(crate) fn json<T: DeserializeOwned>(&self, name: &str) -> Result<T> {
        let text = self.text(name)?;
        serde_json::from_str(&text).map_err(|error| Error::column(name, error))
    }
}

/// Writes a value as JSON.
pub(crate) fn to_json<T: serde::Serialize>(value: &T) -> Result<String> {
    serde_json::to_string(value).map_err(|error| Error::Refused(error.to_string()))
}

/// Takes NUL characters out: PostgreSQL cannot keep them in text, and jobs may print them.
pub(crate) fn clean(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

/// Returns the milliseconds of a time that may be missing.
pub(crate) fn millis(time: Option<Timestamp>) -> Option<i64> {
    time.map(Timestamp::millis)
}
