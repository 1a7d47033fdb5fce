//! Carries notices to channels, and again until they have taken them.

use super::reach;
use crate::error::Error;
use crate::services::Services;
use livery_domain::reminder::retry::next_try;
use livery_notify::Letter;
use livery_store::{Delivery, Error as StoreError, Tried};
use livery_units::Span;
use std::sync::Arc;

/// How long one try may take in all.
pub(crate) const TRY_TIMEOUT: Span = Span::from_secs(90);

/// Tries that are under way at the same time.
pub(crate) const DELIVERIES_MAX: u32 = 64;

/// Those of one account among them: receivers that hang take nobody else's reminders from them.
pub(crate) const DELIVERIES_EACH: u32 = 8;

/// How often what came of a try is written before it is left to the next try. Until it is written,
/// the receiver may get the letter again, with the same id.
const WRITES_MAX: u32 = 5;
const WRITE_REST: Span = Span::from_millis(200);

/// Tries one delivery and notes what came of it.
pub(crate) async fn carry(services: Arc<Services>, delivery: Delivery) {
    let sent = send(&services, &delivery).await;
    let tried = outcome(&services, &delivery, sent);
    let (account, channel) = (&delivery.channel.account, &delivery.channel.name);
    for _ in 0..WRITES_MAX {
        let now = services.now();
        match services.store.delivery_tried(&delivery, &tried, now).await {
            Ok(()) => return,
            Err(StoreError::Stale) => {
                tracing::debug!(account.id = %account, channel, "a delivery was taken by another, or its channel is gone");
                return;
            }
            Err(error) => {
                tracing::warn!(account.id = %account, channel, %error, "what came of a delivery was not noted");
                tokio::time::sleep(WRITE_REST.to_std()).await;
            }
        }
    }
}

async fn send(services: &Services, delivery: &Delivery) -> Result<String, Error> {
    let reach = reach(services, &delivery.channel.account).await?;
    let letter = Letter::of(&delivery.notice);
    let sending = livery_notify::send(&delivery.channel.route, &letter, reach, services.now());
    match tokio::time::timeout(TRY_TIMEOUT.to_std(), sending).await {
        Ok(sent) => Ok(sent?),
        Err(_) => {
            let why = format!("it was not taken within {TRY_TIMEOUT}");
            Err(livery_notify::Error::Unreachable(why).into())
        }
    }
}

fn outcome(services: &Services, delivery: &Delivery, sent: Result<String, Error>) -> Tried {
    let error = match sent {
        Ok(_) => return Tried::Sent,
        Err(error) => error,
    };
    let (account, channel) = (&delivery.channel.account, &delivery.channel.name);
    tracing::warn!(account.id = %account, channel, attempts = delivery.attempts, %error, "a reminder was not delivered");
    let problem = error.to_string();
    let (is_final, wait) = match &error {
        Error::Notify(error) => (error.is_final(), error.wait()),
        // Our own troubles pass.
        _ => (false, None),
    };
    let next = next_try(delivery.attempts, wait, delivery.first_try, services.now());
    match next.filter(|_| !is_final) {
        Some(due) => Tried::Again { due, problem },
        None => Tried::Failed { problem },
    }
}
