//! Floor 3: everything that is kept, and all SQL.
//!
//! One SQL text serves SQLite (embedded, the default) and PostgreSQL (when several control planes
//! run). There is one locking scheme on both: compare-and-set on a row's `generation`, and claims
//! (a token with an expiry). No transaction is open while anything but SQL is awaited, and no type
//! of the SQL library is seen outside.

mod account;
mod activity;
mod book;
mod channel;
mod check;
mod claim;
mod closing;
mod count;
mod credit;
mod delivery;
mod error;
mod hold;
mod host;
mod many;
mod meter;
mod meter_due;
mod migrate;
mod notice;
mod orphan;
mod own_file;
mod plane;
mod pod;
mod policy_twin;
mod pool;
mod registry_login;
mod reminder_twin;
mod row;
mod run;
mod run_event;
mod run_note;
mod run_secret;
mod setting;
mod shortage;
mod sqlite_version;
mod statement;
mod stray;
mod task_status;
mod token;
mod transfer;
mod twin;
mod usage;
mod volume;
mod voucher;

pub use account::{Account, Credit};
pub use activity::Watched;
pub use claim::AHEAD_MOST;
pub use credit::AccountStand;
pub use delivery::{Delivery, DeliveryProblem, Tried};
pub use error::{Error, Result};
pub use hold::SpendingBound;
pub use host::HostRow;
pub use meter_due::{DueMeter, MeterMove};
pub use notice::{DeliveryRow, NoticeAdded, NoticeRow};
pub use plane::Elsewhere;
pub use pool::Store;
pub use row::{Unread, Which};
pub use statement::{Carried, Grouping, Payment, Period, StatementLine};
pub use task_status::TaskRun;
pub use token::Token;
pub use transfer::Posted;
pub use voucher::{Redeemed, Voucher};
