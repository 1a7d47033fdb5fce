//! Background tasks: each takes no input, may run twice or late, does not retry inside, and leaves
//! a status that an operator can list. A nudge only makes it sooner.

mod activity;
mod content_sweep;
mod credit;
mod deliveries;
mod driving;
mod health;
mod log_sweep;
mod metering;
mod orphan_sweep;
mod pod_reconciler;
mod policy;
mod reminders;
mod run_reconciler;
mod seats;
mod volumes;

use crate::orphans::SweepLog;
use crate::services::Services;
use async_trait::async_trait;
use health::Health;
use livery_units::{Span, Timestamp};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub(crate) use driving::Seat;
pub(crate) use metering::Metering;
pub use metering::meters_read;
pub(crate) use pod_reconciler::PodReconciler;
pub(crate) use run_reconciler::RunReconciler;
pub(crate) use seats::Seats;

/// One kind of background work.
#[async_trait]
pub(crate) trait BackgroundTask: Send + Sync {
    /// Its name, as `livery debug tasks` shows it.
    fn name(&self) -> &'static str;

    /// How long after an activation the next one comes by itself.
    fn period(&self) -> Span;

    /// What wakes it before its period is over, if anything does.
    fn nudge<'b>(&self, board: &'b TaskBoard) -> Option<&'b Notify>;

    /// Does what there is to do now and says what that was; `error` in it says why nothing came of it.
    async fn activate(&self, services: &Arc<Services>) -> serde_json::Value;
}

/// The last activation of a task.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskStatus {
    /// Its name.
    pub name: String,
    /// How long after an activation the next one comes by itself.
    pub period: Span,
    /// How often it was activated since the control plane started.
    pub activations: u64,
    /// When the last activation began.
    pub began: Option<Timestamp>,
    /// How long it took.
    pub took: Option<Span>,
    /// What it did, in the task's own terms.
    pub result: serde_json::Value,
}

/// Wakes tasks and remembers what they did.
#[derive(Default)]
pub(crate) struct TaskBoard {
    /// Wakes the pod reconciler.
    pub(crate) pods: Notify,
    /// Wakes the volume reconciler.
    pub(crate) volumes: Notify,
    /// Wakes the run reconciler.
    pub(crate) runs: Notify,
    /// Wakes the look at what is to be told.
    pub(crate) reminders: Notify,
    /// Wakes the deliveries of notices.
    pub(crate) deliveries: Notify,
    /// Wakes the orphan sweep.
    pub(crate) orphans: Notify,
    /// When each supplier was last swept for orphans.
    pub(crate) sweeps: SweepLog,
    /// Wakes the sweep for volumes that no row stands for.
    pub(crate) strays: Notify,
    /// When each supplier was last swept for those.
    pub(crate) volume_sweeps: SweepLog,
    /// Wakes the task that sees to accounts.
    pub(crate) credit: Notify,
    /// Tells waiters that a pod, a run or an event changed.
    pub(crate) changed: Notify,
    statuses: Mutex<BTreeMap<&'static str, TaskStatus>>,
}

impl TaskBoard {
    /// Returns the last activation of every task, by name.
    pub(crate) fn statuses(&self) -> Vec<TaskStatus> {
        self.statuses
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .values()
            .cloned()
            .collect()
    }

    fn record(
        &self,
        task: &dyn BackgroundTask,
        began: Timestamp,
        took: Span,
        result: serde_json::Value,
    ) {
        let mut statuses = self.statuses.lock().unwrap_or_else(PoisonError::into_inner);
        let status = statuses.entry(task.name()).or_insert_with(|| TaskStatus {
            name: task.name().to_owned(),
            period: task.period(),
            activations: 0,
            began: None,
            took: None,
            result: serde_json::Value::Null,
        });
        status.activations += 1;
        status.began = Some(began);
        status.took = Some(took);
        status.result = result;
    }
}

/// Starts every task; they end when `stop` is cancelled, and `tracker` knows when they have.
pub(crate) fn spawn_all(
    services: &Arc<Services>,
    seats: Option<Seats>,
    stop: &CancellationToken,
    tracker: &TaskTracker,
) {
    let mut tasks: Vec<Arc<dyn BackgroundTask>> = vec![
        Arc::new(PodReconciler::new(stop.clone())),
        Arc::new(RunReconciler::new(stop.clone())),
        Arc::new(volumes::VolumeReconciler::new(stop.clone())),
        Arc::new(volumes::VolumeSweep),
        Arc::new(Metering),
        Arc::new(orphan_sweep::OrphanSweep),
        Arc::new(content_sweep::ContentSweep),
        Arc::new(log_sweep::LogSweep),
        Arc::new(activity::Activity::default()),
        Arc::new(policy::Policy),
        Arc::new(reminders::Reminders::default()),
        Arc::new(deliveries::Deliveries::new(stop.clone())),
        Arc::new(credit::Credit),
    ];
    if let Some(seats) = seats {
        tasks.push(Arc::new(seats));
    }
    for task in tasks {
        tracker.spawn(keep_active(task, services.clone(), stop.clone()));
    }
    tracker.close();
}

/// How often the status rows of unremarkable activations are written at most.
const STATUS_ROW_PERIOD: Span = Span::from_secs(60);

async fn keep_active(
    task: Arc<dyn BackgroundTask>,
    services: Arc<Services>,
    stop: CancellationToken,
) {
    let mut row_written: Option<Timestamp> = None;
    let mut health = Health::default();
    while !stop.is_cancelled() {
        let began = services.clock.now();
        let result = activated(&task, &services).await;
        let now = services.clock.now();
        health.note(task.name(), &result);
        services
            .board
            .record(&*task, began, now.since(began), result.clone());
        if row_written.is_none_or(|at| now.since(at) >= STATUS_ROW_PERIOD) {
            row_written = Some(now);
            services
                .task_row_write(task.name(), began, now, &result)
                .await;
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = services.sleep(task.period()) => {}
            () = nudged(&*task, &services.board) => {}
        }
    }
}

/// Activates a task, in a task of the runtime's own: one that panics is activated again.
async fn activated(task: &Arc<dyn BackgroundTask>, services: &Arc<Services>) -> serde_json::Value {
    let (task, services) = (Arc::clone(task), Arc::clone(services));
    let activation = tokio::spawn(async move { task.activate(&services).await });
    match activation.await {
        Ok(result) => result,
        Err(error) => serde_json::json!({ "error": health::why(error) }),
    }
}

async fn nudged(task: &dyn BackgroundTask, board: &TaskBoard) {
    match task.nudge(board) {
        Some(nudge) => nudge.notified().await,
        None => std::future::pending().await,
    }
}
