//! The market: what every provider asks, how offers are searched, and what a job will cost.
//!
//! All of it is pure. The figures come from the catalogue's data files and from suppliers' live
//! offers; here they are looked up, filtered, sorted, added up and compared.

mod catalogue;
mod filter;
mod order;
mod region;
mod row;
mod shelf;
mod terms;

pub use catalogue::{Alias, Catalogue, GpuType, Listing, ParseTflopsError, Sale, Tflops, is_dated};
pub use filter::{FIELDS, Field, FieldInfo, Filter, FilterError, FilterErrors, Kind};
pub use order::{Direction, Order};
pub use row::{Row, RowMaker, Standing, nominal_vram};
pub use shelf::Shelf;
pub use terms::{Interruptions, Terms};
