//! Does what policies say. It may be done twice or late, and by several control planes.

use crate::error::Error;
use crate::reminders::Kept;
use crate::services::Services;
use crate::{credit, money, pod, reminders};
use livery_domain::pod::{
    Activity, Cause, Desired, Due, IdlePolicy, LOOK_LEAST, LOOK_MOST, Pod, PolicyAct, Wish, due,
};
use livery_domain::reminder::schedule::{Budget, Scope, end_command};
use livery_domain::reminder::{Notice, NoticeKind};
use livery_units::{AccountId, Money, PodId, Timestamp};
use std::collections::BTreeMap;

/// Pods looked at in one go.
const BATCH: u32 = 256;

/// Goes in one activation; whoever is left is due at the next.
const ROUNDS_MAX: u32 = 400;

/// What was done in one activation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) looked_at: u64,
    pub(crate) acts: u64,
    pub(crate) failed: u64,
}

/// Looks at every pod whose policy is due, and does what it says.
pub(crate) async fn look_at_due(services: &Services) -> Result<Tally, Error> {
    let mut tally = Tally::default();
    for _ in 0..ROUNDS_MAX {
        let now = services.now();
        // Read after the pods: a change of settings that comes later raises their generations.
        let mut accounts = BTreeMap::new();
        // Twice, because a pod may have been put off at the same moment.
        let ahead = now.after(LOOK_MOST).after(LOOK_MOST);
        let pods = services.store.pod_policy_due(now, ahead, BATCH).await?;
        let ids: Vec<PodId> = pods.iter().map(|pod| pod.id.clone()).collect();
        let known = services.store.pod_activities(&ids).await?;
        let mut rests = Vec::with_capacity(pods.len());
        for pod in &pods {
            let looked = async {
                let idle = idle_of(services, &mut accounts, &pod.account).await?;
                look(services, pod, idle, known.get(&pod.id), now, &mut tally).await
            };
            let again = match looked.await {
                Ok(again) => again,
                Err(error) => {
                    tally.failed += 1;
                    tracing::warn!(pod.id = %pod.id, %error, "a pod's policy could not be obeyed for now");
                    Some(now.after(LOOK_LEAST))
                }
            };
            rests.push((pod.id.clone(), pod.generation, again));
        }
        tally.looked_at += rests.len() as u64;
        services.store.pod_policy_rest(&rests).await?;
        if rests.len() < BATCH as usize {
            break;
        }
    }
    Ok(tally)
}

async fn idle_of(
    services: &Services,
    accounts: &mut BTreeMap<AccountId, Option<IdlePolicy>>,
    account: &AccountId,
) -> Result<Option<IdlePolicy>, Error> {
    if let Some(idle) = accounts.get(account) {
        return Ok(*idle);
    }
    let idle = services.store.account_settings(account).await?.idle;
    accounts.insert(account.clone(), idle);
    Ok(idle)
}

/// Looks at one pod and returns when it is looked at again.
async fn look(
    services: &Services,
    pod: &Pod,
    accounts_idle: Option<IdlePolicy>,
    activity: Option<&Activity>,
    now: Timestamp,
    tally: &mut Tally,
) -> Result<Option<Timestamp>, Error> {
    let power = pod::stop_power(services, pod.supplier());
    let policy = pod.policy.or_idle(accounts_idle).within(power);
    // What a pod costs takes several reads; few need it.
    let so_far = match policy.max_cost {
        Some(_) => money::cost_so_far(services, pod).await?,
        None => Money::ZERO,
    };
    let Due { act, again } = due(pod, &policy, activity, so_far, now);
    let Some(act) = act else {
        return Ok(again);
    };
    let kept = obey(services, pod, act, activity, now).await?;
    tally.acts += 1;
    Ok(match kept {
        Kept::Yes => again,
        Kept::No => Some(now.after(LOOK_LEAST)),
    })
}

async fn obey(
    services: &Services,
    pod: &Pod,
    act: PolicyAct,
    activity: Option<&Activity>,
    now: Timestamp,
) -> Result<Kept, Error> {
    match act {
        PolicyAct::Remind { cause, nth } => {
            let since = activity.map_or(now, |activity| activity.active_at);
            let key = format!("idle/{}/{}/{nth}", pod.id, since.millis());
            let message = format!(
                "pod {} is idle: {cause}; `{}` ends that",
                pod.order.name,
                end_command(pod)
            );
            Ok(tell(services, pod, NoticeKind::Idle, key, message, now).await)
        }
        PolicyAct::Stop(cause) => end(services, pod, Desired::Stopped, cause, now).await,
        PolicyAct::Terminate(cause) => end(services, pod, Desired::Gone, cause, now).await,
    }
}

/// Ends a pod, or the run that it serves: a run brings its results home first and then ends its pod
/// itself.
async fn end(
    services: &Services,
    pod: &Pod,
    desired: Desired,
    cause: Cause,
    now: Timestamp,
) -> Result<Kept, Error> {
    if let Some(run) = &pod.run {
        let words = format!("ended by its pod's policy: {cause}");
        if credit::why_ended(services, run).await?.is_some() {
            return Ok(Kept::Yes);
        }
        tell_limit(services, pod, cause, now).await;
        let message = format!("run {run} is being ended: {cause}");
        let key = format!("policy/{run}");
        let kept = tell(services, pod, NoticeKind::PolicyAction, key, message, now).await;
        credit::tell_run(services, run, &words, now).await?;
        return Ok(kept);
    }
    let done = match desired {
        Desired::Stopped => "stopped",
        Desired::Gone | Desired::Running => "terminated",
    };
    let words = format!("{done} by its policy: {cause}");
    tell_limit(services, pod, cause, now).await;
    // Told first: an act without its notice would be silent if this process ended in between.
    let since = pod.started.unwrap_or(pod.created);
    let key = format!("policy/{}/{done}/{}", pod.id, since.millis());
    // It is a wish so far: its host may not answer.
    let message = format!("pod {} is being {words}", pod.order.name);
    let kept = tell(services, pod, NoticeKind::PolicyAction, key, message, now).await;
    match pod::rule(services, &pod.id, desired, &words).await? {
        Wish::Changed | Wish::AsBefore => Ok(kept),
    }
}

/// Tells of the last mark of a pod's limit, which ends it.
async fn tell_limit(services: &Services, pod: &Pod, cause: Cause, now: Timestamp) {
    let (limit, spent) = match cause {
        Cause::MaxCost { most, so_far } => (most, so_far),
        Cause::StopAfter(_) | Cause::TerminateAfter(_) | Cause::Idle(_) => return,
    };
    let scope = Scope::of_pod(pod);
    let account = pod.account.clone();
    let budget = Budget {
        account,
        scope,
        limit,
        spent,
    };
    reminders::tell(services, budget.reached(now)).await;
}

async fn tell(
    services: &Services,
    pod: &Pod,
    kind: NoticeKind,
    key: String,
    message: String,
    at: Timestamp,
) -> Kept {
    let notice = Notice {
        key,
        account: pod.account.clone(),
        pod: Some(pod.id.clone()),
        kind,
        message,
        at,
    };
    reminders::tell(services, notice).await
}
