//! What the users of accounts whose money runs short are told, each thing once.

use super::facts::Books;
use crate::error::Error;
use crate::reminders::{Kept, tell};
use crate::services::Services;
use livery_domain::credit::{Shortage, lasts};
use livery_domain::reminder::{Notice, NoticeKind};
use livery_store::AccountStand;
use livery_units::{Day, Money, Timestamp, counted};

const TOP_UP: &str = "Top it up with `livery redeem CODE`, or ask the control plane's owner";

/// Says why pods are stopped and runs ended.
pub(super) fn words(shortage: Shortage, stand: &AccountStand) -> String {
    let limits = stand.settings.limits_in_force();
    let amount = |limit: Option<Money>| limit.unwrap_or(Money::ZERO);
    match shortage {
        Shortage::Credit => "its account has no credit left".to_owned(),
        Shortage::Silence => "a host was silent, and if what is there ran on, its account has no \
                              credit left"
            .to_owned(),
        Shortage::DayLimit => format!(
            "the limit of {} a day is reached",
            amount(limits.day).shown()
        ),
        Shortage::MonthLimit => {
            format!(
                "the limit of {} a month is reached",
                amount(limits.month).shown()
            )
        }
    }
}

pub(super) async fn low(
    services: &Services,
    stand: &AccountStand,
    books: &Books,
    now: Timestamp,
) -> Result<(), Error> {
    // Once per top-up: after the next one it may run low again.
    let topped_up = services.store.account_last_top_up(&stand.id).await?;
    let key = format!("low-balance:{}", topped_up.map_or(0, Timestamp::millis));
    let left = books.facts.left.unwrap_or(Money::ZERO);
    let hourly = books.hourly();
    let lasts = lasts(left, hourly).map_or_else(String::new, |span| {
        format!(": at {} an hour it lasts {span}", hourly.shown())
    });
    let message = format!("the balance is {}{lasts}. {TOP_UP}", left.shown());
    tell(
        services,
        notice(stand, key, NoticeKind::LowBalance, message, now),
    )
    .await;
    Ok(())
}

pub(super) async fn run_out(
    services: &Services,
    stand: &AccountStand,
    books: &Books,
    since: Timestamp,
    now: Timestamp,
) {
    let key = format!("out-of-credit:{}", since.millis());
    let deletion = Day::of(since.after(stand.settings.grace));
    let has = books.facts.has;
    let message = format!(
        "account {} has no credit left: {} stopped, {} ended. Volumes are kept until {deletion} and \
         cost nothing until then. {TOP_UP}",
        stand.name,
        counted(has.pods, "pod is", "pods are"),
        counted(has.runs, "run is", "runs are"),
    );
    tell(
        services,
        notice(stand, key, NoticeKind::OutOfCredit, message, now),
    )
    .await;
}

pub(super) async fn last_warning(
    services: &Services,
    stand: &AccountStand,
    books: &Books,
    deletion: Timestamp,
    now: Timestamp,
) -> Kept {
    let key = format!("last-warning:{}", deletion.millis());
    let minutes = deletion.millis().div_euclid(60_000).rem_euclid(1_440);
    let message = format!(
        "account {} has no credit: {} with all its data on {} at {:02}:{:02} UTC. {TOP_UP}",
        stand.name,
        counted(
            books.facts.has.kept,
            "volume that it keeps will be deleted",
            "volumes that it keeps will be deleted"
        ),
        Day::of(deletion),
        minutes / 60,
        minutes % 60,
    );
    tell(
        services,
        notice(stand, key, NoticeKind::LastWarning, message, now),
    )
    .await
}

/// Says why pods stop although there is credit. It is told before they are, since nobody looks again at
/// pods that stop.
pub(super) async fn silent(
    services: &Services,
    stand: &AccountStand,
    books: &Books,
    now: Timestamp,
) {
    let key = format!("silence:{}", books.silent_since.unwrap_or(now).millis());
    let message = format!(
        "{} told to stop: {}. What it cost is known when the host answers; then `livery pod start` \
         starts them again if there is enough",
        counted(books.facts.has.pods, "pod is", "pods are"),
        words(Shortage::Silence, stand)
    );
    tell(
        services,
        notice(stand, key, NoticeKind::PolicyAction, message, now),
    )
    .await;
}

pub(super) async fn stopped(
    services: &Services,
    stand: &AccountStand,
    shortage: Shortage,
    count: usize,
    now: Timestamp,
) {
    let today = Day::of(now);
    let (key, until) = match shortage {
        // Told when it ran out, and before they are stopped.
        Shortage::Credit | Shortage::Silence => return,
        Shortage::DayLimit => (format!("day-limit:{today}"), "today"),
        Shortage::MonthLimit => (format!("month-limit:{}", today.month_start()), "this month"),
    };
    let message = format!(
        "{} stopped: {}. Nothing that costs can start {until}, unless `livery account set` raises \
         the limit",
        counted(count, "pod is", "pods are"),
        words(shortage, stand)
    );
    tell(
        services,
        notice(stand, key, NoticeKind::PolicyAction, message, now),
    )
    .await;
}

fn notice(
    stand: &AccountStand,
    key: String,
    kind: NoticeKind,
    message: String,
    at: Timestamp,
) -> Notice {
    Notice {
        key,
        account: stand.id.clone(),
        pod: None,
        kind,
        message,
        at,
    }
}
