//! The whole surface of the control plane's core.

use crate::content::{self, ContentRoom};
use crate::error::Error;
use crate::money;
use crate::pod::{self, NewPod};
use crate::run;
use crate::services::{Options, Peers, Services};
use crate::tasks::{self, TaskStatus};
use livery_content::{OwnedContent, Quota};
use livery_domain::offer::Offer;
use livery_domain::placement::{Need, Preference, Ranking, rank};
use livery_domain::pod::{Desired, Pod};
use livery_domain::run::{Run, RunEvent, Submission};
use livery_host_api::dto::{ExecSpec, Stats};
use livery_host_api::{ByteStream, Follow, LogStream};
use livery_ledger::Book;
use livery_store::{Store, Which};
use livery_units::{AccountId, Money, RunId, Span};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// The control plane's core; cheap to clone.
#[derive(Clone)]
pub struct Engine {
    pub(crate) services: Arc<Services>,
    stop: CancellationToken,
    tasks: TaskTracker,
}

/// How the offers stand to a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explained {
    /// Those that fit, best first, and those that do not, with the reason.
    pub ranking: Ranking,
}

/// A ledger whose books balance, and what is in an account's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LedgerStand {
    /// Transfers of all accounts that were checked.
    pub transfers: u64,
    /// What the account can spend; below zero for one that may owe.
    pub balance: Money,
    /// What is held for its pods that are not over.
    pub held: Money,
}

impl Engine {
    /// Starts the background tasks and returns the engine.
    ///
    /// # Errors
    /// [`Error::Store`] when the claims and seats of a dead predecessor cannot be forgotten, or the store
    /// does not say what is held for pods that have ended.
    pub async fn start(options: Options) -> Result<Self, Error> {
        match &options.peers {
            Peers::None => options.store.claims_forget().await?,
            // The claims of the dead expire by themselves; those of the living are none of ours.
            Peers::Several(_) => {}
        }
        let services = Arc::new(Services::new(options));
        // Before anything is claimed: by that others know what is driven here.
        let seats = tasks::Seats::begin(&services).await?;
        let engine = Self {
            services,
            stop: CancellationToken::new(),
            tasks: TaskTracker::new(),
        };
        money::settle_over(&engine.services).await?;
        tasks::spawn_all(&engine.services, seats, &engine.stop, &engine.tasks);
        Ok(engine)
    }

    /// Ends the background tasks; pods run on, and another engine takes the runs up where they are.
    pub fn stop(&self) {
        self.stop.cancel();
    }

    /// Waits until the background tasks have ended after [`Engine::stop`]: nothing is claimed after
    /// that.
    pub async fn stopped(&self) {
        self.tasks.wait().await;
    }

    /// Returns every offer, ranked for a need.
    pub async fn offers(&self, need: &Need) -> Ranking {
        let offers: Vec<Offer> = self.services.offers().await;
        rank(
            offers,
            std::slice::from_ref(need),
            Preference::Cheapest,
            &[],
        )
    }

    /// Returns how the offers stand to a job, launching nothing.
    pub async fn explain(
        &self,
        account: &AccountId,
        submission: &Submission,
    ) -> Result<Explained, Error> {
        let job = run::read_job(submission)?;
        let volume = run::volume::of_job(&self.services, account, &job).await?;
        let wanted = run::volume::needs_at(&job, volume.as_ref());
        let offers = self.services.offers().await;
        Ok(Explained {
            ranking: rank(offers, &wanted.needs, wanted.preference, &[]),
        })
    }

    /// Accepts a pod; the reconciler makes it.
    pub async fn pod_create(&self, account: &AccountId, pod: NewPod) -> Result<Pod, Error> {
        pod.accept(&self.services, account).await
    }

    /// Returns an account's pods, newest first.
    pub async fn pod_list(&self, account: &AccountId, which: Which) -> Result<Vec<Pod>, Error> {
        Ok(self.services.store.pod_list(Some(account), which).await?)
    }

    /// Returns one pod by id or unique name.
    pub async fn pod_fetch(&self, account: &AccountId, id: &str) -> Result<Pod, Error> {
        pod::find(&self.services, account, id).await
    }

    /// Asks for a pod to be started again.
    pub async fn pod_start(&self, account: &AccountId, id: &str) -> Result<Pod, Error> {
        pod::want_by_user(&self.services, account, id, Desired::Running).await
    }

    /// Asks for a pod to be stopped.
    pub async fn pod_stop(&self, account: &AccountId, id: &str) -> Result<Pod, Error> {
        pod::want_by_user(&self.services, account, id, Desired::Stopped).await
    }

    /// Asks for a pod to be ended.
    ///
    /// # Errors
    /// [`Error::ServesRun`] for the pod of a run that is not over.
    pub async fn pod_terminate(&self, account: &AccountId, id: &str) -> Result<Pod, Error> {
        pod::want_by_user(&self.services, account, id, Desired::Gone).await
    }

    /// Waits until a pod is as wanted, or for that long.
    pub async fn pod_wait(&self, account: &AccountId, id: &str, most: Span) -> Result<Pod, Error> {
        pod::wait(&self.services, account, id, most).await
    }

    /// Runs an interactive command in a pod, once it is up; frames of `livery_host_api::frame` both
    /// ways.
    pub async fn pod_exec(
        &self,
        account: &AccountId,
        id: &str,
        spec: &ExecSpec,
        input: ByteStream,
    ) -> Result<ByteStream, Error> {
        pod::exec(&self.services, account, id, spec, input).await
    }

    /// Connects to a TCP port inside a pod.
    pub async fn pod_forward(
        &self,
        account: &AccountId,
        id: &str,
        port: u16,
        input: ByteStream,
    ) -> Result<ByteStream, Error> {
        pod::forward(&self.services, account, id, port, input).await
    }

    /// Returns what a pod uses.
    pub async fn pod_stats(&self, account: &AccountId, id: &str) -> Result<Stats, Error> {
        pod::stats(&self.services, account, id).await
    }

    /// Refuses a job that would not be accepted even if its files were in the content store.
    pub async fn run_check(
        &self,
        account: &AccountId,
        submission: &Submission,
    ) -> Result<(), Error> {
        run::check(&self.services, account, submission)
            .await
            .map(drop)
    }

    /// Accepts a run whose files are in the content store; the reconciler carries it out.
    pub async fn run_submit(
        &self,
        account: &AccountId,
        submission: Submission,
    ) -> Result<Run, Error> {
        run::submit(&self.services, account, submission).await
    }

    /// Returns an account's runs, newest first.
    pub async fn run_list(&self, account: &AccountId, which: Which) -> Result<Vec<Run>, Error> {
        Ok(self.services.store.run_list(Some(account), which).await?)
    }

    /// Returns one run by id or name.
    pub async fn run_fetch(&self, account: &AccountId, id: &str) -> Result<Run, Error> {
        run::find(&self.services, account, id).await
    }

    /// Asks for a run's end.
    pub async fn run_cancel(&self, account: &AccountId, id: &str) -> Result<Run, Error> {
        run::cancel(&self.services, account, id).await
    }

    /// Returns a run's events after `after_seq`, waiting up to `wait` for the first.
    pub async fn run_events(
        &self,
        run: &RunId,
        after_seq: i64,
        wait: Span,
    ) -> Result<Vec<RunEvent>, Error> {
        run::wait_events(&self.services, run, after_seq, wait).await
    }

    /// Returns whether a run's log and results are here.
    ///
    /// # Errors
    /// [`Error::Elsewhere`] when another control plane has them.
    pub async fn run_is_here(&self, run: &Run) -> Result<(), Error> {
        run::is_here(&self.services, run).await
    }

    /// Returns a run's output from `offset` on, or from where it begins if that was cut; with `follow`,
    /// until its training is over. It may end early, where something was cut: asked again from there,
    /// the next one says what.
    ///
    /// # Errors
    /// [`Error::Store`] when it cannot be read.
    pub async fn run_log(
        &self,
        run: &RunId,
        offset: u64,
        follow: Follow,
    ) -> Result<LogStream, Error> {
        run::read_log(self.services.clone(), run.clone(), offset, follow).await
    }

    /// Returns a run's receipt as it stands.
    pub async fn run_receipt(&self, run: &Run) -> Result<String, Error> {
        run::receipt(&self.services, run).await
    }

    /// Drops the results of a run that is over.
    pub async fn run_results_drop(&self, account: &AccountId, id: &str) -> Result<Run, Error> {
        run::drop_results(&self.services, account, id).await
    }

    /// Returns the content store that jobs' files are uploaded to and results are read from.
    pub fn content(&self) -> &Arc<OwnedContent> {
        &self.services.content
    }

    /// Returns how much an account may keep in it.
    pub async fn content_quota(&self, account: &AccountId) -> Result<Quota, Error> {
        content::quota(&self.services, account).await
    }

    /// Returns how much more an account may send to it.
    pub async fn content_room(&self, account: &AccountId) -> Result<ContentRoom, Error> {
        content::room(&self.services, account).await
    }

    /// Returns the store, for what has no rules of its own (tokens, settings).
    pub fn store(&self) -> &Store {
        &self.services.store
    }

    /// Checks every transfer and book of the ledger, and returns what an account's stand at.
    pub async fn ledger(&self, account: &AccountId) -> Result<LedgerStand, Error> {
        let store = &self.services.store;
        Ok(LedgerStand {
            transfers: store.ledger_check().await?,
            balance: store.balance(&Book::Balance(account.clone())).await?,
            held: store.balance(&Book::Held(account.clone())).await?,
        })
    }

    /// Returns the last activation of every background task.
    pub fn tasks(&self) -> Vec<TaskStatus> {
        self.services.board.statuses()
    }
}
