//! Serde twins of policies and account settings, for the columns that hold them as JSON.

use crate::error::Error;
use livery_domain::account::{AccountSettings, AutoPay, SpendingLimits};
use livery_domain::pod::{IdlePolicy, PodPolicy};
use livery_domain::run::RunLimits;
use livery_units::{Bytes, Money, Span};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, Default)]
#[serde(default)]
pub(crate) struct PolicyTwin {
    idle: Option<IdleTwin>,
    stop_after_ms: Option<u64>,
    terminate_after_ms: Option<u64>,
    max_cost: Option<i64>,
}

#[derive(Serialize, Deserialize)]
struct IdleTwin {
    after_ms: u64,
    action: String,
}

impl From<&PodPolicy> for PolicyTwin {
    fn from(policy: &PodPolicy) -> Self {
        Self {
            idle: policy.idle.as_ref().map(IdleTwin::from),
            stop_after_ms: policy.stop_after.map(Span::millis),
            terminate_after_ms: policy.terminate_after.map(Span::millis),
            max_cost: policy.max_cost.map(Money::nanos),
        }
    }
}

impl TryFrom<PolicyTwin> for PodPolicy {
    type Error = Error;

    fn try_from(twin: PolicyTwin) -> Result<Self, Error> {
        Ok(Self {
            idle: twin.idle.map(IdlePolicy::try_from).transpose()?,
            stop_after: twin.stop_after_ms.map(Span::from_millis),
            terminate_after: twin.terminate_after_ms.map(Span::from_millis),
            max_cost: twin.max_cost.map(Money::from_nanos),
        })
    }
}

/// Limits of a run.
#[derive(Serialize, Deserialize, Default)]
#[serde(default)]
pub(crate) struct LimitsTwin {
    max_total: Option<i64>,
    max_hours_ms: Option<u64>,
    idle: Option<IdleTwin>,
}

impl From<&RunLimits> for LimitsTwin {
    fn from(limits: &RunLimits) -> Self {
        Self {
            max_total: limits.max_total.map(Money::nanos),
            max_hours_ms: limits.max_hours.map(Span::millis),
            idle: limits.idle.as_ref().map(IdleTwin::from),
        }
    }
}

impl TryFrom<LimitsTwin> for RunLimits {
    type Error = Error;

    fn try_from(twin: LimitsTwin) -> Result<Self, Error> {
        Ok(Self {
            max_total: twin.max_total.map(Money::from_nanos),
            max_hours: twin.max_hours_ms.map(Span::from_millis),
            idle: twin.idle.map(IdlePolicy::try_from).transpose()?,
        })
    }
}

impl From<&IdlePolicy> for IdleTwin {
    fn from(idle: &IdlePolicy) -> Self {
        Self {
            after_ms: idle.after.millis(),
            action: idle.action.to_string(),
        }
    }
}

impl TryFrom<IdleTwin> for IdlePolicy {
    type Error = Error;

    fn try_from(twin: IdleTwin) -> Result<Self, Error> {
        let action = twin.action.parse();
        Ok(Self {
            after: Span::from_millis(twin.after_ms),
            action: action.map_err(|error| Error::column("idle action", error))?,
        })
    }
}

/// An account's settings; what is missing is as a new account has it.
#[derive(Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct SettingsTwin {
    limit_day: Option<i64>,
    limit_month: Option<i64>,
    allowed_day: Option<i64>,
    allowed_month: Option<i64>,
    low_balance: Option<i64>,
    grace_ms: u64,
    auto_pay: Option<AutoPayTwin>,
    idle: Option<IdleTwin>,
    content_quota: Option<u64>,
}

#[derive(Serialize, Deserialize)]
struct AutoPayTwin {
    amount: i64,
    below: i64,
}

impl Default for SettingsTwin {
    fn default() -> Self {
        Self::from(&AccountSettings::default())
    }
}

impl From<&AccountSettings> for SettingsTwin {
    fn from(settings: &AccountSettings) -> Self {
        Self {
            limit_day: settings.limits.day.map(Money::nanos),
            limit_month: settings.limits.month.map(Money::nanos),
            allowed_day: settings.allowed.day.map(Money::nanos),
            allowed_month: settings.allowed.month.map(Money::nanos),
            low_balance: settings.low_balance.map(Money::nanos),
            grace_ms: settings.grace.millis(),
            auto_pay: match settings.auto_pay {
                AutoPay::Off => None,
                AutoPay::On { amount, below } => Some(AutoPayTwin {
                    amount: amount.nanos(),
                    below: below.nanos(),
                }),
            },
            idle: settings.idle.as_ref().map(IdleTwin::from),
            content_quota: settings.content_quota.map(Bytes::get),
        }
    }
}

impl TryFrom<SettingsTwin> for AccountSettings {
    type Error = Error;

    fn try_from(twin: SettingsTwin) -> Result<Self, Error> {
        Ok(Self {
            limits: SpendingLimits {
                day: twin.limit_day.map(Money::from_nanos),
                month: twin.limit_month.map(Money::from_nanos),
            },
            allowed: SpendingLimits {
                day: twin.allowed_day.map(Money::from_nanos),
                month: twin.allowed_month.map(Money::from_nanos),
            },
            low_balance: twin.low_balance.map(Money::from_nanos),
            grace: Span::from_millis(twin.grace_ms),
            auto_pay: twin.auto_pay.map_or(AutoPay::Off, |pay| AutoPay::On {
                amount: Money::from_nanos(pay.amount),
                below: Money::from_nanos(pay.below),
            }),
            idle: twin.idle.map(IdlePolicy::try_from).transpose()?,
            content_quota: twin.content_quota.map(Bytes::new),
        })
    }
}
