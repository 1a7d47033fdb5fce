//! Reminders: accounts are told what costs them money, each thing once.

mod closing;
mod deliver;
mod facade;
mod look;

pub use closing::{Closing, Resting, Running, Trouble};

pub(crate) use deliver::{DELIVERIES_EACH, DELIVERIES_MAX, TRY_TIMEOUT, carry};
pub(crate) use look::{Told, came_up, look};

use crate::error::Error;
use crate::services::Services;
use livery_domain::reminder::Notice;
use livery_notify::Reach;
use livery_store::{Credit, NoticeAdded};
use livery_units::{AccountId, Span, Timestamp};

/// Whether a notice is in the store, from where it is shown and delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kept {
    /// It is, now or from before.
    Yes,
    /// It could not be written; the log says why.
    No,
}

/// Has an account told of something, unless it was told before.
///
/// Whoever calls this has done its work already, so it never fails: what cannot be kept is logged,
/// and is told by the next look at the same state.
pub(crate) async fn tell(services: &Services, notice: Notice) -> Kept {
    match services.store.notice_add(&notice).await {
        Ok(NoticeAdded::New) => services.board.deliveries.notify_one(),
        Ok(NoticeAdded::Known) => {}
        Err(error) => {
            let (account, key) = (&notice.account, &notice.key);
            tracing::warn!(account.id = %account, key, %error, "a notice was not kept: {}", notice.message);
            return Kept::No;
        }
    }
    Kept::Yes
}

/// Returns where an account may send to: others than the machine's owner must not make the control
/// plane talk to what only it reaches.
pub(crate) async fn reach(services: &Services, account: &AccountId) -> Result<Reach, Error> {
    match services.store.account_fetch(account).await?.credit {
        Credit::Owner => Ok(Reach::Anywhere),
        Credit::Prepaid => Ok(Reach::Public),
    }
}

/// Returns the point in time `span` earlier.
pub(crate) fn before(now: Timestamp, span: Span) -> Timestamp {
    let millis = i64::try_from(span.millis()).unwrap_or(i64::MAX);
    Timestamp::from_millis(now.millis().saturating_sub(millis))
}
