//! Says which hosts are connected to this control plane, where several share a database.

use super::{BackgroundTask, TaskBoard};
use crate::error::Error;
use crate::services::{Plane, Services};
use async_trait::async_trait;
use livery_units::{HostId, Span, Timestamp};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;
use tokio::sync::{Mutex, Notify};

/// A control plane that has not said for so long that it lives is taken for dead.
const LIVES: Span = Span::from_secs(30);

/// How often it says so.
const BEAT: Span = Span::from_secs(10);

/// The task. It compares lists in memory, and writes when a host came or went, and now and then that
/// it lives.
pub(crate) struct Seats {
    plane: Plane,
    written: Mutex<Written>,
}

/// What the database was told.
#[derive(Default)]
struct Written {
    hosts: BTreeSet<HostId>,
    beat: Option<Timestamp>,
}

impl Seats {
    /// Takes the seats of a control plane that starts, before it claims anything; what its predecessor
    /// had is forgotten. The only one of a database has none.
    pub(crate) async fn begin(services: &Services) -> Result<Option<Self>, Error> {
        let Some(plane) = services.plane.clone() else {
            return Ok(None);
        };
        services.store.plane_begin().await?;
        let seats = Self {
            plane,
            written: Mutex::default(),
        };
        seats.write(services).await?;
        Ok(Some(seats))
    }

    async fn write(&self, services: &Services) -> Result<Value, Error> {
        let mut written = self.written.lock().await;
        let now = services.now();
        let fresh = |at: Timestamp| at <= now && now.since(at) < BEAT;
        if !written.beat.is_some_and(fresh) {
            let until = now.after(LIVES);
            services.store.plane_alive(&self.plane.name, until).await?;
            written.beat = Some(now);
        }
        let hosts = services.hosts.list().into_iter().map(|(id, _)| id);
        let hosts: BTreeSet<HostId> = hosts.collect();
        for host in written.hosts.difference(&hosts) {
            services.store.seat_leave(host).await?;
        }
        let mut here: BTreeSet<HostId> = written.hosts.intersection(&hosts).cloned().collect();
        for host in hosts {
            if here.contains(&host) {
                continue;
            }
            services.store.seat_take(&host).await?;
            services.board.pods.notify_one();
            here.insert(host);
        }
        let count = here.len();
        written.hosts = here;
        Ok(json!({ "hosts": count }))
    }
}

#[async_trait]
impl BackgroundTask for Seats {
    fn name(&self) -> &'static str {
        "seats"
    }

    fn period(&self) -> Span {
        Span::from_secs(1)
    }

    fn nudge<'b>(&self, _: &'b TaskBoard) -> Option<&'b Notify> {
        None
    }

    async fn activate(&self, services: &Arc<Services>) -> Value {
        match self.write(services).await {
            Ok(done) => done,
            Err(error) => json!({ "error": error.to_string() }),
        }
    }
}
