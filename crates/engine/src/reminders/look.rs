//! Looks at everything that runs and every budget, and tells what is due.

use super::{Kept, tell};
use crate::credit;
use crate::error::Error;
use crate::money;
use crate::run;
use crate::services::Services;
use livery_domain::account::Standing;
use livery_domain::pod::{Phase, Pod};
use livery_domain::reminder::kept::{kept_pod, kept_volume};
use livery_domain::reminder::schedule::{Budget, Scope, running, running_key};
use livery_domain::reminder::{FIRST_MAX, Notice, ReminderSettings};
use livery_domain::run::Run;
use livery_store::{AccountStand, Period, Which};
use livery_units::{AccountId, Day, Money, RunId, Span, Timestamp, VolumeId};
use std::collections::{BTreeMap, BTreeSet};

/// The keys that were due at the last look and are kept: they need no second look at the store.
pub(crate) type Told = BTreeSet<String>;

/// What a look found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) pods: u64,
    pub(crate) due: u64,
    pub(crate) failed: u64,
}

struct Look<'s> {
    services: &'s Services,
    now: Timestamp,
    before: &'s Told,
    told: Told,
    tally: Tally,
}

/// Tells what is due now, and returns it for the next look.
pub(crate) async fn look(services: &Services, before: &Told) -> Result<(Told, Tally), Error> {
    let pods = services.store.pod_list(None, Which::Live).await?;
    let mut look = Look {
        services,
        now: services.now(),
        before,
        told: Told::new(),
        tally: Tally::default(),
    };
    let mut firsts: BTreeMap<AccountId, Span> = BTreeMap::new();
    let mut runs: BTreeSet<RunId> = BTreeSet::new();
    for pod in &pods {
        look.tally.pods += 1;
        let first = first_of(services, &mut firsts, &pod.account).await;
        let looked = look.pod(pod, first).await;
        look.note(looked);
        runs.extend(pod.run.clone());
    }
    for run in &runs {
        let looked = look.run(run).await;
        look.note(looked);
    }
    let used: BTreeSet<&VolumeId> = pods.iter().filter_map(used_volume).collect();
    let volumes = services.store.volume_list(None, Which::Live).await?;
    let unused = volumes.iter().filter(|volume| !used.contains(&volume.id));
    let kept = pods.iter().filter_map(|pod| kept_pod(pod, look.now));
    let unused = unused.filter_map(|volume| kept_volume(volume, look.now));
    for notice in kept.chain(unused).collect::<Vec<_>>() {
        let looked = look.kept(notice).await;
        look.note(looked);
    }
    for stand in services.store.account_stands().await? {
        let looked = look.limits(&stand).await;
        look.note(looked);
    }
    Ok((look.told, look.tally))
}

/// Tells of a pod that came up, at once; what cannot be kept is told by the next look.
pub(crate) async fn came_up(services: &Services, pod: &Pod) {
    if let Some(notice) = running(pod, Money::ZERO, FIRST_MAX, services.now()) {
        tell(services, notice).await;
    }
}

/// Returns the volume of a pod that runs, or is about to: who pays for the pod is reminded of it.
fn used_volume(pod: &Pod) -> Option<&VolumeId> {
    match pod.phase() {
        Phase::Pending | Phase::Starting | Phase::Running | Phase::Stopping => {
            pod.order.network_volume.as_ref().map(|mount| &mount.volume)
        }
        Phase::Stopped | Phase::Exited | Phase::Lost => None,
        Phase::Terminating | Phase::Terminated => None,
    }
}

/// An account whose settings cannot be read is reminded as a new one would be.
async fn first_of(
    services: &Services,
    firsts: &mut BTreeMap<AccountId, Span>,
    account: &AccountId,
) -> Span {
    if let Some(first) = firsts.get(account) {
        return *first;
    }
    let settings = services.store.reminder_settings(account).await;
    let first = settings
        .unwrap_or_else(|_| ReminderSettings::default())
        .first;
    firsts.insert(account.clone(), first);
    first
}

impl Look<'_> {
    async fn pod(&mut self, pod: &Pod, first: Span) -> Result<(), Error> {
        let mut so_far = None;
        if let Some(key) = running_key(pod, first, self.now)
            && self.is_new(&key)
        {
            let cost = money::cost_so_far(self.services, pod).await?;
            so_far = Some(cost);
            if let Some(notice) = running(pod, cost, first, self.now) {
                self.tell(key, notice).await;
            }
        }
        let Some(limit) = pod.policy.max_cost else {
            return Ok(());
        };
        let spent = match so_far {
            Some(cost) => cost,
            None => money::cost_so_far(self.services, pod).await?,
        };
        let scope = Scope::of_pod(pod);
        self.budget(&pod.account, scope, limit, spent).await;
        Ok(())
    }

    async fn kept(&mut self, notice: Notice) -> Result<(), Error> {
        let key = format!("{} {}", notice.account, notice.key);
        if !self.is_new(&key) {
            return Ok(());
        }
        let store = &self.services.store;
        match store.account_standing(&notice.account).await? {
            Standing::Good => self.tell(key, notice).await,
            // It costs nothing until it is deleted, and of that there are warnings.
            Standing::Out { .. } => {}
        }
        Ok(())
    }

    async fn run(&mut self, id: &RunId) -> Result<(), Error> {
        let run = self.services.store.run_fetch(id).await?;
        let Some(limit) = run::read_job(&run.submission)?.budget.max_total else {
            return Ok(());
        };
        let spent = self.spent_of_run(&run).await?;
        let scope = Scope::Run {
            id: run.id.clone(),
            name: run.name.clone(),
        };
        self.budget(&run.account, scope, limit, spent).await;
        Ok(())
    }

    async fn spent_of_run(&self, run: &Run) -> Result<Money, Error> {
        let mut spent = Money::ZERO;
        for pod in self.services.store.pod_list_of_run(&run.id).await? {
            let cost = money::cost_so_far(self.services, &pod).await?;
            spent = spent.saturating_plus(cost);
        }
        Ok(spent)
    }

    async fn limits(&mut self, stand: &AccountStand) -> Result<(), Error> {
        let today = Day::of(self.now);
        let limits = stand.settings.limits_in_force();
        if limits.day.is_none() && limits.month.is_none() {
            return Ok(());
        }
        let pods = self.services.store.pod_list(Some(&stand.id), Which::Live);
        let used = credit::used(self.services, &stand.id, &pods.await?).await?;
        let scopes = [
            (limits.day, Scope::Day(today), today),
            (
                limits.month,
                Scope::Month(today.month_start()),
                today.month_start(),
            ),
        ];
        for (limit, scope, from) in scopes {
            let Some(limit) = limit else {
                continue;
            };
            let until = today.next();
            let store = &self.services.store;
            let spent = store
                .account_spent(&stand.id, Period { from, until })
                .await?
                .saturating_plus(used.uncharged);
            self.budget(&stand.id, scope, limit, spent).await;
        }
        Ok(())
    }

    async fn budget(&mut self, account: &AccountId, scope: Scope, limit: Money, spent: Money) {
        let budget = Budget {
            account: account.clone(),
            scope,
            limit,
            spent,
        };
        let Some(notice) = budget.notice(self.now) else {
            return;
        };
        let key = format!("{account} {}", notice.key);
        if self.is_new(&key) {
            self.tell(key, notice).await;
        }
    }

    /// Says whether a key that is due was not at the last look.
    fn is_new(&mut self, key: &str) -> bool {
        if !self.before.contains(key) {
            return true;
        }
        self.told.insert(key.to_owned());
        false
    }

    /// Tells of something new. What could not be kept is as new at the next look.
    async fn tell(&mut self, key: String, notice: Notice) {
        self.tally.due += 1;
        match tell(self.services, notice).await {
            Kept::Yes => {
                self.told.insert(key);
            }
            Kept::No => self.tally.failed += 1,
        }
    }

    /// One pod whose books cannot be read hides no other.
    fn note(&mut self, looked: Result<(), Error>) {
        if let Err(error) = looked {
            self.tally.failed += 1;
            tracing::warn!(%error, "a reminder could not be looked at");
        }
    }
}
