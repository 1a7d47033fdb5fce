//! Reading columns into our own types.

use crate::error::{Error, Result};
use livery_units::{Money, Timestamp};
use serde::de::DeserializeOwned;
use sqlx::Row;
use sqlx::any::AnyRow;
use std::fmt::Display;
use std::str::FromStr;

/// Which rows a listing wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Which {
    /// What has not ended.
    Live,
    /// What has ended too.
    All,
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
