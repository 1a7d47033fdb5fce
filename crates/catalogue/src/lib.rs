//! Floor 2: the price list of every provider.
//!
//! The list is data: one TOML file with every type of GPU, and one for each provider, under `data/`.
//! They are part of the program, and put one after the other they are a [bundle](Bundle): one file
//! that can be exported, edited, checked by its checksum, and taken in place of the built-in list.
//!
//! Reading is strict. An unknown key, a row that stands twice, a day that the calendar has not, a
//! negative price or a price of an unknown GPU has the whole list rejected, with every mistake at its
//! file and line: a price list that was half read is worse than an old one.

mod bundle;
mod check;
mod error;
mod price;
mod providers;
mod read;
mod shape;

pub use bundle::{BUNDLE_BYTES_MAX, Bundle, Checksum};
pub use error::{Error, Mistake};
pub use read::{PriceList, TypicalRange, read};

use std::sync::{Arc, OnceLock};

/// The built-in files by name, in the order in which they make a bundle.
const FILES: [(&str, &str); 8] = [
    ("gpus.toml", include_str!("../data/gpus.toml")),
    ("aws.toml", include_str!("../data/aws.toml")),
    ("gcp.toml", include_str!("../data/gcp.toml")),
    ("lambda.toml", include_str!("../data/lambda.toml")),
    ("vast.toml", include_str!("../data/vast.toml")),
    ("paperspace.toml", include_str!("../data/paperspace.toml")),
    ("runpod.toml", include_str!("../data/runpod.toml")),
    ("local.toml", include_str!("../data/local.toml")),
];

/// Returns the built-in list; it is read at the first call.
///
/// # Errors
/// [`Error::Rejected`] when the built-in files have mistakes, which a test rules out.
pub fn built_in() -> Result<Arc<PriceList>, Error> {
    static LIST: OnceLock<Result<Arc<PriceList>, Error>> = OnceLock::new();
    LIST.get_or_init(|| read(&FILES).map(Arc::new)).clone()
}
