//! What a pod or a network volume is known to have used: stretches of time, read from its row.

use livery_domain::account::Standing;
use livery_domain::pod::{Observed, Pod};
use livery_domain::volume::{NetworkVolume, VolumeObserved};
use livery_ledger::{Book, Item, Stretch, Subject, Then};
use livery_store::DueMeter;
use livery_units::{MoneyError, Rate, Timestamp};

/// The use of one item, as far as it is confirmed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Usage {
    pub(crate) subject: Subject,
    pub(crate) stretches: Vec<Stretch>,
    pub(crate) then: Then,
}

/// Returns what a pod uses. While nobody knows how it is, nothing is said: what was known stands.
pub(crate) fn of_pod(pod: &Pod, standing: Standing) -> Result<Vec<Usage>, MoneyError> {
    let then = match pod.observed {
        Observed::Unknown | Observed::Starting => return Ok(Vec::new()),
        Observed::Up => Then::GoesOn,
        Observed::Down | Observed::Lost | Observed::Absent => Then::Over,
    };
    let compute = Usage {
        subject: subject(pod, Item::Compute),
        stretches: up(pod, pod.rates_up()?.compute).into_iter().collect(),
        then,
    };
    Ok(vec![compute, disks(pod, standing)?])
}

/// Returns what a pod's disks are used for: both while it is up, and the volume disk alone from then
/// on until it comes up again. They are there all the time in between.
fn disks(pod: &Pod, standing: Standing) -> Result<Usage, MoneyError> {
    let (rate_up, rate_kept) = (pod.rates_up()?.storage, pod.rates_kept()?.storage);
    let mut usage = Usage {
        subject: subject(pod, Item::Storage),
        stretches: up(pod, rate_up).into_iter().collect(),
        then: Then::GoesOn,
    };
    if is_free(rate_up) && is_free(rate_kept) {
        usage.stretches.clear();
        usage.then = Then::Over;
        return Ok(usage);
    }
    let kept = kept_since(pod.started, pod.up_until).map(|began| Stretch {
        began,
        rate: rate_kept,
        until: began,
    });
    match pod.observed {
        Observed::Up => {}
        Observed::Down => usage.stretches.extend(kept.map(|kept| Stretch {
            until: pod.known_until().unwrap_or(kept.began),
            ..kept
        })),
        // Gone with its disks, and nobody knows when.
        Observed::Lost | Observed::Absent => {
            usage.stretches.extend(kept);
            usage.then = Then::Over;
        }
        Observed::Unknown | Observed::Starting => usage.stretches.clear(),
    }
    usage.then = match (usage.then, standing) {
        (Then::GoesOn, Standing::Out { .. }) => Then::Waived,
        (then, Standing::Good | Standing::Out { .. }) => then,
    };
    Ok(usage)
}

/// Returns what a network volume uses.
pub(crate) fn of_volume(volume: &NetworkVolume, standing: Standing) -> Result<Usage, MoneyError> {
    let size = match volume.observed {
        VolumeObserved::Present(size) => size,
        VolumeObserved::Unknown | VolumeObserved::Absent => volume.size,
    };
    let rate = volume.rate.for_size(size)?;
    let stretch = |began| Stretch {
        began,
        rate,
        until: volume.kept_until.unwrap_or(began),
    };
    let then = match (volume.observed, standing) {
        _ if volume.ended.is_some() => Then::Over,
        (VolumeObserved::Absent, _) => Then::Over,
        (VolumeObserved::Present(_) | VolumeObserved::Unknown, Standing::Out { .. }) => {
            Then::Waived
        }
        (VolumeObserved::Present(_) | VolumeObserved::Unknown, Standing::Good) => Then::GoesOn,
    };
    Ok(Usage {
        subject: Subject {
            account: volume.account.clone(),
            item: Item::Volume,
            pod: None,
            run: None,
            volume: Some(volume.id.clone()),
            payee: Book::Earnings(volume.host.clone()),
        },
        stretches: volume.began.map(stretch).into_iter().collect(),
        then,
    })
}

/// Returns until when a due meter counts, if its pod is still in the stretch that it belongs to; none
/// when its pod must be looked at as a whole.
pub(crate) fn counts_until(due: &DueMeter) -> Option<Timestamp> {
    if due.ended.is_some() {
        return None;
    }
    let in_stretch = due.started == Some(due.meter.stretch);
    let kept = kept_since(due.started, due.up_until) == Some(due.meter.stretch);
    match (due.meter.item, due.observed, due.standing) {
        (_, Observed::Unknown | Observed::Starting, _) => Some(due.meter.until),
        (Item::Compute, Observed::Up, _) if in_stretch => due.up_until,
        (Item::Storage, Observed::Up, Standing::Good) if in_stretch => due.up_until,
        (Item::Storage, Observed::Down, Standing::Good) if kept && !in_stretch => due.observed_at,
        (Item::Compute | Item::Storage | Item::Volume, Observed::Up | Observed::Down, _)
        | (_, Observed::Lost | Observed::Absent, _) => None,
    }
}

/// Our own hosts earn for their owners, and somebody else's supplier for itself.
fn payee(pod: &Pod) -> Book {
    match &pod.offer.host {
        Some(host) => Book::Earnings(host.clone()),
        None => Book::Earned(pod.supplier().as_str().to_owned()),
    }
}

pub(crate) fn subject(pod: &Pod, item: Item) -> Subject {
    Subject {
        account: pod.account.clone(),
        item,
        pod: Some(pod.id.clone()),
        run: pod.run.clone(),
        volume: None,
        payee: payee(pod),
    }
}

/// Returns the stretch in which a pod was up since it was last started.
fn up(pod: &Pod, rate: Rate) -> Option<Stretch> {
    let (began, until) = (pod.started?, pod.up_until?);
    (until >= began).then_some(Stretch { began, rate, until })
}

/// Returns since when the disks of a pod that is down are kept: since it was last up, or since it was
/// first seen to be there when it never was.
fn kept_since(started: Option<Timestamp>, up_until: Option<Timestamp>) -> Option<Timestamp> {
    up_until.or(started)
}

fn is_free(rate: Rate) -> bool {
    rate.amount == Rate::FREE.amount
}
