//! Takes one volume towards what is wanted: asks the pure planner, obeys, records, counts.

use crate::error::Error;
use crate::money;
use crate::reminders;
use crate::services::Services;
use crate::tasks::Seat;
use livery_domain::reminder::{Notice, NoticeKind};
use livery_domain::volume::{
    NetworkVolume, VolumeDesired, VolumeObserved, VolumePhase, VolumeStep, plan_volume,
};
use livery_store::Error as StoreError;
use livery_supplier::{Error as SupplierError, Retry, VolumeFound, VolumeOrder, Volumes};
use livery_units::{ClaimToken, Moment, Span, Timestamp, VolumeId};
use std::sync::Arc;

/// How long a claim on a volume stands: longer than the longest step, and every step may be repeated.
pub(crate) const CLAIM_SPAN: Span = Span::from_secs(300);

/// How long a volume rests after a step that failed or led nowhere: shortly while its user may sit
/// and wait, longer where somebody else has to do something first.
const FAILURE_REST: Span = Span::from_secs(2);
const PATIENT_REST: Span = Span::from_secs(10);

/// A making that fails in a passing way this often is given up.
const ATTEMPTS_MAX: u32 = 30;

/// Drives a claimed volume until it is as wanted or must wait, then releases the claim.
pub(crate) async fn drive(
    services: Arc<Services>,
    volume: NetworkVolume,
    token: ClaimToken,
    seat: Seat<VolumeId>,
) {
    let id = volume.id.clone();
    let due = match drive_until_rest(&services, volume).await {
        Ok(due) => due,
        Err(error) => {
            tracing::warn!(volume.id = %id, %error, "a volume could not be taken further for now");
            services.now().after(FAILURE_REST)
        }
    };
    // Before the claim: whoever claims next must find the seat free.
    drop(seat);
    if let Err(error) = services.store.volume_release(&id, &token, due).await {
        tracing::warn!(volume.id = %id, %error, "the claim on a volume was not released and will expire");
    }
}

async fn drive_until_rest(services: &Services, volume: NetworkVolume) -> Result<Timestamp, Error> {
    let mut volume = volume;
    loop {
        let moment = services.moment();
        let now = moment.wall;
        let step = plan_volume(&volume, now);
        if let VolumeStep::Rest(until) = step {
            // It may be kept on credit by now, or not any more.
            money::count_volume(services, &volume).await?;
            return Ok(until);
        }
        let after = match perform(services, volume.clone(), step, moment).await {
            Ok(after) => after,
            Err(error) => {
                note(&volume, &error);
                return Ok(services.now().after(rest_after(step)));
            }
        };
        if after.ended.is_some() {
            services.announce();
            return Ok(now);
        }
        // The same again at once would lead to the same.
        if plan_volume(&after, services.now()) == step {
            return Ok(services.now().after(rest_after(step)));
        }
        volume = after;
    }
}

fn rest_after(step: VolumeStep) -> Span {
    match step {
        VolumeStep::Create | VolumeStep::Delete | VolumeStep::Close => FAILURE_REST,
        VolumeStep::Observe | VolumeStep::Grow | VolumeStep::Rest(_) => PATIENT_REST,
    }
}

/// Says what failed; the same as before is no news.
fn note(volume: &NetworkVolume, error: &Error) {
    let words = error.to_string();
    if volume.reason.as_ref() == Some(&words) {
        tracing::debug!(volume.id = %volume.id, %error, "a volume still waits");
    } else {
        tracing::warn!(volume.id = %volume.id, %error, "a volume could not be taken further for now");
    }
}

/// Does one step and records what it led to.
async fn perform(
    services: &Services,
    volume: NetworkVolume,
    step: VolumeStep,
    now: Moment,
) -> Result<NetworkVolume, Error> {
    let volumes = power(services, &volume)?;
    match step {
        VolumeStep::Create => create(services, volumes, volume, now).await,
        VolumeStep::Observe => observe(services, volumes, volume, now).await,
        VolumeStep::Grow => grow(services, volumes, volume, now).await,
        VolumeStep::Delete => delete(services, volumes, volume, now).await,
        VolumeStep::Close => {
            let mut volume = volume;
            volume.ended = Some(now.wall);
            tracing::info!(volume.id = %volume.id, account.id = %volume.account, "volume is gone");
            record(services, volume).await
        }
        VolumeStep::Rest(_) => Ok(volume),
    }
}

fn power<'a>(services: &'a Services, volume: &NetworkVolume) -> Result<&'a dyn Volumes, Error> {
    let supplier = services.supplier(&volume.supplier)?;
    supplier
        .volumes()
        .ok_or_else(|| Error::Unreachable(format!("supplier {} keeps no volumes", volume.supplier)))
}

fn order(volume: &NetworkVolume) -> VolumeOrder {
    VolumeOrder {
        volume: volume.id.clone(),
        host: volume.host.clone(),
        size: volume.size,
    }
}

async fn create(
    services: &Services,
    volumes: &dyn Volumes,
    mut volume: NetworkVolume,
    now: Moment,
) -> Result<NetworkVolume, Error> {
    match volumes.create(&order(&volume)).await {
        Ok(found) => {
            volume.saw(VolumeObserved::Present(found.size), now);
            record(services, volume).await
        }
        // Only a host that was there was tried.
        Err(error)
            if error.retry() == Retry::Later && services.is_out_of_reach(Some(&volume.host)) =>
        {
            silence(services, volume, &error).await?;
            Err(error.into())
        }
        Err(error) => {
            volume.attempts += 1;
            volume.reason = Some(error.to_string());
            match error.retry() {
                Retry::Later if volume.attempts < ATTEMPTS_MAX => {
                    record(services, volume).await?;
                    Err(error.into())
                }
                // What there may be of it goes the way of every volume.
                Retry::Later | Retry::OtherOffer | Retry::Never => {
                    volume.desired = VolumeDesired::Gone;
                    record(services, volume).await
                }
            }
        }
    }
}

async fn observe(
    services: &Services,
    volumes: &dyn Volumes,
    mut volume: NetworkVolume,
    now: Moment,
) -> Result<NetworkVolume, Error> {
    match volumes.observe(&volume.host, &volume.id).await {
        Ok(found) => {
            let before = volume.phase();
            volume.saw(seen(found), now);
            let is_missing = volume.phase() == VolumePhase::Missing && volume.began.is_some();
            if is_missing && before != VolumePhase::Missing {
                tell_missing(services, &volume, now.wall).await;
            }
            record(services, volume).await
        }
        // What cannot be reached stays as it was last seen: nothing is concluded from silence.
        Err(error) => {
            silence(services, volume, &error).await?;
            Err(error.into())
        }
    }
}

/// Tells a volume's user, once each time, that it is there no more. Told first: a row without its
/// notice would be silent if this process ended in between.
async fn tell_missing(services: &Services, volume: &NetworkVolume, now: Timestamp) {
    let until = volume.kept_until.unwrap_or(volume.created);
    let notice = Notice {
        key: format!("missing volume {} {}", volume.id, until.millis()),
        account: volume.account.clone(),
        pod: None,
        kind: NoticeKind::Orphan,
        message: format!(
            "network volume {} ({}) is no longer at {}: what was on it is lost unless its disk comes \
             back. It is not charged any more. Delete it: `livery volume delete {}`",
            volume.name, volume.id, volume.supplier, volume.id
        ),
        at: now,
    };
    reminders::tell(services, notice).await;
}

async fn grow(
    services: &Services,
    volumes: &dyn Volumes,
    mut volume: NetworkVolume,
    now: Moment,
) -> Result<NetworkVolume, Error> {
    match volumes.grow(&order(&volume)).await {
        Ok(found) => {
            // Until now it was as large as it was last seen, and was kept at that price.
            volume.saw(volume.observed, now);
            let mut volume = record(services, volume).await?;
            volume.saw(VolumeObserved::Present(found.size), now);
            record(services, volume).await
        }
        Err(SupplierError::NotFound { .. }) => observe(services, volumes, volume, now).await,
        Err(error) => {
            let mut volume = observe(services, volumes, volume, now).await?;
            volume.reason = Some(error.to_string());
            match error.retry() {
                Retry::Later => {
                    record(services, volume).await?;
                    Err(error.into())
                }
                // There is no room for more; it stays as large as it is.
                Retry::OtherOffer | Retry::Never => {
                    if let VolumeObserved::Present(size) = volume.observed {
                        volume.size = size;
                    }
                    record_size(services, volume).await
                }
            }
        }
    }
}

async fn delete(
    services: &Services,
    volumes: &dyn Volumes,
    volume: NetworkVolume,
    now: Moment,
) -> Result<NetworkVolume, Error> {
    // It is kept, and paid for, until now.
    let volume = observe(services, volumes, volume, now).await?;
    if volume.observed == VolumeObserved::Absent {
        return Ok(volume);
    }
    if let Some(pod) = services.store.volume_holder(&volume.id).await? {
        tracing::debug!(volume.id = %volume.id, pod.id = %pod, "a volume waits for its pod to go");
        return Ok(volume);
    }
    if let Err(error) = volumes.delete(&volume.host, &volume.id).await {
        silence(services, volume, &error).await?;
        return Err(error.into());
    }
    observe(services, volumes, volume, now).await
}

fn seen(found: Option<VolumeFound>) -> VolumeObserved {
    match found {
        Some(found) => VolumeObserved::Present(found.size),
        None => VolumeObserved::Absent,
    }
}

/// Notes for the user why nothing goes on, unless there is a reason already why it ends.
async fn silence(
    services: &Services,
    mut volume: NetworkVolume,
    error: &SupplierError,
) -> Result<(), Error> {
    let words = error.to_string();
    if volume.desired == VolumeDesired::Gone || volume.reason.as_ref() == Some(&words) {
        return Ok(());
    }
    volume.reason = Some(words);
    record(services, volume).await?;
    Ok(())
}

/// Whether the size that is written is what the user wants, or what became of it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Size {
    OfUser,
    Ours,
}

/// Writes the row and counts what it says. Somebody else's change in between wins for what the user
/// wants; what was seen is kept.
async fn record(services: &Services, volume: NetworkVolume) -> Result<NetworkVolume, Error> {
    write(services, volume, Size::OfUser).await
}

async fn record_size(services: &Services, volume: NetworkVolume) -> Result<NetworkVolume, Error> {
    write(services, volume, Size::Ours).await
}

async fn write(
    services: &Services,
    volume: NetworkVolume,
    size: Size,
) -> Result<NetworkVolume, Error> {
    let mut row = volume;
    loop {
        match services.store.volume_update(&row).await {
            Ok(written) => {
                money::count_volume(services, &written).await?;
                services.announce();
                return Ok(written);
            }
            Err(StoreError::Stale) => {
                let current = services.store.volume_fetch(&row.id).await?;
                if current.ended.is_some() {
                    return Ok(current);
                }
                row.generation = current.generation;
                if current.desired == VolumeDesired::Gone {
                    row.desired = current.desired;
                    row.reason = current.reason;
                }
                // The user asked for more meanwhile; that is tried too.
                if size == Size::OfUser || current.size > row.size {
                    row.size = current.size;
                }
            }
            Err(error) => return Err(error.into()),
        }
    }
}
