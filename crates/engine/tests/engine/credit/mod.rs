//! Accounts whose money runs short: warned, stopped, kept, warned for the last time, deleted; and
//! everything that saves them.

mod accounts;
mod limits;
mod out;
mod paying;
mod silence;

use crate::support::{Bench, until};
use livery_domain::account::Standing;
use livery_domain::pod::{Observed, Phase, Pod};
use livery_domain::reminder::{Notice, NoticeKind};
use livery_engine::{AccountStand, Authority, Clock, Error, Posted, SettingsChange, TOP_UP_MIN};
use livery_store::Which;
use livery_units::{Day, Money, Span, Timestamp};

/// Seconds of an hour.
const HOURS: i64 = 3_600;

/// Seconds that pass at once near an account's end, so few that nobody takes them for silence.
const STEP: i64 = 20;

fn dollars(cents: i64) -> Money {
    Money::from_nanos(cents * 10_000_000)
}

/// A bench whose account is prepaid and has ten dollars; a pod burns a cent and a half a minute.
async fn prepaid() -> Bench {
    let mut bench = Bench::new().await;
    bench.clock.hurry(10);
    let lab = bench.engine.account_create("lab").await.unwrap();
    assert_eq!(lab.standing, Standing::Good);
    bench.account = lab.id;
    top_up(&bench, "first").await;
    bench
}

async fn top_up(bench: &Bench, reference: &str) {
    let posted = bench
        .engine
        .account_grant(&bench.account, TOP_UP_MIN, reference);
    assert_eq!(posted.await.unwrap(), Posted::New);
}

/// Settles nothing new, which wakes the task that sees to accounts.
async fn look(bench: &Bench) {
    settle(bench, SettingsChange::default()).await.unwrap();
}

async fn settle(bench: &Bench, change: SettingsChange) -> Result<AccountStand, Error> {
    let (engine, account) = (&bench.engine, &bench.account);
    engine
        .account_settle(account, &change, Authority::Owner)
        .await
}

async fn pod(bench: &Bench) -> Pod {
    let created = bench.engine.pod_create(&bench.account, bench.new_pod());
    let pod = created.await.unwrap();
    comes_to(bench, &pod, Phase::Running).await
}

async fn comes_to(bench: &Bench, pod: &Pod, wanted: Phase) -> Pod {
    until(&format!("the pod is {wanted}"), || async {
        look(bench).await;
        let pod = bench.engine.pod_fetch(&bench.account, pod.id.as_str());
        let pod = pod.await.unwrap();
        (pod.phase() == wanted).then_some(pod)
    })
    .await
}

async fn stand(bench: &Bench) -> AccountStand {
    bench.store.account_stand(&bench.account).await.unwrap()
}

async fn left(bench: &Bench) -> Money {
    bench.engine.balance(&bench.account).await.unwrap().left
}

async fn notices(bench: &Bench, kind: NoticeKind) -> Vec<Notice> {
    let rows = bench.store.notice_list(&bench.account, 1_000).await;
    let notices = rows.unwrap().into_iter().map(|row| row.notice);
    notices.filter(|notice| notice.kind == kind).collect()
}

async fn told(bench: &Bench, kind: NoticeKind) -> Notice {
    until(&format!("a notice of kind {kind}"), || async {
        look(bench).await;
        notices(bench, kind).await.into_iter().next()
    })
    .await
}

/// Puts the clock forward to ten minutes past midnight of a day, in UTC.
fn forward_to(bench: &Bench, day: Day) {
    let now = bench.clock.now();
    let wanted = day.start().after(Span::from_secs(600));
    let millis = wanted.millis() - now.millis();
    assert!(millis > 0, "{day} is in the past");
    bench.clock.forward(millis / 1_000);
}

fn now(bench: &Bench) -> Timestamp {
    bench.clock.now()
}

/// Lets the account's only pod burn until this much is left, to the second.
async fn burn_down_to(bench: &Bench, cents: i64) {
    // Its disks are counted as soon as they are there, and cost cents.
    let sheet = until("the pod is counted", || async {
        let sheet = bench.engine.balance(&bench.account).await.unwrap();
        (sheet.hourly > dollars(50)).then_some(sheet)
    })
    .await;
    let secs_to = |cents: i64| {
        let nanos = sheet.left.nanos() - cents * 10_000_000;
        (nanos * 3_600 / sheet.hourly.nanos()).max(0)
    };
    // Whoever looks between the jump of the clock and the host's answer takes the pod to be silent, and
    // stops it when that could have used everything up: so the last minutes pass in steps.
    let near = secs_to(cents + 3 * sheet.hourly.nanos() / 60 / 10_000_000);
    let mut left = secs_to(cents);
    bench.clock.stand_still();
    for step in std::iter::once(near).chain(std::iter::repeat(STEP)) {
        let step = step.min(left);
        bench.clock.forward(step);
        heard(bench).await;
        left -= step;
        if left == 0 {
            break;
        }
    }
    bench.clock.run_on();
}

/// Waits until everything that is up was heard of since now.
async fn heard(bench: &Bench) {
    let since = now(bench);
    until("all pods are heard of", || async {
        let pods = bench.store.pod_list(Some(&bench.account), Which::Live);
        let pods = pods.await.unwrap();
        let heard = |pod: &Pod| {
            let last = pod.counted.map(|counted| counted.at.wall);
            pod.observed != Observed::Up || last >= Some(since)
        };
        pods.iter().all(heard).then_some(())
    })
    .await;
}

fn code(error: &Error) -> &'static str {
    error.code()
}
