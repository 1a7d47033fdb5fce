//! Accounts as they travel: what they have, what is settled for them, and vouchers.

use super::{AmountOrNone, SizeOrNone, TokenCreated};
use crate::text;
use livery_domain::account::SpendingLimits;
use livery_domain::pod::IdleAction;
use livery_units::{AccountId, Bytes, Money, Timestamp};
use serde::{Deserialize, Serialize};
use std::fmt;

/// An account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Its id.
    #[serde(with = "text")]
    pub id: AccountId,
    /// Shown to people.
    pub name: String,
    /// When it was made.
    #[serde(with = "text::millis")]
    pub created: Timestamp,
    /// Whether it may owe.
    pub credit: CreditKind,
    /// Since when it has no credit left; none while it has.
    #[serde(with = "text::millis_option")]
    pub out_since: Option<Timestamp>,
    /// What it can spend, as it is in the books; below zero when it owes.
    #[serde(with = "text::dollars")]
    pub balance: Money,
    /// What is held for its pods, as it is in the books.
    #[serde(with = "text::dollars")]
    pub held: Money,
    /// Bytes of files that it keeps at this control plane, as they are before compression.
    #[serde(with = "text::size")]
    pub content: Bytes,
    /// What is settled for it.
    pub settings: AccountSettings,
}

/// Whether an account may owe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CreditKind {
    /// It spends what was paid before.
    Prepaid,
    /// It is the control plane's owner's, and may owe.
    Owner,
}

/// What is settled for an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountSettings {
    /// The most that it may spend in a day, in UTC, as its own user has set it.
    #[serde(with = "text::dollars_option")]
    pub limit_day: Option<Money>,
    /// The most that it may spend in a month, in UTC, as its own user has set it.
    #[serde(with = "text::dollars_option")]
    pub limit_month: Option<Money>,
    /// The same per day as the control plane's owner has set it; the lower of both holds.
    #[serde(with = "text::dollars_option")]
    pub owner_limit_day: Option<Money>,
    /// The same per month as the control plane's owner has set it; the lower of both holds.
    #[serde(with = "text::dollars_option")]
    pub owner_limit_month: Option<Money>,
    /// Below which balance its user is warned.
    #[serde(with = "text::dollars_option")]
    pub low_balance: Option<Money>,
    /// How long volumes are kept without credit, in milliseconds.
    pub grace_ms: u64,
    /// Whether it tops itself up.
    pub auto_pay: AutoPay,
    /// The most that auto-pay may come to in a month; none when it is not allowed.
    #[serde(with = "text::dollars_option")]
    pub auto_pay_cap: Option<Money>,
    /// For pods that have no idle policy of their own.
    pub idle: IdleRule,
    /// The most bytes of files that it may keep at the control plane; none for as many as the disk
    /// takes.
    #[serde(with = "text::size_option")]
    pub content_quota: Option<Bytes>,
}

impl AccountSettings {
    /// Returns the limits that hold: the lower of its user's and of the owner's.
    pub fn limits_in_force(&self) -> SpendingLimits {
        let settings = livery_domain::account::AccountSettings {
            limits: SpendingLimits {
                day: self.limit_day,
                month: self.limit_month,
            },
            allowed: SpendingLimits {
                day: self.owner_limit_day,
                month: self.owner_limit_month,
            },
            ..Default::default()
        };
        settings.limits_in_force()
    }
}

/// Whether an account tops itself up when its balance is low.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "state", deny_unknown_fields)]
pub enum AutoPay {
    /// It does not.
    Off,
    /// It does.
    On {
        /// By how much at a time.
        #[serde(with = "text::dollars")]
        amount: Money,
        /// Below which balance.
        #[serde(with = "text::dollars")]
        below: Money,
    },
}

/// What happens to pods that nobody uses and that have no policy of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "state", deny_unknown_fields)]
pub enum IdleRule {
    /// Nothing.
    Off,
    /// This.
    On {
        /// After how long, in milliseconds.
        after_ms: u64,
        /// `remind`, `stop` or `terminate`.
        #[serde(with = "text")]
        action: IdleAction,
    },
}

/// What is to be settled; what is left out stays as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AccountChange {
    /// The most per day; when the control plane's owner sets it for another account, its user cannot
    /// lift it.
    #[serde(with = "text::option", skip_serializing_if = "Option::is_none")]
    pub limit_day: Option<AmountOrNone>,
    /// The most per month, likewise.
    #[serde(with = "text::option", skip_serializing_if = "Option::is_none")]
    pub limit_month: Option<AmountOrNone>,
    /// Below which balance its user is warned.
    #[serde(with = "text::option", skip_serializing_if = "Option::is_none")]
    pub low_balance: Option<AmountOrNone>,
    /// How long volumes are kept without credit, in milliseconds; for the control plane's owner.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grace_ms: Option<u64>,
    /// Whether it tops itself up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auto_pay: Option<AutoPay>,
    /// The most that auto-pay may come to in a month; for the control plane's owner.
    #[serde(with = "text::option", skip_serializing_if = "Option::is_none")]
    pub auto_pay_cap: Option<AmountOrNone>,
    /// For pods that have no idle policy of their own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idle: Option<IdleRule>,
    /// The most bytes of files that it may keep at the control plane; for the control plane's owner.
    #[serde(with = "text::option", skip_serializing_if = "Option::is_none")]
    pub content_quota: Option<SizeOrNone>,
}

/// All accounts.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct AccountList {
    /// The accounts, the oldest first.
    pub accounts: Vec<Account>,
}

/// An account to make.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewAccount {
    /// Its name; no other account may have it.
    pub name: String,
}

/// An account that was made, with its first token: the only time that it is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountCreated {
    /// The account.
    pub account: Account,
    /// What its user needs over TCP.
    pub token: TokenCreated,
}

/// A top-up by the control plane's owner.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grant {
    /// How much.
    #[serde(with = "text::dollars")]
    pub amount: Money,
    /// Names the payment, such as an invoice: the same payment counts once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
}

/// What came of a top-up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Granted {
    /// Whether it is new or had been counted before.
    pub posted: PostedKind,
    /// The account as it is now.
    pub account: Account,
}

/// Whether a payment is new.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PostedKind {
    /// It is.
    New,
    /// It had been counted before, and nothing was changed.
    Before,
}

/// Vouchers to make.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewVouchers {
    /// What each is worth.
    #[serde(with = "text::dollars")]
    pub amount: Money,
    /// How many.
    pub count: u32,
    /// What they are for.
    #[serde(default)]
    pub label: String,
}

/// A voucher as it is listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Voucher {
    /// The first digits of its code's hash.
    pub id: String,
    /// What it is worth.
    #[serde(with = "text::dollars")]
    pub amount: Money,
    /// What it is for.
    pub label: String,
    /// When it was made.
    #[serde(with = "text::millis")]
    pub created: Timestamp,
    /// The account that redeemed it.
    #[serde(with = "text::option")]
    pub redeemed_by: Option<AccountId>,
    /// When it was redeemed.
    #[serde(with = "text::millis_option")]
    pub redeemed: Option<Timestamp>,
}

/// A voucher that was made: the only time that its code is shown.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VoucherCreated {
    /// The code.
    pub code: String,
    /// What it is listed as.
    pub info: Voucher,
}

impl fmt::Debug for VoucherCreated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VoucherCreated")
            .field("code", &"***")
            .field("info", &self.info)
            .finish()
    }
}

/// Vouchers that were made.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct VouchersCreated {
    /// The vouchers.
    pub vouchers: Vec<VoucherCreated>,
}

/// All vouchers.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct VoucherList {
    /// The vouchers, the oldest first.
    pub vouchers: Vec<Voucher>,
}

/// A voucher's code, to be redeemed for the caller's account.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Redeem {
    /// The code; dashes, spaces and case do not matter.
    pub code: String,
}

impl fmt::Debug for Redeem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Redeem { code: *** }")
    }
}

/// A voucher that was redeemed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Redeemed {
    /// What it was worth.
    #[serde(with = "text::dollars")]
    pub amount: Money,
    /// The account as it is now.
    pub account: Account,
}
