//! What is used and not charged yet: whoever asks for money is told of it all the same.

use super::owing::{HOUR, World, account, dollars, run};
use super::samples::{DISKS_UP, machine};
use super::{METERING_INTERVAL, cost_so_far};
use crate::clock::Clock;
use crate::credit;
use crate::tasks::{BackgroundTask, Metering};
use livery_domain::account::{AccountSettings, SpendingLimits};
use livery_domain::pod::Observed;
use livery_store::{Credit, Which};
use livery_units::{Money, Span};
use std::collections::BTreeSet;

/// Returns in how many minutes the meters of both pods are due again after they were read.
async fn due_again(world: &World) -> BTreeSet<u64> {
    world.pass(METERING_INTERVAL.millis().cast_signed());
    heard(world).await;
    Metering.activate(&world.services).await;
    let now = world.watch.now();
    let far = now.after(Span::from_secs(600));
    let due = world.services.store.meter_list_due(far, 100).await.unwrap();
    due.iter()
        .map(|one| one.due.since(now).secs().div_ceil(60))
        .collect()
}

#[test]
fn who_has_much_left_is_charged_every_few_minutes_and_everybody_else_every_minute() {
    run(async {
        // Two pods of some eight cents a minute each.
        for (credit, has, max_cost, minutes) in [
            (Credit::Prepaid, dollars(1_000), None, 4),
            (Credit::Owner, dollars(1), None, 4),
            (Credit::Prepaid, dollars(10), None, 1),
            (Credit::Prepaid, dollars(1_000), Some(dollars(100)), 1),
        ] {
            let world = World::new(credit, has, max_cost).await;
            let due = due_again(&world).await;
            assert_eq!(
                due,
                BTreeSet::from([minutes]),
                "{credit:?} {has} {max_cost:?}"
            );
            // What is not charged yet is known all the same.
            world.pass(2 * METERING_INTERVAL.millis().cast_signed());
            world.seen(0, Observed::Up).await;
            let row = world.row(0).await;
            let so_far = cost_so_far(&world.services, &row).await.unwrap();
            assert_eq!(so_far, cost_of(Span::from_secs(180)));
            world.end().await;
        }
    });
}

fn cost_of(span: Span) -> Money {
    let machine = machine().accrued(span).unwrap();
    machine.saturating_plus(DISKS_UP.accrued(span).unwrap())
}

/// The credit task reads an account's pods, and then what each has used: one that answers in between has
/// told what was silent.
#[test]
fn what_was_silent_is_not_counted_again_when_it_answers_meanwhile() {
    run(async {
        let world = World::new(Credit::Prepaid, dollars(200), None).await;
        let account = account();
        let list = world.services.store.pod_list(Some(&account), Which::Live);
        let pods = list.await.unwrap();
        world.pass(8 * HOUR);
        let used = || credit::used(&world.services, &account, &pods);
        let silent = used().await.unwrap();
        assert_eq!(silent.uncharged, Money::ZERO);
        assert!(silent.silent > Money::ZERO, "both are silent");
        world.seen(0, Observed::Up).await;
        world.seen(1, Observed::Up).await;
        let heard = used().await.unwrap();
        assert_eq!(
            (heard.uncharged, heard.silent),
            (silent.silent, Money::ZERO)
        );
    });
}

#[test]
fn a_limit_refuses_a_launch_by_what_is_not_charged_yet_too() {
    run(async {
        let world = World::new(Credit::Owner, dollars(1), None).await;
        // What was held is used up and charged.
        world.pass(2 * HOUR);
        heard(&world).await;
        Metering.activate(&world.services).await;
        let store = &world.services.store;
        let stand = store.account_stand(&account()).await.unwrap();
        assert_eq!(stand.held, Money::ZERO);
        let charged = Money::ZERO
            .saturating_minus(stand.balance)
            .saturating_plus(dollars(1));
        world.pass(3 * METERING_INTERVAL.millis().cast_signed());
        heard(&world).await;
        let uncharged = cost_of(Span::from_secs(180));
        let uncharged = uncharged.saturating_plus(uncharged);
        let limit = charged
            .saturating_plus(uncharged)
            .saturating_plus(dollars(1));
        let limits = SpendingLimits {
            day: None,
            month: Some(limit),
        };
        let settings = AccountSettings {
            limits,
            ..stand.settings
        };
        store.account_settle(&stand, &settings, None).await.unwrap();
        let may = async |hourly| credit::may_spend(&world.services, &account(), hourly).await;
        let more = dollars(1).saturating_plus(Money::from_nanos(1));
        assert_eq!(may(more).await.unwrap_err().code(), "MON003");
        may(dollars(1)).await.unwrap();
        world.end().await;
    });
}

async fn heard(world: &World) {
    for nth in 0..world.pods.len() {
        world.seen(nth, Observed::Up).await;
    }
}
