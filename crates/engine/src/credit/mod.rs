//! Credit: who may spend, what is done for accounts whose money runs short, and how it is topped up.

mod accounts;
mod error;
mod facade;
mod facts;
mod months;
mod notices;
mod obey;
mod runs;
mod sheet;
mod spend;
mod statement;
mod vouchers;

pub use accounts::{Authority, SettingsChange};
pub use error::{CreditError, TOP_UP_MIN};
pub use facade::Earner;
pub(crate) use facts::used;
pub(crate) use obey::see_to_all;
pub(crate) use runs::{out_of_time, tell as tell_run, why_ended};
pub use sheet::{BalanceSheet, Spending, SpentOn};
pub(crate) use spend::{may_spend, may_start, pod_hourly};
pub use statement::{More, PAGE_MAX, Statement, StatementQuery};
pub use vouchers::NewVoucher;
