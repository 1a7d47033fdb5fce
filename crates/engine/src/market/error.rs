//! Why a question about prices has no answer.

use livery_domain::market::FilterErrors;
use livery_units::Day;

/// Why a question about prices has no answer.
#[derive(Debug, thiserror::Error)]
pub enum MarketError {
    /// The filter or the order has mistakes; they are rendered with carets.
    #[error("the filter or order has a mistake\n{0}")]
    Filter(FilterErrors),
    /// No type of GPU has that name.
    #[error("no type of GPU is called `{0}`")]
    UnknownGpu(String),
    /// Nobody sells what was asked about; in words.
    #[error("{0}")]
    NothingSold(String),
    /// No supplier has that name.
    #[error("no provider is called `{0}`; there are {1}")]
    UnknownSupplier(String, String),
    /// A bundle is of a day to come.
    #[error("the price list is of {released}, and today is {today}")]
    NotYet {
        /// The day that it says it was released.
        released: Day,
        /// Today, in UTC.
        today: Day,
    },
    /// The bundle was not taken.
    #[error(transparent)]
    Catalogue(#[from] livery_catalogue::Error),
}

impl MarketError {
    /// Returns the stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Filter(_) => "MKT001",
            Self::UnknownGpu(_) => "MKT002",
            Self::NothingSold(_) => "MKT003",
            Self::Catalogue(_) | Self::NotYet { .. } => "MKT004",
            Self::UnknownSupplier(..) => "MKT005",
        }
    }

    /// Returns what the user can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Filter(_) => Some("`livery offers --help` shows the filter language"),
            Self::UnknownGpu(_) => Some("`livery gpus` lists every type of GPU"),
            Self::NothingSold(_) => {
                Some("`livery offers --all` lists every price; leave something out of the question")
            }
            Self::UnknownSupplier(..) => Some("`livery catalog show` lists every provider"),
            Self::Catalogue(_) | Self::NotYet { .. } => {
                Some("the catalogue stays as it was; mend the bundle and try again")
            }
        }
    }
}
