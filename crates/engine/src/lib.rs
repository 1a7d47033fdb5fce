//! Floor 4, the waist: use-cases and the reconcilers that carry them out.
//!
//! [`Engine`] is the whole surface. A use-case reads and writes rows and returns; what takes time is
//! done by background tasks that look at rows, ask a pure function of `livery_domain` what to do,
//! and do it through a [`Supplier`](livery_supplier::Supplier) or a
//! [`Host`](livery_host_api::Host). There is no HTTP here and no concrete cloud.

mod clock;
mod content;
mod credit;
mod engine;
mod error;
mod market;
mod money;
mod orphans;
mod panic;
mod pod;
mod policy;
mod registry;
mod reminders;
mod run;
mod services;
mod tasks;
mod volume;

pub use clock::{Clock, SystemClock};
pub use content::ContentRoom;
pub use credit::{
    Authority, BalanceSheet, CreditError, Earner, More, NewVoucher, PAGE_MAX, SettingsChange,
    Spending, SpentOn, Statement, StatementQuery, TOP_UP_MIN,
};
pub use engine::{Engine, Explained, LedgerStand};
pub use error::Error;
pub use livery_host_api::{ByteStream, Follow};
pub use livery_notify::Error as NotifyError;
pub use livery_store::{
    AccountStand, Credit, DeliveryRow, Grouping, NoticeRow, Payment, Period, Posted, StatementLine,
    Token as StoredToken, Voucher, Which,
};
pub use market::{
    Advised, Answer, CatalogueOrigin, Catalogued, Entry, GpuOnSale, Inquiry, Market, MarketError,
    Search, Seller, Sought, Stance, Stand, Wanted,
};
pub use panic::{Fate, Panic, PanicReport, Thing, ThingKind, Unknown, Volumes};
pub use pod::NewPod;
pub use policy::PolicyView;
pub use reminders::{Closing, Resting, Running, Trouble};
pub use run::{Bound, Forecast};
pub use services::{Options, Peers, Plane};
pub use tasks::{TaskStatus, meters_read};
pub use volume::{NewVolume, VolumeRefusal, VolumeView};
