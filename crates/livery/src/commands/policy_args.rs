//! The options that say when a pod ends by itself, the same for every command that has them.

use crate::failure::Failure;
use livery_api::dto::{Idle, Policy};
use livery_domain::pod::IdleAction;
use livery_units::{Money, Span};
use std::str::FromStr;

/// When a pod ends by itself; `none` takes a limit away.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct PolicyArgs {
    /// Stop it this long after it came up, such as 2h; `none` for never
    #[arg(long, value_name = "SPAN", value_parser = or_none::<Span>)]
    stop_after: Option<Limit<Span>>,
    /// Terminate it this long after it was created, such as 8h; `none` for never
    #[arg(long, value_name = "SPAN", value_parser = or_none::<Span>)]
    terminate_after: Option<Limit<Span>>,
    /// Terminate it before it has cost more than this, disks included; `none` for no limit
    #[arg(long, value_name = "DOLLARS", value_parser = or_none::<Money>)]
    max_cost: Option<Limit<Money>>,
    /// When nobody has used it for so long, do what --idle-action says; `none` for what the account
    /// has settled
    #[arg(long, value_name = "SPAN", value_parser = or_none::<Span>)]
    idle_after: Option<Limit<Span>>,
    /// What to do with an idle pod: remind, stop or terminate [default: stop]
    #[arg(long, value_name = "ACTION")]
    idle_action: Option<IdleAction>,
}

/// A limit, or that there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Limit<T> {
    None,
    Of(T),
}

impl<T> Limit<T> {
    fn into_option(self) -> Option<T> {
        match self {
            Self::None => None,
            Self::Of(value) => Some(value),
        }
    }
}

fn or_none<T: FromStr<Err: std::fmt::Display>>(text: &str) -> Result<Limit<T>, String> {
    // Accounts' settings say `off`.
    if ["none", "off"].contains(&text) {
        return Ok(Limit::None);
    }
    let value = text.parse::<T>().map_err(|error| error.to_string())?;
    Ok(Limit::Of(value))
}

impl PolicyArgs {
    /// Returns whether nothing was said.
    pub fn is_empty(&self) -> bool {
        self.stop_after.is_none()
            && self.terminate_after.is_none()
            && self.max_cost.is_none()
            && self.idle_after.is_none()
            && self.idle_action.is_none()
    }

    /// Returns a policy changed by what was said.
    ///
    /// # Errors
    /// When there is an action for an idle pod and no time after which it is idle.
    pub fn change(&self, policy: Policy) -> Result<Policy, Failure> {
        let millis = |limit: Limit<Span>| limit.into_option().map(Span::millis);
        Ok(Policy {
            idle: self.idle(policy.idle)?,
            stop_after_ms: self.stop_after.map_or(policy.stop_after_ms, millis),
            terminate_after_ms: self
                .terminate_after
                .map_or(policy.terminate_after_ms, millis),
            max_cost: self.max_cost.map_or(policy.max_cost, Limit::into_option),
        })
    }

    fn idle(&self, before: Option<Idle>) -> Result<Option<Idle>, Failure> {
        let action = self
            .idle_action
            .or(before.map(|idle| idle.action))
            .unwrap_or(IdleAction::Stop);
        let after_ms = match (self.idle_after, before) {
            (Some(Limit::None), _) => return Ok(None),
            (Some(Limit::Of(after)), _) => after.millis(),
            (None, Some(before)) => before.after_ms,
            (None, None) if self.idle_action.is_some() => {
                return Err(Failure::mistake("--idle-action says nothing by itself")
                    .hint("say when a pod is idle too: `--idle-after 30m`"));
            }
            (None, None) => return Ok(None),
        };
        Ok(Some(Idle { after_ms, action }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_named_stays_as_it_is() {
        let before = Policy {
            idle: Some(Idle {
                after_ms: 60_000,
                action: IdleAction::Remind,
            }),
            stop_after_ms: Some(1_000),
            terminate_after_ms: None,
            max_cost: Some(Money::from_nanos(5)),
        };
        assert_eq!(PolicyArgs::default().change(before).unwrap(), before);
        let args = PolicyArgs {
            stop_after: Some(or_none("none").unwrap()),
            terminate_after: Some(or_none("2h").unwrap()),
            idle_action: Some(IdleAction::Terminate),
            ..PolicyArgs::default()
        };
        let after = args.change(before).unwrap();
        assert_eq!(after.stop_after_ms, None);
        assert_eq!(after.terminate_after_ms, Some(7_200_000));
        assert_eq!(after.max_cost, before.max_cost);
        let idle = after.idle.unwrap();
        assert_eq!(
            (idle.after_ms, idle.action),
            (60_000, IdleAction::Terminate)
        );
    }

    #[test]
    fn an_action_without_a_time_is_refused() {
        let args = PolicyArgs {
            idle_action: Some(IdleAction::Stop),
            ..PolicyArgs::default()
        };
        assert!(args.change(Policy::default()).is_err());
        let timed = PolicyArgs {
            idle_after: Some(or_none("30m").unwrap()),
            ..PolicyArgs::default()
        };
        let idle = timed.change(Policy::default()).unwrap().idle.unwrap();
        assert_eq!((idle.after_ms, idle.action), (1_800_000, IdleAction::Stop));
    }
}
