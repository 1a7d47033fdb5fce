//! What the store answers instead of what it was asked.

use livery_units::Money;
use sqlx::error::{DatabaseError, ErrorKind};

/// Shorthand for results of the store.
pub type Result<T> = std::result::Result<T, Error>;

/// The store could not do what was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// There is no such row.
    #[error("there is no such entry")]
    NotFound,
    /// Somebody else changed it meanwhile: read it again.
    #[error("it was changed by somebody else meanwhile")]
    Stale,
    /// There is one already.
    #[error("there is one of that id already")]
    Exists,
    /// Another pod has the network volume.
    #[error("another pod has the network volume")]
    InUse,
    /// It goes against a rule of the books, and would on every try.
    #[error("{0}")]
    Refused(String),
    /// A prepaid account has too little for a hold.
    #[error("{needed} must be held and the balance is {available}")]
    InsufficientFunds {
        /// What would be held.
        needed: Money,
        /// What there is.
        available: Money,
    },
    /// The database cannot be reached; it may be again later.
    #[error("the database cannot be used now: {0}")]
    Unavailable(String),
    /// The disk that the database is on is full.
    #[error("the database has no room: {0}")]
    Full(String),
    /// Others keep the database busy; trying again helps.
    #[error("the database is busy: {0}")]
    Busy(String),
    /// The database failed in another way.
    #[error("the database failed: {0}")]
    Failed(String),
    /// The database belongs to a newer Livery.
    #[error(
        "the database has version {found} and this Livery knows up to {known}; use the newer Livery, \
         or restore the database from before it was upgraded"
    )]
    TooNew {
        /// The version of the database.
        found: i64,
        /// The newest version that this Livery knows.
        known: i64,
    },
    /// What is at that place is no database of Livery's. Nothing of it was changed.
    #[error(
        "{place} {why}. A new database is made only where nothing is: restore yours from a backup, move \
         away what is there, or name another place"
    )]
    Foreign {
        /// Where.
        place: String,
        /// What is there instead, after the place.
        why: String,
    },
    /// This program was built with an SQLite that can lose what was committed.
    #[error(
        "this Livery was built with SQLite {found}, which can lose commits after its write-ahead log \
         was reset; build it with SQLite {least} or newer, which libsqlite3-sys bundles from 0.37 on"
    )]
    OldSqlite {
        /// The version of the library, as it calls itself.
        found: String,
        /// The first version that is repaired.
        least: String,
    },
    /// What is stored is damaged or makes no sense.
    #[error("the database is damaged: {0}")]
    Corrupt(String),
}

impl Error {
    /// Says that a column of a row holds what makes no sense.
    pub(crate) fn column(name: &str, why: impl std::fmt::Display) -> Self {
        Self::Corrupt(format!("column {name}: {why}"))
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::RowNotFound => Self::NotFound,
            sqlx::Error::Database(database) => said(database.as_ref()),
            sqlx::Error::ColumnNotFound(_)
            | sqlx::Error::ColumnDecode { .. }
            | sqlx::Error::Decode(_) => Self::Corrupt(error.to_string()),
            sqlx::Error::PoolTimedOut => {
                Self::Unavailable("no connection to it was to be had in time".to_owned())
            }
            _ => Self::Unavailable(error.to_string()),
        }
    }
}

/// Reads what a database said itself.
fn said(error: &dyn DatabaseError) -> Error {
    match error.kind() {
        ErrorKind::UniqueViolation => return Error::Exists,
        ErrorKind::ForeignKeyViolation => {
            return Error::Refused(
                "what it belongs to, such as an account, a run or a pod, does not exist".to_owned(),
            );
        }
        _ => {}
    }
    let code = error.code().unwrap_or_default();
    let message = error.message().to_owned();
    match code.parse::<i64>() {
        // PostgreSQL's codes have five characters; SQLite's are numbers.
        Ok(number) if code.len() != POSTGRES_CODE_LEN => of_sqlite(number, message),
        Ok(_) | Err(_) => of_postgres(&code, message),
    }
}

/// The low byte of SQLite's codes is the primary one.
fn of_sqlite(code: i64, message: String) -> Error {
    const BUSY: i64 = 5;
    const LOCKED: i64 = 6;
    const CORRUPT: i64 = 11;
    const FULL: i64 = 13;
    const CANNOT_OPEN: i64 = 14;
    const NOT_A_DATABASE: i64 = 26;
    match code & 0xff {
        BUSY | LOCKED => Error::Busy(message),
        CORRUPT | NOT_A_DATABASE => Error::Corrupt(message),
        FULL => Error::Full(message),
        CANNOT_OPEN => Error::Unavailable(message),
        _ => Error::Failed(message),
    }
}

const POSTGRES_CODE_LEN: usize = 5;

/// The first two characters of PostgreSQL's codes are their class.
fn of_postgres(code: &str, message: String) -> Error {
    match code {
        // It is ended, was ended, or is not up yet.
        "57P01" | "57P02" | "57P03" => Error::Unavailable(message),
        "53100" => Error::Full(message),
        // A lock was not to be had.
        "55P03" => Error::Busy(message),
        _ => match code.get(..2) {
            Some("08") => Error::Unavailable(message),
            // It lacks something, such as connections; two transactions were in each other's way.
            Some("53" | "40") => Error::Busy(message),
            // Its own mistakes.
            Some("XX") => Error::Corrupt(message),
            Some(_) | None => Error::Failed(message),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_passes_is_told_from_what_does_not() {
        type Make = fn(String) -> Error;
        let of = |make: Make| make("x".to_owned());
        for (code, wanted) in [
            (5, of(Error::Busy)),
            (517, of(Error::Busy)),
            (6, of(Error::Busy)),
            (11, of(Error::Corrupt)),
            (26, of(Error::Corrupt)),
            (13, of(Error::Full)),
            (14, of(Error::Unavailable)),
            (1, of(Error::Failed)),
            (1_299, of(Error::Failed)),
        ] {
            assert_eq!(of_sqlite(code, "x".to_owned()), wanted, "{code}");
        }
        for (code, wanted) in [
            ("57P01", of(Error::Unavailable)),
            ("57P03", of(Error::Unavailable)),
            ("08006", of(Error::Unavailable)),
            ("53100", of(Error::Full)),
            ("53300", of(Error::Busy)),
            ("40P01", of(Error::Busy)),
            ("55P03", of(Error::Busy)),
            ("XX000", of(Error::Corrupt)),
            ("42P07", of(Error::Failed)),
            ("", of(Error::Failed)),
        ] {
            assert_eq!(of_postgres(code, "x".to_owned()), wanted, "{code}");
        }
    }
}
