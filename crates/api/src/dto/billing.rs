//! Balances, spending, statements and earnings as they travel.

use super::Account;
use crate::text;
use livery_units::{AccountId, Day, Money, Timestamp};
use serde::{Deserialize, Serialize};

/// How an account's money stands, with what is not charged yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Balance {
    /// The account, with its books and settings.
    pub account: Account,
    /// What was used and is not charged yet.
    #[serde(with = "text::dollars")]
    pub uncharged: Money,
    /// Balance and holds less what is not charged yet.
    #[serde(with = "text::dollars")]
    pub left: Money,
    /// What everything that it has costs in an hour now.
    #[serde(with = "text::dollars")]
    pub hourly: Money,
    /// When nothing is left if all goes on so; none for never.
    #[serde(with = "text::millis_option")]
    pub empty_at: Option<Timestamp>,
    /// When what is kept for it will be deleted; none unless it is out of credit and something is.
    #[serde(with = "text::millis_option")]
    pub deletion: Option<Timestamp>,
    /// What it spent today, in UTC.
    #[serde(with = "text::dollars")]
    pub spent_day: Money,
    /// What it spent this month, in UTC.
    #[serde(with = "text::dollars")]
    pub spent_month: Money,
    /// What it topped itself up by this month.
    #[serde(with = "text::dollars")]
    pub auto_paid: Money,
}

/// Of which things the spending is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SpentOn {
    /// What exists.
    #[default]
    Living,
    /// What exists or cost something today.
    Today,
    /// What exists or cost something this month.
    Month,
}

/// A question about spending.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SpendQuery {
    /// Of which things.
    pub on: SpentOn,
}

/// What is being spent, and on what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spend {
    /// The account's whole balance.
    pub balance: Balance,
    /// What each thing costs, the dearest of now first.
    pub things: Vec<Spending>,
}

/// What one pod or network volume costs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spending {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// How it is, in one word.
    pub state: String,
    /// What it costs in an hour now.
    #[serde(with = "text::dollars")]
    pub hourly: Money,
    /// What it has cost in all.
    #[serde(with = "text::dollars")]
    pub so_far: Money,
    /// What it has cost today, in UTC.
    #[serde(with = "text::dollars")]
    pub today: Money,
    /// What it has cost this month, in UTC.
    #[serde(with = "text::dollars")]
    pub month: Money,
}

/// What the lines of a statement are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StatementBy {
    /// Each pod or volume and item on each day.
    #[default]
    Line,
    /// Each day.
    Day,
    /// Each pod or volume and item.
    Pod,
}

/// Which part of a statement is asked for; this month when no day is given.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StatementQuery {
    /// The first day.
    #[serde(with = "text::option", skip_serializing_if = "Option::is_none")]
    pub from: Option<Day>,
    /// The last day.
    #[serde(with = "text::option", skip_serializing_if = "Option::is_none")]
    pub to: Option<Day>,
    /// What its lines are for.
    pub by: StatementBy,
    /// Where the page before ended: its `next`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// How many lines at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub most: Option<u32>,
}

/// A statement, or a page of one. Opening balance and payments less charges are the closing balance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statement {
    /// Whose.
    #[serde(with = "text")]
    pub account: AccountId,
    /// The first day, in UTC.
    #[serde(with = "text")]
    pub from: Day,
    /// The last day.
    #[serde(with = "text")]
    pub to: Day,
    /// What the account had before the first day, holds included.
    #[serde(with = "text::dollars")]
    pub opening: Money,
    /// What was paid in, on every page.
    pub payments: Vec<Payment>,
    /// What was charged in all of the period.
    #[serde(with = "text::dollars")]
    pub charged: Money,
    /// What the account had after the last day, holds included.
    #[serde(with = "text::dollars")]
    pub closing: Money,
    /// The lines of this page.
    pub lines: Vec<StatementLine>,
    /// Where the next page begins; none when this is the last.
    pub next: Option<String>,
}

/// Money that was paid in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payment {
    /// The transfer in the ledger.
    pub id: String,
    /// When.
    #[serde(with = "text::millis")]
    pub at: Timestamp,
    /// How much.
    #[serde(with = "text::dollars")]
    pub amount: Money,
    /// In words.
    pub memo: String,
}

/// One line of a statement; what its grouping adds up is left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatementLine {
    /// The day.
    #[serde(with = "text::option")]
    pub day: Option<Day>,
    /// The pod or network volume.
    pub id: Option<String>,
    /// Its name.
    pub name: Option<String>,
    /// What was charged for: `compute`, `storage` or `volume`.
    pub item: Option<String>,
    /// How much.
    #[serde(with = "text::dollars")]
    pub amount: Money,
}

/// What hosts and suppliers have earned.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Earnings {
    /// One entry per book.
    pub earned: Vec<Earned>,
}

/// What a host of ours or a supplier has earned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Earned {
    /// Which of the two.
    pub kind: EarnerKind,
    /// The host's id or the supplier's name.
    pub id: String,
    /// In all.
    #[serde(with = "text::dollars")]
    pub amount: Money,
}

/// Who earns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EarnerKind {
    /// A host of ours, for its owner.
    Host,
    /// A supplier.
    Supplier,
}
