//! What every use-case and task works with.

use crate::clock::Clock;
use crate::error::Error;
use crate::market;
use crate::tasks::TaskBoard;
use livery_content::OwnedContent;
use livery_domain::offer::{Offer, SupplierName};
use livery_host_api::{Host, HostDirectory};
use livery_store::Store;
use livery_supplier::{Access, SharedSupplier};
use livery_units::{
    AccountId, Bytes, ClaimToken, HostId, LaunchKey, Moment, PlaneId, PodId, RunId, Span, Timestamp,
};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::futures::Notified;

/// What an engine is made of.
pub struct Options {
    /// Rows and money.
    pub store: Store,
    /// Files of jobs and their results.
    pub content: Arc<OwnedContent>,
    /// Who provides machines.
    pub suppliers: Vec<SharedSupplier>,
    /// The hosts that are connected now.
    pub hosts: HostDirectory,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Where run logs are kept.
    pub logs_dir: PathBuf,
    /// Docker's `config.json`, in which the owner's logins at registries are looked up.
    pub docker_config: Option<PathBuf>,
    /// How much of the end of each task's output is kept.
    pub log_limit: Bytes,
    /// Whether other control planes work on the same store.
    pub peers: Peers,
}

/// How often those who wait look at what other control planes may have changed.
const PEERS_LOOK: Span = Span::from_secs(1);

/// Whether other control planes work on the same store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Peers {
    /// This is the only one: what a dead one had claimed is free at once.
    None,
    /// There may be others: what one has claimed is free when the claim expires, and what is on a host
    /// is driven by whom that host is connected to.
    Several(Plane),
}

/// Which of several control planes this is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plane {
    /// Its id; the same when it is started again, for it is where its runs' files are.
    pub id: PlaneId,
    /// How people find it.
    pub name: String,
}

/// The parts that use-cases and tasks share. Nothing here decides anything.
pub(crate) struct Services {
    pub(crate) store: Store,
    /// Which of several control planes this is; none when it is the only one.
    pub(crate) plane: Option<Plane>,
    pub(crate) content: Arc<OwnedContent>,
    pub(crate) suppliers: BTreeMap<SupplierName, SharedSupplier>,
    pub(crate) hosts: HostDirectory,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) logs_dir: PathBuf,
    pub(crate) docker_config: Option<PathBuf>,
    pub(crate) log_limit: Bytes,
    pub(crate) board: TaskBoard,
    pub(crate) catalogue: market::Keeper,
}

impl Services {
    pub(crate) fn new(options: Options) -> Self {
        let suppliers = options
            .suppliers
            .into_iter()
            .map(|supplier| (supplier.info().name, supplier))
            .collect();
        let (store, plane) = match options.peers {
            Peers::None => (options.store, None),
            Peers::Several(plane) => (options.store.of_plane(plane.id.clone()), Some(plane)),
        };
        Self {
            store,
            plane,
            content: options.content,
            suppliers,
            hosts: options.hosts,
            clock: options.clock,
            logs_dir: options.logs_dir,
            docker_config: options.docker_config,
            log_limit: options.log_limit,
            board: TaskBoard::default(),
            catalogue: market::Keeper::default(),
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(crate) fn moment(&self) -> Moment {
        self.clock.moment()
    }

    /// Waits by the engine's clock, whatever it goes by.
    pub(crate) async fn sleep(&self, span: Span) {
        self.clock.sleep(span).await;
    }

    /// Returns the supplier of that name.
    pub(crate) fn supplier(&self, name: &SupplierName) -> Result<&SharedSupplier, Error> {
        self.suppliers.get(name).ok_or_else(|| {
            Error::Unreachable(format!(
                "supplier {name} is not set up on this control plane"
            ))
        })
    }

    /// Returns the host agent that serves a pod; one that is connected to another control plane is
    /// reached there.
    pub(crate) async fn host(&self, access: &Access) -> Result<Arc<dyn Host>, Error> {
        let Access::Host { host, pod } = access;
        if let Some(connected) = self.hosts.get(host) {
            return Ok(connected);
        }
        self.must_not_be_elsewhere(host, &format!("pod {pod}"))
            .await?;
        Err(Error::Unreachable(format!("host {host} is not connected")))
    }

    /// Refuses what is on a host that is not connected here, but to another control plane.
    ///
    /// # Errors
    /// [`Error::Elsewhere`], which names that one.
    pub(crate) async fn must_not_be_elsewhere(
        &self,
        host: &HostId,
        what: &str,
    ) -> Result<(), Error> {
        if self.hosts.get(host).is_some() {
            return Ok(());
        }
        match self.store.seat_elsewhere(host, self.now()).await? {
            Some(other) => Err(Error::Elsewhere {
                what: format!("{what} is on host {host}, which is connected to"),
                plane: other.name,
            }),
            None => Ok(()),
        }
    }

    /// Returns whether a host is not connected here and may be to another control plane.
    pub(crate) fn is_out_of_reach(&self, host: Option<&HostId>) -> bool {
        let is_here = |host| self.hosts.get(host).is_some();
        self.plane.is_some() && !host.is_none_or(is_here)
    }

    /// Waits until something was announced, or others may have changed something: what they do is not
    /// announced here.
    pub(crate) async fn changes(&self, announced: Notified<'_>) {
        if self.plane.is_some() {
            tokio::select! {
                () = announced => {}
                () = self.sleep(PEERS_LOOK) => {}
            }
        } else {
            announced.await;
        }
    }

    /// Asks every supplier what it has; one that fails is logged and left out.
    pub(crate) async fn offers(&self) -> Vec<Offer> {
        let answers = self.answers().await;
        answers
            .into_iter()
            .filter_map(|(_, offers)| offers.ok())
            .flatten()
            .collect()
    }

    /// Asks every supplier what it has, and returns each one's answer, or why there is none.
    pub(crate) async fn answers(&self) -> Vec<(SupplierName, Result<Vec<Offer>, String>)> {
        let mut answers = Vec::new();
        for (name, supplier) in &self.suppliers {
            let answer = supplier.offers().await;
            let answer = answer.map_err(|error| {
                tracing::warn!(supplier = %name, %error, "no offers from a supplier");
                error.to_string()
            });
            answers.push((name.clone(), answer));
        }
        answers
    }

    /// Says that something that users wait for may have changed.
    pub(crate) fn announce(&self) {
        self.board.changed.notify_waiters();
    }

    /// Leaves the status row of an activation.
    pub(crate) async fn task_row_write(
        &self,
        name: &str,
        began: Timestamp,
        ended: Timestamp,
        result: &serde_json::Value,
    ) {
        if let Err(error) = self
            .store
            .task_status_set(name, began, ended, &result.to_string())
            .await
        {
            tracing::warn!(task = name, %error, "the status row of a task was not written");
        }
    }
}

/// Draws a fresh id of each kind.
pub(crate) mod fresh {
    use super::{AccountId, ClaimToken, LaunchKey, PodId, RunId};

    pub(crate) fn pod() -> PodId {
        PodId::from_entropy(rand::random())
    }

    pub(crate) fn run() -> RunId {
        RunId::from_entropy(rand::random())
    }

    pub(crate) fn account() -> AccountId {
        AccountId::from_entropy(rand::random())
    }

    pub(crate) fn launch_key() -> LaunchKey {
        LaunchKey::from_entropy(rand::random())
    }

    pub(crate) fn claim() -> ClaimToken {
        ClaimToken::from_entropy(rand::random())
    }
}
