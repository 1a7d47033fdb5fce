//! The types that travel: plain data, JSON on the wire.
//!
//! Sizes are in bytes, times in milliseconds since 1970, vCPU in thousandths, money in decimal
//! dollars as text. Unknown fields of a request are refused, unknown fields of an answer ignored.

mod estimate;
mod market;
mod offer;
mod pod;
mod run;
mod system;

pub use estimate::{Answer, Cost, Inquiry, QuoteLine, SessionCosts, SilentSupplier, WantedGpus};
pub use market::{
    BundleQuery, Catalogue, GpuList, GpuType, HourlyRange, MarketQuery, MarketRow, MarketRows,
    Provider, Seller, Standing,
};
pub use offer::{Gpus, Misfit, Offer, OfferQuery, OfferSort, Offers, Price, Unit};
pub use pod::{ExecSpec, NewPod, Pod, PodList, Stats, Which, WhichQuery, Window};
pub use run::{
    EventsQuery, LogQuery, Receipt, Results, Run, RunEvent, RunEvents, RunList, Submission,
};
pub use system::{
    Health, Ledger, NewToken, Shutdown, TaskList, TaskStatus, Token, TokenCreated, TokenList,
    Version,
};
