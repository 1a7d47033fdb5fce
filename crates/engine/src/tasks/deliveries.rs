//! Carries notices to the channels of their accounts.

use super::{BackgroundTask, TaskBoard};
use crate::reminders::{DELIVERIES_EACH, DELIVERIES_MAX, TRY_TIMEOUT, before, carry};
use crate::services::Services;
use async_trait::async_trait;
use livery_units::{Span, Timestamp};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// Claims deliveries that are due and tries each in a task of its own, so that a receiver that hangs
/// holds nobody else up.
pub(crate) struct Deliveries {
    stop: CancellationToken,
    under_way: Arc<AtomicU32>,
    forgotten: Mutex<Option<Timestamp>>,
}

/// How long what was told is listed.
const KEEP: Span = Span::from_secs(90 * 86_400);

/// How often what is older is looked for.
const FORGET_PERIOD: Span = Span::from_secs(3_600);

impl Deliveries {
    pub(crate) fn new(stop: CancellationToken) -> Self {
        Self {
            stop,
            under_way: Arc::default(),
            forgotten: Mutex::default(),
        }
    }

    async fn forget_old(&self, services: &Services) {
        let now = services.now();
        {
            let mut last = self
                .forgotten
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            if last.is_some_and(|last| now.since(last) < FORGET_PERIOD && last <= now) {
                return;
            }
            *last = Some(now);
        }
        if let Err(error) = services.store.notice_forget(before(now, KEEP)).await {
            tracing::warn!(%error, "old notices were not forgotten");
        }
    }
}

#[async_trait]
impl BackgroundTask for Deliveries {
    fn name(&self) -> &'static str {
        "deliveries"
    }

    fn period(&self) -> Span {
        Span::from_secs(1)
    }

    fn nudge<'b>(&self, board: &'b TaskBoard) -> Option<&'b Notify> {
        Some(&board.deliveries)
    }

    async fn activate(&self, services: &Arc<Services>) -> Value {
        self.forget_old(services).await;
        let room = DELIVERIES_MAX.saturating_sub(self.under_way.load(Ordering::Relaxed));
        let now = services.now();
        // Longer than a try may take, so that nobody else begins the same one meanwhile.
        let until = now.after(TRY_TIMEOUT).after(TRY_TIMEOUT);
        let store = &services.store;
        let claimed = match store
            .delivery_claim(now, until, room, DELIVERIES_EACH)
            .await
        {
            Ok(claimed) => claimed,
            Err(error) => return json!({ "error": error.to_string() }),
        };
        let count = claimed.len();
        for delivery in claimed {
            let (services, stop) = (services.clone(), self.stop.clone());
            let seat = Seat::take(&self.under_way);
            tokio::spawn(async move {
                tokio::select! {
                    () = carry(services, delivery) => {}
                    () = stop.cancelled() => {}
                }
                drop(seat);
            });
        }
        json!({ "tried": count, "under_way": self.under_way.load(Ordering::Relaxed) })
    }
}

/// Counts a try while it is under way, also one that panics.
struct Seat(Arc<AtomicU32>);

impl Seat {
    fn take(count: &Arc<AtomicU32>) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count.clone())
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
