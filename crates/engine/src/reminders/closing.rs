//! What every command ends with: what runs now, and what its user is to be shown.

use super::before;
use crate::credit;
use crate::error::Error;
use crate::money;
use crate::services::Services;
use livery_domain::pod::{Observed, Pod};
use livery_domain::reminder::{ClosingLine, Notice};
use livery_store::Which;
use livery_units::{AccountId, Money, Span};

/// What every command ends with.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Closing {
    /// What runs now; none when nothing does, or its user does not want the line.
    pub running: Option<Running>,
    /// Notices to show, the oldest first.
    pub notices: Vec<Notice>,
    /// What could not be delivered; none when all was.
    pub trouble: Option<Trouble>,
}

/// What of an account's runs now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Running {
    /// How many pods are up.
    pub pods: u64,
    /// For how long the one that is up longest has been.
    pub longest: Span,
    /// What all of them cost in an hour, disks included.
    pub hourly: Money,
    /// What all of them have cost so far.
    pub so_far: Money,
}

/// Deliveries whose last try failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// How many.
    pub count: u64,
    /// The channel of the latest.
    pub channel: String,
    /// Why it failed, in words for the user.
    pub problem: String,
}

/// The most notices that one command is given.
const NOTICES_MAX: u32 = 50;

/// How long after a delivery was given up commands say so.
const GIVEN_UP_SHOWN: Span = Span::from_secs(86_400);

/// Up to so many pods the amount is exact to the second; for more it is what was charged, a metering
/// interval behind at most, so that the question stays quick.
const EXACT_PODS_MAX: usize = 16;

/// Returns what a command of an account's user ends with.
pub(crate) async fn closing(services: &Services, account: &AccountId) -> Result<Closing, Error> {
    let now = services.now();
    let store = &services.store;
    let given_up = before(now, GIVEN_UP_SHOWN);
    // A user waits for this: the questions are asked at the same time.
    let (running, notices, problems) = tokio::join!(
        wanted(services, account),
        store.notice_unshown(account, now, NOTICES_MAX),
        store.delivery_problems(account, given_up),
    );
    let (running, notices, problems) = (running?, notices?, problems?);
    let trouble = problems.first().map(|latest| Trouble {
        count: u64::try_from(problems.len()).unwrap_or(u64::MAX),
        channel: latest.channel.clone(),
        problem: latest.problem.clone(),
    });
    Ok(Closing {
        running,
        notices,
        trouble,
    })
}

async fn wanted(services: &Services, account: &AccountId) -> Result<Option<Running>, Error> {
    let settings = services.store.reminder_settings(account).await?;
    match settings.closing_line {
        ClosingLine::On => running(services, account).await,
        ClosingLine::Off => Ok(None),
    }
}

async fn running(services: &Services, account: &AccountId) -> Result<Option<Running>, Error> {
    let pods = services.store.pod_list(Some(account), Which::Live).await?;
    let up: Vec<&Pod> = pods.iter().filter(|pod| is_up(pod)).collect();
    if up.is_empty() {
        return Ok(None);
    }
    let now = services.now();
    let mut so_far = Money::ZERO;
    for pod in &up {
        let cost = match up.len() {
            ..=EXACT_PODS_MAX => money::cost_so_far(services, pod).await?,
            _ => services.store.pod_charged(&pod.id).await?,
        };
        so_far = so_far.saturating_plus(cost);
    }
    let longest = up.iter().filter_map(|pod| pod.started).min();
    Ok(Some(Running {
        pods: u64::try_from(up.len()).unwrap_or(u64::MAX),
        longest: longest.map_or(Span::ZERO, |started| now.since(started)),
        hourly: up
            .iter()
            .map(|pod| credit::pod_hourly(&pod.offer, &pod.order))
            .sum(),
        so_far,
    }))
}

fn is_up(pod: &Pod) -> bool {
    match pod.observed {
        Observed::Up => true,
        Observed::Unknown | Observed::Absent | Observed::Starting => false,
        Observed::Down | Observed::Lost => false,
    }
}
