//! Reminders: accounts are told what costs them money, each thing once.

use crate::services::Services;
use livery_domain::reminder::Notice;
use livery_store::NoticeAdded;

/// Has an account told of something, unless it was told before.
///
/// Whoever calls this has done its work already, so it never fails: what cannot be kept is logged,
/// and is told by the next look at the same state.
pub(crate) async fn tell(services: &Services, notice: Notice) {
    match services.store.notice_add(&notice).await {
        Ok(NoticeAdded::New) => services.board.deliveries.notify_one(),
        Ok(NoticeAdded::Known) => {}
        Err(error) => {
            let (account, key) = (&notice.account, &notice.key);
            tracing::warn!(account.id = %account, key, %error, "a notice was not kept: {}", notice.message);
        }
    }
}
