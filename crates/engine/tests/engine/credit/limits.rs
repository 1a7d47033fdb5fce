//! Limits per day and month.

use super::{
    HOURS, code, comes_to, dollars, forward_to, notices, now, pod, prepaid, settle, stand,
};
use crate::support::{Bench, until};
use livery_domain::account::Standing;
use livery_domain::pod::Phase;
use livery_domain::reminder::NoticeKind;
use livery_engine::{Authority, SettingsChange};
use livery_units::Day;

#[tokio::test]
async fn the_limit_of_a_day_ends_at_midnight() {
    let bench = prepaid().await;
    let tomorrow = Day::of(now(&bench)).next();
    forward_to(&bench, tomorrow);
    let first = pod(&bench).await;
    let hourly = first.offer.price.per_hour();
    let limit = hourly.saturating_plus(hourly).saturating_plus(dollars(1));
    let change = SettingsChange {
        limit_day: Some(Some(limit)),
        ..SettingsChange::default()
    };
    settle(&bench, change).await.unwrap();
    // One more hour fits, and then no other.
    let second = bench.engine.pod_create(&bench.account, bench.new_pod());
    let second = comes_to(&bench, &second.await.unwrap(), Phase::Running).await;
    let third = bench.engine.pod_create(&bench.account, bench.new_pod());
    let refused = third.await.unwrap_err();
    assert_eq!(code(&refused), "MON003", "{refused}");
    assert!(refused.to_string().contains("a day"), "{refused}");

    bench.clock.forward(60 * 60 - 20);
    let words = format!("stopped: the limit of {limit} a day is reached");
    for pod in [&first, &second] {
        let stopped = comes_to(&bench, pod, Phase::Stopped).await;
        assert_eq!(stopped.ruled.as_ref(), Some(&words));
    }
    let sheet = bench.engine.balance(&bench.account).await.unwrap();
    assert!(sheet.spent.day <= limit, "{} of {limit}", sheet.spent.day);
    assert_eq!(stand(&bench).await.standing, Standing::Good);
    assert_eq!(notices(&bench, NoticeKind::PolicyAction).await.len(), 1);
    let start = bench.engine.pod_start(&bench.account, first.id.as_str());
    assert_eq!(code(&start.await.unwrap_err()), "MON003");

    forward_to(&bench, tomorrow.next());
    let start = bench.engine.pod_start(&bench.account, first.id.as_str());
    start.await.unwrap();
    comes_to(&bench, &first, Phase::Running).await;
    bench.store.ledger_check().await.unwrap();
}

#[tokio::test]
async fn the_limit_of_a_month_ends_with_it_for_owners_too() {
    let bench = Bench::new().await;
    let mut first = Day::of(now(&bench)).next();
    while first.ymd().2 != 1 {
        first = first.next();
    }
    forward_to(&bench, first);
    let box_ = pod(&bench).await;
    let hourly = box_.offer.price.per_hour();
    let change = SettingsChange {
        limit_month: Some(Some(hourly.saturating_plus(hourly))),
        ..SettingsChange::default()
    };
    settle(&bench, change).await.unwrap();
    // A little over an hour, so that another does not just fit.
    bench.clock.forward(HOURS + 10);
    until("an hour is spent", || async {
        let sheet = bench.engine.balance(&bench.account).await.unwrap();
        (sheet.spent.month >= hourly).then_some(())
    })
    .await;
    bench.engine.pod_stop(&bench.account, "box").await.unwrap();
    comes_to(&bench, &box_, Phase::Stopped).await;
    // Two days later it is still the same month.
    forward_to(&bench, first.next().next());
    let start = bench.engine.pod_start(&bench.account, "box").await;
    assert_eq!(code(&start.unwrap_err()), "MON003");
    let mut next = first.next();
    while next.ymd().2 != 1 {
        next = next.next();
    }
    forward_to(&bench, next);
    bench.engine.pod_start(&bench.account, "box").await.unwrap();
    comes_to(&bench, &box_, Phase::Running).await;
    let sheet = bench.engine.balance(&bench.account).await.unwrap();
    assert!(sheet.left.is_negative(), "an owner may owe");
    assert_eq!(sheet.empty_at, None);
}

#[tokio::test]
async fn a_limit_that_the_owner_has_set_is_not_lifted_by_the_accounts_user() {
    let bench = prepaid().await;
    let own = async |limit_day| {
        let change = SettingsChange {
            limit_day: Some(limit_day),
            ..SettingsChange::default()
        };
        let (engine, account) = (&bench.engine, &bench.account);
        let settled = engine.account_settle(account, &change, Authority::User);
        settled.await.unwrap().settings.limits_in_force().day
    };
    let owners = SettingsChange {
        limit_day: Some(Some(dollars(10))),
        ..SettingsChange::default()
    };
    settle(&bench, owners).await.unwrap();
    for lifted in [None, Some(dollars(100_000))] {
        assert_eq!(own(lifted).await, Some(dollars(10)));
        let refused = bench.engine.pod_create(&bench.account, bench.new_pod());
        let refused = refused.await.unwrap_err();
        assert_eq!(code(&refused), "MON003", "{refused}");
        assert!(refused.to_string().contains("owner has set"), "{refused}");
        assert!(refused.hint().unwrap().contains("ask"), "{refused}");
    }
    // Its own may be lower, and holds then whatever the owner allows.
    assert_eq!(own(Some(dollars(5))).await, Some(dollars(5)));
    let allowed = SettingsChange {
        limit_day: Some(None),
        ..SettingsChange::default()
    };
    let stand = settle(&bench, allowed).await.unwrap();
    assert_eq!(stand.settings.limits_in_force().day, Some(dollars(5)));
    let refused = bench.engine.pod_create(&bench.account, bench.new_pod());
    let refused = refused.await.unwrap_err();
    assert!(refused.hint().unwrap().contains("account set"), "{refused}");
    assert_eq!(own(None).await, None);
    pod(&bench).await;
}

#[tokio::test]
async fn a_limit_holds_for_pods_that_are_made_at_the_same_time() {
    let bench = prepaid().await;
    let hourly = {
        let probe = pod(&bench).await;
        let gone = bench
            .engine
            .pod_terminate(&bench.account, probe.id.as_str());
        gone.await.unwrap();
        comes_to(&bench, &probe, Phase::Terminated).await;
        probe.offer.price.per_hour()
    };
    let spent = bench
        .engine
        .balance(&bench.account)
        .await
        .unwrap()
        .spent
        .day;
    let two = spent.saturating_plus(hourly).saturating_plus(hourly);
    let change = SettingsChange {
        limit_day: Some(Some(two.saturating_plus(dollars(1)))),
        ..SettingsChange::default()
    };
    settle(&bench, change).await.unwrap();
    let many = (0..8).map(|_| bench.engine.pod_create(&bench.account, bench.new_pod()));
    let made = futures_util::future::join_all(many).await;
    let (made, refused): (Vec<_>, Vec<_>) = made.into_iter().partition(Result::is_ok);
    assert_eq!(made.len(), 2, "{refused:?}");
    for refused in refused {
        assert_eq!(code(&refused.unwrap_err()), "MON003");
    }
}
