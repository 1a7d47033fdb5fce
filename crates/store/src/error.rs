//! What the store answers instead of what it was asked.

use livery_units::Money;

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
    /// The database cannot be reached or cannot write now; trying again may help.
    #[error("the database cannot be used now: {0}")]
    Unavailable(String),
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

/// SQLite's primary codes.
const SQLITE_CORRUPT: i64 = 11;
const SQLITE_NOTADB: i64 = 26;

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        use sqlx::error::ErrorKind;
        let database = match &error {
            sqlx::Error::RowNotFound => return Self::NotFound,
            sqlx::Error::Database(database) => database,
            sqlx::Error::ColumnNotFound(_)
            | sqlx::Error::ColumnDecode { .. }
            | sqlx::Error::Decode(_) => return Self::Corrupt(error.to_string()),
            _ => return Self::Unavailable(error.to_string()),
        };
        match database.kind() {
            ErrorKind::UniqueViolation => return Self::Exists,
            ErrorKind::ForeignKeyViolation => {
                return Self::Refused(
                    "what it belongs to, such as an account, a run or a pod, does not exist"
                        .to_owned(),
                );
            }
            _ => {}
        }
        let code = database.code().unwrap_or_default();
        let message = database.message();
        // PostgreSQL's internal errors have the class XX; SQLite's codes are numbers whose low byte
        // is the primary code.
        if code.starts_with("XX") {
            return Self::Corrupt(message.to_owned());
        }
        match code.parse::<i64>().map(|code| code & 0xff) {
            Ok(SQLITE_CORRUPT | SQLITE_NOTADB) => Self::Corrupt(message.to_owned()),
            Ok(_) | Err(_) => Self::Unavailable(message.to_owned()),
        }
    }
}
