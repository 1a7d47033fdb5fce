//! The market: what every provider asks, how offers are searched, and what a job will cost.
//!
//! All of it is pure. The figures come from the catalogue's data files and from suppliers' live
//! offers; here they are looked up, filtered, sorted, added up and compared.

mod advise;
mod catalogue;
mod comparison;
mod estimate;
mod filter;
mod memory;
mod order;
mod purchase;
mod quote;
mod region;
mod row;
mod shelf;
mod sort;
mod terms;

pub use advise::{Advice, Here, Method, Params, ParseParamsError, Task, ThisMachine, advise};
pub use catalogue::{
    Alias, Catalogue, Covers, GpuType, Listing, ParseTflopsError, Sale, Tflops, is_dated,
};
pub use comparison::{Comparison, Known, Line, SESSIONS, Session, saving_percent, session_costs};
pub use estimate::{Estimate, EstimateError, SpotRisk, Unknown, Work, estimate};
pub use filter::{
    FIELDS, Field, FieldInfo, Filter, FilterError, FilterErrors, Kind, Untold, closest,
    is_same_supplier,
};
pub use memory::{Measure, Need, Part, Spread};
pub use order::{Direction, Order};
pub use purchase::{BreakEven, BuyOrRent, Cheaper, Power, Purchase, Usage, buy_or_rent};
pub use quote::{Origin, Quote};
pub use row::{Row, RowMaker, Standing, nominal_vram, usable_vram};
pub use shelf::Shelf;
pub use terms::{Interruptions, Terms};
