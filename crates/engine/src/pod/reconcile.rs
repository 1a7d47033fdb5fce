//! Takes one pod towards what is wanted: asks the pure planner, obeys, records.

use super::asking::{ask, start, stop, terminate};
use super::launch::{give_up, launch};
use super::rest::{self, in_motion};
use crate::error::Error;
use crate::money::{self, METERING_INTERVAL};
use crate::reminders;
use crate::services::Services;
use crate::tasks::Seat;
use livery_domain::pod::{Desired, Observed, Pod, PodFailure, Step, plan};
use livery_store::Error as StoreError;
use livery_supplier::Error as SupplierError;
use livery_units::{ClaimToken, PodId, Span, Timestamp};
use std::sync::Arc;

/// How long a claim on a pod stands without being renewed.
pub(crate) const CLAIM_SPAN: Span = Span::from_secs(30);

/// How soon it is tried again to release a claim: a database that is back is not waited for.
const RELEASE_REST: Span = Span::from_secs(1);

/// How soon a pod on its way is looked at again: often while its user may sit and wait for a pod
/// from a cached image, then growing from the first to the last.
const WATCH_FIRST: Span = Span::from_millis(4);
const WATCH_LAST: Span = Span::from_millis(500);
const WATCH_CLOSELY: Span = Span::from_secs(1);

/// Drives a claimed pod until it is as wanted or must wait, then releases the claim.
pub(crate) async fn drive(services: Arc<Services>, pod: Pod, token: ClaimToken, seat: Seat<PodId>) {
    let id = pod.id.clone();
    let mut pod = pod;
    let due = match drive_until_rest(&services, &mut pod, &token).await {
        Ok(due) => due,
        Err(error) => {
            tracing::warn!(pod.id = %id, %error, "a pod could not be taken further for now");
            services.now().after(rest::after_failure(&services, &pod))
        }
    };
    // Before the claim: whoever claims next must find the seat free.
    drop(seat);
    let expires = services.now().after(CLAIM_SPAN);
    while let Err(error) = release(&services, &pod, &token, due).await {
        if services.now() >= expires {
            tracing::warn!(pod.id = %id, %error, "the claim on a pod was not released and expires");
            return;
        }
        services.sleep(RELEASE_REST).await;
    }
}

/// Releases the claim; a change that came after the last look makes the pod due at once.
async fn release(
    services: &Services,
    pod: &Pod,
    token: &ClaimToken,
    due: Timestamp,
) -> Result<(), Error> {
    services.store.pod_release(&pod.id, token, due).await?;
    let current = services.store.pod_fetch(&pod.id).await?;
    let started_again = current.started.is_none() && pod.started.is_some();
    if current.desired != pod.desired || started_again {
        services.store.pod_nudge(&pod.id).await?;
        services.board.pods.notify_one();
    }
    Ok(())
}

async fn drive_until_rest(
    services: &Services,
    pod: &mut Pod,
    token: &ClaimToken,
) -> Result<Timestamp, Error> {
    let mut watch = WATCH_FIRST;
    let began = services.now();
    let mut claimed = began;
    loop {
        let now = services.now();
        let is_set_back = now < claimed;
        if is_set_back || now.since(claimed).millis() > CLAIM_SPAN.millis() / 2 {
            if !services
                .store
                .pod_claim_renew(&pod.id, token, now.after(CLAIM_SPAN))
                .await?
            {
                return Ok(now);
            }
            claimed = now;
        }
        let before = (pod.observed, pod.desired);
        let step = plan(pod, pod.observed, now);
        if let Step::Rest(until) = step {
            return Ok(until);
        }
        let ended = step == Step::Close;
        *pod = perform(services, pod.clone(), step).await?;
        if ended {
            return Ok(now);
        }
        if before == (pod.observed, pod.desired) || pod.observed == Observed::Starting {
            services.sleep(watch).await;
            if services.now().since(began) > WATCH_CLOSELY {
                watch = Span::from_millis((watch.millis() * 3 / 2).min(WATCH_LAST.millis()));
            }
            let last = pod.counted;
            *pod = services.store.pod_fetch(&pod.id).await?;
            // A look that said nothing new was not written, and was a look all the same.
            let looks = [last, pod.counted].into_iter().flatten();
            pod.counted = looks.max_by_key(|look| look.own);
            if in_motion(pod) {
                pod.observed_at = None;
            }
        }
    }
}

/// Does one step and records what it led to.
async fn perform(services: &Services, pod: Pod, step: Step) -> Result<Pod, Error> {
    match step {
        Step::Launch => launch(services, pod).await,
        Step::Observe => observe(services, pod).await,
        Step::Stop => {
            let pod = last_look(services, pod).await?;
            match stop(services, &pod).await {
                Ok(()) => observe(services, pod).await,
                Err(error) => unheard(services, pod, error).await,
            }
        }
        Step::Start => match start(services, &pod).await {
            Ok(()) => observe(services, pod).await,
            // It is tried again; its user sees why it takes so long.
            Err(error) => unheard(services, pod, error).await,
        },
        Step::Terminate => {
            let pod = last_look(services, pod).await?;
            match terminate(services, &pod).await {
                Ok(()) => observe(services, pod).await,
                Err(error) => unheard(services, pod, error).await,
            }
        }
        Step::Close => close(services, pod).await,
        Step::Rest(_) => Ok(pod),
    }
}

async fn observe(services: &Services, mut pod: Pod) -> Result<Pod, Error> {
    let asked = services.moment();
    let before = pod.clone();
    match ask(services, &mut pod).await {
        Ok(seen) => pod.saw(seen, asked),
        Err(error @ (SupplierError::Transient { .. } | SupplierError::Ambiguous { .. })) => {
            return silence(services, pod, &error).await;
        }
        Err(error @ (SupplierError::Invalid { .. } | SupplierError::Unsupported { .. })) => {
            give_up(&mut pod, Some(PodFailure::Final), error.to_string());
        }
        Err(
            error @ (SupplierError::NoCapacity { .. }
            | SupplierError::QuotaExceeded { .. }
            | SupplierError::Unmade { .. }),
        ) => {
            give_up(&mut pod, Some(PodFailure::OtherOffer), error.to_string());
        }
        Err(
            error @ (SupplierError::NotFound { .. }
            | SupplierError::Unauthorized { .. }
            | SupplierError::RateLimited { .. }),
        ) => return Err(error.into()),
    }
    if says_nothing_new(&before, &pod) {
        return Ok(pod);
    }
    if forgets(&before, &pod) {
        money::count(services, &pod.id).await?;
    }
    let pod = record(services, pod).await?;
    if pod.started != before.started && pod.observed == Observed::Up {
        // Nobody was seen to leave it idle before.
        services.store.pod_activity_forget(&pod.id).await?;
        reminders::came_up(services, &pod).await;
    }
    if pod.starts != before.starts && pod.observed == Observed::Up {
        hold_anew(services, &pod).await?;
    }
    count_when_new(services, &before, &pod).await?;
    Ok(pod)
}

/// A pod that is still on its way is looked at often; its row is written when something changed.
/// When a settled pod was last seen is written always: that is what it rests by.
fn says_nothing_new(before: &Pod, after: &Pod) -> bool {
    let as_before = Pod {
        observed_at: before.observed_at,
        ..after.clone()
    };
    in_motion(after) && after.observed != Observed::Up && as_before == *before
}

/// What cannot be reached stays as it was last seen: nothing is concluded from silence.
pub(super) async fn silence(
    services: &Services,
    mut pod: Pod,
    error: &SupplierError,
) -> Result<Pod, Error> {
    pod.reason = Some(error.to_string());
    record(services, pod).await?;
    Err(Error::Unreachable(error.to_string()))
}

/// Looks at a pod that was up for a last time before it is ended: until then, and no longer, it is
/// known to have been up. One that is silent may hear all the same that it is to end.
async fn last_look(services: &Services, mut pod: Pod) -> Result<Pod, Error> {
    match pod.observed {
        Observed::Up => {}
        Observed::Unknown | Observed::Starting => return Ok(pod),
        Observed::Absent | Observed::Down | Observed::Lost => return Ok(pod),
    }
    let asked = services.moment();
    match ask(services, &mut pod).await {
        // Its command may have ended since, and nobody could say when once it is gone.
        Ok(seen) if matches!(seen.observed, Observed::Up | Observed::Down) => {
            pod.saw(seen, asked);
            record(services, pod).await
        }
        Ok(_) | Err(_) => Ok(pod),
    }
}

/// Records for the pod's user why it was not started, stopped or terminated yet. Whether it is still up is not
/// known: the call may have gone through, and no second more is billed until somebody has looked.
async fn unheard(services: &Services, mut pod: Pod, error: Error) -> Result<Pod, Error> {
    let before = (pod.reason.clone(), pod.observed);
    pod.reason = Some(error.to_string());
    pod.observed = match pod.observed {
        Observed::Up | Observed::Unknown => Observed::Unknown,
        Observed::Absent | Observed::Starting | Observed::Down | Observed::Lost => pod.observed,
    };
    if (&pod.reason, pod.observed) != (&before.0, before.1) {
        record(services, pod).await?;
    }
    Err(error)
}

/// Returns whether the row is about to forget what is billed by: until when a pod that was down was up
/// before, and until when its disks were kept.
fn forgets(before: &Pod, after: &Pod) -> bool {
    match before.observed {
        Observed::Down => after.observed != Observed::Down,
        Observed::Lost | Observed::Absent => after.observed == Observed::Up,
        Observed::Up | Observed::Starting | Observed::Unknown => false,
    }
}

/// A pod that came up is counted from now on, and what one that is down owes, or used while it was
/// silent, is charged at once. While it goes on as before, the metering task counts it.
async fn count_when_new(services: &Services, before: &Pod, after: &Pod) -> Result<(), Error> {
    let goes_on = after.observed == before.observed
        && after.started == before.started
        && !was_silent(before, after);
    match after.observed {
        Observed::Up if goes_on => Ok(()),
        Observed::Unknown | Observed::Starting => Ok(()),
        // What is held is held for what runs.
        Observed::Down | Observed::Lost | Observed::Absent if after.is_confirmed_down() => {
            money::settle(services, after).await?;
            services.announce();
            Ok(())
        }
        Observed::Up | Observed::Down | Observed::Lost | Observed::Absent => {
            money::count(services, &after.id).await
        }
    }
}

/// Returns whether nothing was heard of a pod for longer than credit and limits reckon with.
fn was_silent(before: &Pod, after: &Pod) -> bool {
    match (before.counted, after.counted) {
        (Some(before), Some(after)) => after.at.since(before.at) > METERING_INTERVAL,
        (None, _) | (_, None) => false,
    }
}

/// Holds money for a pod that came back by itself. It is up whether or not there is enough: then it
/// is stopped like all that cannot be paid for.
async fn hold_anew(services: &Services, pod: &Pod) -> Result<(), Error> {
    match money::hold(services, pod).await {
        Err(Error::InsufficientFunds { .. }) => Ok(()),
        held => held,
    }
}

async fn close(services: &Services, mut pod: Pod) -> Result<Pod, Error> {
    loop {
        money::settle(services, &pod).await?;
        pod.ended = Some(services.now());
        match services.store.pod_close(&pod).await {
            Ok(closed) => {
                pod = closed;
                break;
            }
            // Somebody else wrote it, or held money for it before they heard of its end.
            Err(StoreError::Stale) => pod = services.store.pod_fetch(&pod.id).await?,
            Err(error) => return Err(error.into()),
        }
        if pod.ended.is_some() || plan(&pod, pod.observed, services.now()) != Step::Close {
            return Ok(pod);
        }
    }
    tracing::info!(pod.id = %pod.id, account.id = %pod.account, "pod is gone");
    services.announce();
    services.board.runs.notify_one();
    Ok(pod)
}

/// Writes the row. Somebody else's change in between wins for what the user wants; what was seen is
/// kept.
pub(super) async fn record(services: &Services, pod: Pod) -> Result<Pod, Error> {
    let mut row = pod;
    loop {
        match services.store.pod_update(&row).await {
            Ok(written) => {
                services.announce();
                return Ok(written);
            }
            Err(StoreError::Stale) => {
                let current = services.store.pod_fetch(&row.id).await?;
                if current.ended.is_some() {
                    return Ok(current);
                }
                row.generation = current.generation;
                row.foreign_id = row.foreign_id.or(current.foreign_id);
                // These are never the reconciler's to change.
                row.policy = current.policy;
                row.ruled = current.ruled;
                row.starts = row.starts.max(current.starts);
                let ours_is_final = row.desired == Desired::Gone && row.failure.is_some();
                if !ours_is_final {
                    row.desired = current.desired;
                }
                if current.started.is_none() {
                    row.started = row.started.filter(|_| row.observed == Observed::Up);
                }
            }
            Err(error) => return Err(error.into()),
        }
    }
}
