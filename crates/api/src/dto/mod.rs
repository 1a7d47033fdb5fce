//! The types that travel: plain data, JSON on the wire.
//!
//! Sizes are in bytes, times in milliseconds since 1970, vCPU in thousandths, money in decimal
//! dollars as text. Unknown fields of a request are refused, unknown fields of an answer ignored.

mod account;
mod advice;
mod billing;
mod estimate;
mod market;
mod offer;
mod or_none;
mod orphan;
mod panic;
mod pod;
mod policy;
mod registry;
mod reminder;
mod run;
mod system;
mod volume;

pub use account::{
    Account, AccountChange, AccountCreated, AccountList, AccountSettings, AutoPay, CreditKind,
    Grant, Granted, IdleRule, NewAccount, NewVouchers, PostedKind, Redeem, Redeemed, Voucher,
    VoucherCreated, VoucherList, VouchersCreated,
};
pub use advice::{Advice, AdviceQuestion, Machine, MemoryNeed, MemoryPart};
pub use billing::{
    Balance, Earned, EarnerKind, Earnings, Payment, Spend, SpendQuery, Spending, SpentOn,
    Statement, StatementBy, StatementLine, StatementQuery,
};
pub use estimate::{
    Answer, Cost, Forecast, ForecastQuestion, Inquiry, QuoteLine, SessionCosts, SilentSupplier,
    WantedGpus,
};
pub use market::{
    BundleQuery, Catalogue, GpuList, GpuType, HourlyRange, MarketQuery, MarketRow, MarketRows,
    Provider, Seller, Standing, TierRange, Untold, UntoldField,
};
pub use offer::{Gpus, Misfit, Offer, OfferQuery, OfferSort, Offers, Price, Unit};
pub use or_none::{AmountOrNone, SizeOrNone};
pub use orphan::{Orphan, OrphanList, StrayVolume};
pub use panic::{Fate, Panic, PanicReport, Thing, ThingKind, Unknown, Volumes};
pub use pod::{ExecSpec, NewPod, Pod, PodList, Stats, Which, WhichQuery, Window};
pub use policy::{Coming, Idle, IdleFor, Limits, Policy, PolicyView};
pub use registry::{NewRegistryLogin, RegistryLogin, RegistryLoginList};
pub use reminder::{
    Channel, ChannelList, ChannelTested, Closing, Delivery, NewChannel, NewRoute, Reminder,
    ReminderList, ReminderQuery, ReminderSettings, Resting, Running, Shown, Switch, Trouble,
};
pub use run::{
    ContentRoom, EventsQuery, LogQuery, Receipt, Results, Run, RunEvent, RunEvents, RunList,
    Submission,
};
pub use system::{
    Health, Ledger, NewToken, Shutdown, TaskList, TaskStatus, Token, TokenCreated, TokenList,
    TokenRevoked, TokenRotation, Version,
};
pub use volume::{NewVolume, Volume, VolumeList, VolumeSize};
