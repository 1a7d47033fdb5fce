//! Letters are carried to real receivers: HTTP servers on the loopback, Debian's SMTP server in
//! Python, and a notification daemon on a session bus.

#![allow(clippy::print_stdout, reason = "skip reasons")]

mod certificate;
mod desktop;
mod hooks;
mod mail;
mod receiver;

use livery_domain::reminder::{Notice, NoticeKind};
use livery_notify::Letter;
use livery_units::{AccountId, PodId, Timestamp};

/// A letter with what receivers could trip over.
fn letter(kind: NoticeKind) -> Letter {
    Letter::of(&Notice {
        key: "running/pod_1/ä".to_owned(),
        account: AccountId::from_entropy(1),
        pod: Some(PodId::from_entropy(2)),
        kind,
        message: "pod <train> & @everyone has run for 2h — $1.38 so far".to_owned(),
        at: Timestamp::from_millis(1_748_781_005_000),
    })
}

fn now() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let millis = since.unwrap().as_millis();
    Timestamp::from_millis(i64::try_from(millis).unwrap())
}
