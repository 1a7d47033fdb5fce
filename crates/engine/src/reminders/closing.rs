//! What every command ends with: what runs now, and what its user is to be shown.

use super::before;
use crate::credit;
use crate::error::Error;
use crate::money;
use crate::services::Services;
use livery_domain::account::Standing;
use livery_domain::pod::{Observed, Pod};
use livery_domain::reminder::{ClosingLine, Notice};
use livery_domain::volume::NetworkVolume;
use livery_store::Which;
use livery_units::{AccountId, Money, Rate, Span, Timestamp};

/// What every command ends with.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Closing {
    /// What runs now; none when nothing does, or its user does not want the line.
    pub running: Option<Running>,
    /// What costs although it does not run; none when nothing does, or its user does not want the
    /// line.
    pub resting: Option<Resting>,
    /// How many pods may be running and do not answer, those that are counted as running among them.
    pub silent: u64,
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

/// What of an account's costs although it does not run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resting {
    /// How many pods are down and keep a disk that is paid for.
    pub pods: u64,
    /// How many network volumes are paid for.
    pub volumes: u64,
    /// What all of them cost in an hour.
    pub hourly: Money,
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

/// Up to so many pods the amount is exact to the second; for more it is what was charged, a few
/// minutes behind at most, so that the question stays quick.
const EXACT_PODS_MAX: usize = 16;

/// A pod that was last heard of longer ago does not answer. Pods that are up are looked at much more
/// often.
const SILENCE: Span = Span::from_secs(120);

/// Returns what a command of an account's user ends with.
pub(crate) async fn closing(services: &Services, account: &AccountId) -> Result<Closing, Error> {
    let now = services.now();
    let store = &services.store;
    let given_up = before(now, GIVEN_UP_SHOWN);
    // A user waits for this: the questions are asked at the same time.
    let (line, notices, problems) = tokio::join!(
        wanted(services, account),
        store.notice_unshown(account, now, NOTICES_MAX),
        store.delivery_problems(account, given_up),
    );
    let (line, notices, problems) = (line?, notices?, problems?);
    let trouble = problems.first().map(|latest| Trouble {
        count: count(problems.len()),
        channel: latest.channel.clone(),
        problem: latest.problem.clone(),
    });
    Ok(Closing {
        notices,
        trouble,
        ..line
    })
}

async fn wanted(services: &Services, account: &AccountId) -> Result<Closing, Error> {
    let settings = services.store.reminder_settings(account).await?;
    match settings.closing_line {
        ClosingLine::On => line(services, account).await,
        ClosingLine::Off => Ok(Closing::default()),
    }
}

async fn line(services: &Services, account: &AccountId) -> Result<Closing, Error> {
    let store = &services.store;
    let (pods, volumes, standing) = tokio::join!(
        store.pod_list(Some(account), Which::Live),
        store.volume_list(Some(account), Which::Live),
        store.account_standing(account),
    );
    let (pods, volumes, now) = (pods?, volumes?, services.now());
    let silent = pods.iter().filter(|pod| is_silent(pod, now)).count();
    Ok(Closing {
        running: running(services, account, &pods, now).await?,
        resting: match standing? {
            Standing::Good => resting(&pods, &volumes),
            // What is kept costs nothing until it is deleted.
            Standing::Out { .. } => None,
        },
        silent: count(silent),
        ..Closing::default()
    })
}

async fn running(
    services: &Services,
    account: &AccountId,
    pods: &[Pod],
    now: Timestamp,
) -> Result<Option<Running>, Error> {
    let up: Vec<&Pod> = pods.iter().filter(|pod| is_up(pod)).collect();
    let so_far = match up.len() {
        0 => return Ok(None),
        1..=EXACT_PODS_MAX => {
            let mut so_far = Money::ZERO;
            for pod in &up {
                so_far = so_far.saturating_plus(money::cost_so_far(services, pod).await?);
            }
            so_far
        }
        _ => services.store.pods_up_charged(account).await?,
    };
    let longest = up.iter().filter_map(|pod| pod.started).min();
    Ok(Some(Running {
        pods: count(up.len()),
        longest: longest.map_or(Span::ZERO, |started| now.since(started)),
        hourly: up
            .iter()
            .map(|pod| credit::pod_hourly(&pod.offer, &pod.order))
            .sum(),
        so_far,
    }))
}

/// Adds up what rests at a price; what is free is not worth a word.
fn resting(pods: &[Pod], volumes: &[NetworkVolume]) -> Option<Resting> {
    let pods = pods.iter().filter(|pod| is_down(pod));
    let pods: Vec<Money> = pods.map(kept_hourly).filter(is_paid).collect();
    let volumes: Vec<Money> = volumes.iter().map(volume_hourly).filter(is_paid).collect();
    if pods.is_empty() && volumes.is_empty() {
        return None;
    }
    Some(Resting {
        pods: count(pods.len()),
        volumes: count(volumes.len()),
        hourly: pods.into_iter().chain(volumes).sum(),
    })
}

fn kept_hourly(pod: &Pod) -> Money {
    pod.rates_kept()
        .map_or(Money::ZERO, |rates| rates.per_hour())
}

fn volume_hourly(volume: &NetworkVolume) -> Money {
    let rate = volume.rate_now();
    rate.map_or(Money::ZERO, Rate::per_hour)
}

fn is_paid(hourly: &Money) -> bool {
    *hourly > Money::ZERO
}

fn is_up(pod: &Pod) -> bool {
    match pod.observed {
        Observed::Up => true,
        Observed::Unknown | Observed::Absent | Observed::Starting => false,
        Observed::Down | Observed::Lost => false,
    }
}

fn is_down(pod: &Pod) -> bool {
    match pod.observed {
        Observed::Down => true,
        Observed::Unknown | Observed::Absent | Observed::Starting => false,
        Observed::Up | Observed::Lost => false,
    }
}

/// Whether a pod may be running and nobody can say: it was up, and there is no answer since, or none
/// to the wish that it end.
fn is_silent(pod: &Pod, now: Timestamp) -> bool {
    match pod.observed {
        Observed::Up => pod.observed_at.is_some_and(|at| now.since(at) > SILENCE),
        Observed::Unknown => pod.started.is_some(),
        Observed::Absent | Observed::Starting | Observed::Down | Observed::Lost => false,
    }
}

fn count(things: usize) -> u64 {
    u64::try_from(things).unwrap_or(u64::MAX)
}
