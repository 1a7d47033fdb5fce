//! Policies of pods: what ends a pod that its user forgot.
//!
//! Two background tasks do the work. `activity` asks every host what its pods have used and keeps
//! how long each has been idle; `policy` looks at each pod whose policy is due, asks
//! [`livery_domain::pod::due`] and obeys. Both read rows and write rows, so it does not matter which
//! control plane does it, or whether the one before was killed.

mod obey;
mod sample;
mod silence;

pub(crate) use obey::look_at_due;
pub(crate) use sample::{SAMPLE_LEAST, Sampler};

use crate::error::Error;
use crate::services::Services;
use crate::{Engine, money, pod};
use livery_domain::pod::{
    Activity, Coming, Desired, IdlePolicy, Phase, Pod, PodPolicy, burn, outlook,
};
use livery_store::Error as StoreError;
use livery_units::{AccountId, Money, PodId, Span, Timestamp};
use std::collections::BTreeMap;

/// Policies that would act within less than this are refused: they are slips of the pen.
const LEAST: Span = Span::from_secs(1);

/// A pod that was idle for less is not shown as idle: people think.
const SHOWN_LEAST: Span = Span::from_secs(60);

/// What was seen longer ago is not shown. Pods without an idle policy are looked at every minute.
const SHOWN_FRESH: Span = Span::from_secs(150);

/// A pod must be allowed to cost what it costs in this time: it ends a while before the money does.
const COST_LEAST: Span = Span::from_secs(30);

/// A pod's policy and what comes of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyView {
    /// The pod.
    pub pod: Pod,
    /// What its account does with idle pods that have no idle policy of their own.
    pub accounts_idle: Option<IdlePolicy>,
    /// What is known of its use; nothing before the first look.
    pub activity: Option<Activity>,
    /// What it has cost so far.
    pub so_far: Money,
    /// What will be done to it if everything stays as it is, soonest first.
    pub coming: Vec<Coming>,
}

impl Engine {
    /// Returns a pod's policy and what comes of it.
    ///
    /// # Errors
    /// [`Error::PodNotFound`] when the account has no such pod.
    pub async fn pod_policy(&self, account: &AccountId, id: &str) -> Result<PolicyView, Error> {
        let services = &self.services;
        let pod = pod::find(services, account, id).await?;
        view(services, pod).await
    }

    /// Replaces a pod's policy; it is looked at at once.
    ///
    /// # Errors
    /// [`Error::Invalid`] when it makes no sense, [`Error::PodPhase`] when the pod is gone.
    pub async fn pod_policy_set(
        &self,
        account: &AccountId,
        id: &str,
        policy: PodPolicy,
    ) -> Result<PolicyView, Error> {
        let services = &self.services;
        loop {
            let mut pod = pod::find(services, account, id).await?;
            match pod.desired {
                Desired::Running | Desired::Stopped => {}
                Desired::Gone => return Err(gone(&pod)),
            }
            check(&pod, &policy)?;
            pod::check_power(services, pod.supplier(), &policy)?;
            pod.policy = policy;
            match services.store.pod_update(&pod).await {
                Ok(pod) => {
                    services.announce();
                    return view(services, pod).await;
                }
                Err(StoreError::Stale) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Returns since when pods that run have been idle; nothing for those that somebody uses, and for
    /// those of which nobody knows.
    ///
    /// # Errors
    /// [`Error::Store`] when the store fails.
    pub async fn pod_idle_since(&self, pods: &[Pod]) -> Result<BTreeMap<PodId, Timestamp>, Error> {
        let running = |pod: &&Pod| pod.phase() == Phase::Running;
        let ids: Vec<PodId> = pods
            .iter()
            .filter(running)
            .map(|pod| pod.id.clone())
            .collect();
        let now = self.services.now();
        let known = self.services.store.pod_activities(&ids).await?;
        let idle = known.into_iter().filter(|(_, activity)| {
            activity.idle >= SHOWN_LEAST && now.since(activity.sampled) <= SHOWN_FRESH
        });
        Ok(idle
            .map(|(pod, activity)| (pod, activity.active_at))
            .collect())
    }
}

fn gone(pod: &Pod) -> Error {
    Error::PodPhase {
        pod: pod.id.to_string(),
        phase: pod.phase().to_string(),
        message: "its policy has nothing left to do".to_owned(),
    }
}

async fn view(services: &Services, pod: Pod) -> Result<PolicyView, Error> {
    let settings = services.store.account_settings(&pod.account).await?;
    let known = services.store.pod_activities(std::slice::from_ref(&pod.id));
    let activity = known.await?.remove(&pod.id);
    let so_far = money::cost_so_far(services, &pod).await?;
    let power = pod::stop_power(services, pod.supplier());
    let policy = pod.policy.or_idle(settings.idle).within(power);
    let coming = outlook(&pod, &policy, activity.as_ref(), so_far, services.now());
    Ok(PolicyView {
        pod,
        accounts_idle: settings.idle,
        activity,
        so_far,
        coming,
    })
}

/// Refuses a policy that would end a pod before anybody could use it.
pub(crate) fn check(pod: &Pod, policy: &PodPolicy) -> Result<(), Error> {
    let spans = [
        ("stop after", policy.stop_after),
        ("terminate after", policy.terminate_after),
        ("idle after", policy.idle.map(|idle| idle.after)),
    ];
    for (name, span) in spans {
        if let Some(span) = span
            && span < LEAST
        {
            return Err(Error::Invalid(format!(
                "`{name}` of {span} is too short; the least is {LEAST}"
            )));
        }
    }
    let Some(most) = policy.max_cost else {
        return Ok(());
    };
    let least = burn(pod, COST_LEAST);
    if most <= Money::ZERO || most < least {
        return Err(Error::Invalid(format!(
            "a pod that may cost {} at most would end before it could be used: half a minute \
             of it costs {}",
            most.shown(),
            least.shown()
        )));
    }
    Ok(())
}
