//! What an account's owner has settled for all that it rents.

use crate::pod::IdlePolicy;
use livery_units::{AccountId, Bytes, Money, Span, Timestamp};

/// Whose pod it is, as far as a host must know it: what a stranger may reach and use is less than
/// what the owner may.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Tenant {
    /// The owner of the control plane, who could do everything on its hosts by other means too.
    Owner,
    /// Another account.
    Account(AccountId),
}

/// An account's settings; [`AccountSettings::default`] is what a new account has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct AccountSettings {
    /// The most that it may spend, as its own user has set it.
    pub limits: SpendingLimits,
    /// The most that it may spend, as the owner of the control plane has set it.
    pub allowed: SpendingLimits,
    /// Below this balance its user is warned; none for never.
    pub low_balance: Option<Money>,
    /// How long volumes are kept after the balance came to nothing.
    pub grace: Span,
    /// Whether it tops itself up.
    pub auto_pay: AutoPay,
    /// For pods that have no idle policy of their own.
    pub idle: Option<IdlePolicy>,
    /// The most bytes of files that it may keep at the control plane; none for as many as the disk
    /// takes. The owner's own account has no such limit, whatever this says.
    pub content_quota: Option<Bytes>,
}

/// The most that an account may spend in a calendar day or month, in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct SpendingLimits {
    /// Per day.
    pub day: Option<Money>,
    /// Per month.
    pub month: Option<Money>,
}

/// Whose limit of an account it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LimitBy {
    /// Its user has set it, and may lift it.
    User,
    /// The owner of the control plane has set it, and nobody else may lift it.
    Owner,
}

impl AccountSettings {
    /// Returns the limits that hold: the lower of its user's and of the owner's.
    pub fn limits_in_force(&self) -> SpendingLimits {
        let lower = |one: Option<Money>, other: Option<Money>| match (one, other) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
        SpendingLimits {
            day: lower(self.limits.day, self.allowed.day),
            month: lower(self.limits.month, self.allowed.month),
        }
    }
}

/// Whether an account tops itself up when its balance is low.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AutoPay {
    /// It does not.
    Off,
    /// It does, within what the owner of the control plane allows it per month.
    On {
        /// By how much at a time.
        amount: Money,
        /// Below which balance.
        below: Money,
    },
}

/// Whether an account has credit left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Standing {
    /// It has, or it may owe.
    Good,
    /// It has none: nothing of it runs, and what it keeps is not charged and will be deleted.
    Out {
        /// Since when.
        since: Timestamp,
    },
}

impl Default for AccountSettings {
    fn default() -> Self {
        Self {
            limits: SpendingLimits::default(),
            allowed: SpendingLimits::default(),
            low_balance: Some(Money::from_nanos(5_000_000_000)),
            grace: Span::from_secs(7 * 86_400),
            auto_pay: AutoPay::Off,
            idle: None,
            content_quota: Some(Bytes::gib(100)),
        }
    }
}
