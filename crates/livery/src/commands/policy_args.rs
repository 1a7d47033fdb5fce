//! The options that say when a pod ends by itself, the same for every command that has them.

use crate::failure::Failure;
use livery_api::dto::{Idle, Policy};
use livery_domain::pod::{IdleAction, IdlePolicy};
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
    /// has settled, `never` to leave it alone whatever that is
    #[arg(long, value_name = "SPAN", value_parser = or_never)]
    idle_after: Option<IdleAfter>,
    /// What to do with an idle pod: remind, stop or terminate [default: stop]
    #[arg(long, value_name = "ACTION", value_parser = action)]
    idle_action: Option<IdleAction>,
}

/// A limit, or that there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Limit<T> {
    None,
    Of(T),
}

/// When a pod is idle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum IdleAfter {
    /// As its account has it.
    Accounts,
    /// It is left alone.
    Never,
    /// After so long without use.
    Of(Span),
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

fn or_never(text: &str) -> Result<IdleAfter, String> {
    if text == "never" {
        return Ok(IdleAfter::Never);
    }
    Ok(match or_none(text)? {
        Limit::None => IdleAfter::Accounts,
        Limit::Of(span) => IdleAfter::Of(span),
    })
}

fn action(text: &str) -> Result<IdleAction, String> {
    match text.parse() {
        Ok(IdleAction::Nothing) => Err("say `--idle-after never` instead".into()),
        Ok(action) => Ok(action),
        Err(error) => Err(error.to_string()),
    }
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
        let acts = |idle: &Idle| idle.action != IdleAction::Nothing;
        let acting = before.filter(acts);
        let action = self
            .idle_action
            .or(acting.map(|idle| idle.action))
            .unwrap_or(IdleAction::Stop);
        let after_ms = match (self.idle_after, acting) {
            (Some(IdleAfter::Accounts), _) => return Ok(None),
            (Some(IdleAfter::Never), _) if self.idle_action.is_some() => {
                return Err(Failure::mistake(
                    "--idle-after never leaves nothing for --idle-action to do",
                )
                .hint("leave one of the two out"));
            }
            (Some(IdleAfter::Never), _) => return Ok(Some(IdlePolicy::NEVER.into())),
            (Some(IdleAfter::Of(after)), _) => after.millis(),
            (None, Some(acting)) => acting.after_ms,
            (None, None) if self.idle_action.is_some() => {
                return Err(Failure::mistake("--idle-action says nothing by itself")
                    .hint("say when a pod is idle too: `--idle-after 30m`"));
            }
            (None, None) => return Ok(before),
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
    fn a_pod_can_be_left_alone_and_be_watched_again() {
        let never = PolicyArgs {
            idle_after: Some(or_never("never").unwrap()),
            ..PolicyArgs::default()
        };
        let alone = never.change(Policy::default()).unwrap();
        assert_eq!(alone.idle, Some(IdlePolicy::NEVER.into()));
        let costly = PolicyArgs {
            max_cost: Some(or_none("5").unwrap()),
            ..PolicyArgs::default()
        };
        assert_eq!(costly.change(alone).unwrap().idle, alone.idle);
        let both = PolicyArgs {
            idle_action: Some(IdleAction::Remind),
            ..never
        };
        assert!(both.change(Policy::default()).is_err());
        let timed = PolicyArgs {
            idle_after: Some(or_never("30m").unwrap()),
            ..PolicyArgs::default()
        };
        let idle = timed.change(alone).unwrap().idle.unwrap();
        assert_eq!((idle.after_ms, idle.action), (1_800_000, IdleAction::Stop));
        let accounts = PolicyArgs {
            idle_after: Some(or_never("none").unwrap()),
            ..PolicyArgs::default()
        };
        assert_eq!(accounts.change(alone).unwrap().idle, None);
        assert!(action("nothing").is_err() && action("stop").is_ok());
    }

    #[test]
    fn an_action_without_a_time_is_refused() {
        let args = PolicyArgs {
            idle_action: Some(IdleAction::Stop),
            ..PolicyArgs::default()
        };
        assert!(args.change(Policy::default()).is_err());
        let timed = PolicyArgs {
            idle_after: Some(or_never("30m").unwrap()),
            ..PolicyArgs::default()
        };
        let idle = timed.change(Policy::default()).unwrap().idle.unwrap();
        assert_eq!((idle.after_ms, idle.action), (1_800_000, IdleAction::Stop));
    }
}
