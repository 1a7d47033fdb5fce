//! What meters count, case by case: prices that change, disks that are kept, credit that runs out.

use livery_ledger::{Book, Item, Meter, Stretch, Subject, Then, plan};
use livery_units::{AccountId, Money, PodId, Rate, Timestamp};

fn subject(item: Item) -> Subject {
    Subject {
        account: AccountId::from_entropy(1),
        item,
        pod: Some(PodId::from_entropy(1)),
        run: None,
        volume: None,
        payee: Book::Earned("elsewhere".to_owned()),
    }
}

/// Plans from nothing, step by step, each from the last meter of the one before.
fn follow(item: Item, steps: &[(&[Stretch], Then)]) -> Vec<Meter> {
    let mut meters: Vec<Meter> = Vec::new();
    for (stretches, then) in steps {
        let last = meters.last().cloned();
        let changes = plan(&subject(item), last.as_ref(), stretches, *then).unwrap();
        for change in changes {
            if let Some(before) = &change.before {
                assert_eq!(meters.pop().as_ref(), Some(before));
            }
            meters.push(change.after);
        }
    }
    meters
}

fn spans(meters: &[Meter]) -> Vec<(i64, i64, bool)> {
    let span = |m: &Meter| (m.began.millis(), m.until.millis(), m.closed.is_some());
    meters.iter().map(span).collect()
}

const fn stretch(began: i64, until: i64, nanos: i64) -> Stretch {
    Stretch {
        began: Timestamp::from_millis(began),
        rate: Rate::hourly(Money::from_nanos(nanos)),
        until: Timestamp::from_millis(until),
    }
}

#[test]
fn a_price_changes_on_a_whole_second() {
    let meters = follow(
        Item::Compute,
        &[
            (&[stretch(500, 10_400, 36)], Then::GoesOn),
            (&[stretch(500, 20_700, 72)], Then::GoesOn),
            (&[stretch(500, 30_700, 72)], Then::Over),
        ],
    );
    let wanted = [(500, 9_500, true), (9_500, 30_700, true)];
    assert_eq!(spans(&meters), wanted);
    let secs: Vec<u64> = meters.iter().map(|m| m.counted().secs()).collect();
    assert_eq!(secs, [9, 21], "30 whole seconds, as without the change");
}

#[test]
fn disks_are_counted_without_a_gap_and_a_machine_only_while_it_is_up() {
    let up = stretch(1_000, 5_000, 10);
    let kept = stretch(5_000, 9_000, 2);
    let again = stretch(20_000, 26_000, 10);
    let steps: [(&[Stretch], Then); 3] = [
        (&[up], Then::GoesOn),
        (&[up, kept], Then::GoesOn),
        (&[again], Then::GoesOn),
    ];
    let disks = follow(Item::Storage, &steps);
    let wanted = [
        (1_000, 5_000, true),
        (5_000, 20_000, true),
        (20_000, 26_000, false),
    ];
    assert_eq!(spans(&disks), wanted);
    let steps: [(&[Stretch], Then); 2] = [(&[up], Then::Over), (&[again], Then::GoesOn)];
    let machine = follow(Item::Compute, &steps);
    let wanted = [(1_000, 5_000, true), (20_000, 26_000, false)];
    assert_eq!(spans(&machine), wanted);
}

#[test]
fn what_was_never_looked_at_in_time_is_counted_late() {
    let up = stretch(1_000, 5_000, 10);
    let kept = stretch(5_000, 9_000, 2);
    let late = follow(Item::Storage, &[(&[up, kept], Then::GoesOn)]);
    assert_eq!(spans(&late), [(1_000, 5_000, true), (5_000, 9_000, false)]);
    let lost = follow(Item::Compute, &[(&[up], Then::Over)]);
    assert_eq!(spans(&lost), [(1_000, 5_000, true)]);
    let nothing = stretch(7_000, 7_000, 10);
    assert_eq!(follow(Item::Compute, &[(&[nothing], Then::Over)]), []);
}

#[test]
fn who_has_no_credit_is_charged_nothing_for_what_is_kept() {
    let up = stretch(1_000, 5_000, 10);
    let kept = |until| stretch(5_000, until, 2);
    let meters = follow(
        Item::Storage,
        &[
            (&[up, kept(9_000)], Then::GoesOn),
            (&[up, kept(70_000)], Then::Waived),
            (&[up, kept(90_000)], Then::Waived),
            (&[up, kept(100_000)], Then::GoesOn),
            (&[up, kept(160_000)], Then::GoesOn),
        ],
    );
    let wanted = [
        (1_000, 5_000, true),
        (5_000, 9_000, true),
        (100_000, 160_000, false),
    ];
    assert_eq!(spans(&meters), wanted);
    let out_at_stop = follow(
        Item::Storage,
        &[
            (&[up], Then::GoesOn),
            (&[up, kept(50_000)], Then::Waived),
            (&[up, kept(100_000)], Then::GoesOn),
        ],
    );
    let wanted = [
        (1_000, 5_000, true),
        (5_000, 5_000, true),
        (100_000, 100_000, false),
    ];
    assert_eq!(spans(&out_at_stop), wanted);
}

#[test]
fn a_clock_that_was_set_back_charges_nothing_twice() {
    let meters = follow(
        Item::Storage,
        &[
            (&[stretch(0, 60_000, 10)], Then::GoesOn),
            (&[stretch(0, 20_000, 10)], Then::GoesOn),
            (
                &[stretch(0, 20_000, 10), stretch(20_000, 30_000, 2)],
                Then::GoesOn,
            ),
        ],
    );
    assert_eq!(spans(&meters), [(0, 60_000, true), (60_000, 60_000, false)]);
}

#[test]
fn what_is_used_past_a_moment_is_charged_to_nobody() {
    let up = |until| stretch(1_000, until, 10);
    let machine = follow(
        Item::Compute,
        &[
            (&[up(5_000)], Then::GoesOn),
            (
                &[up(90_000)],
                Then::WaivedFrom(Timestamp::from_millis(7_500)),
            ),
            (&[up(95_000)], Then::Waived),
            (&[up(100_000)], Then::GoesOn),
            (&[up(101_000)], Then::Over),
        ],
    );
    let wanted = [(1_000, 7_500, true), (100_000, 101_000, true)];
    assert_eq!(spans(&machine), wanted);
    // One of which nothing may be charged is known for one that was waived, also when it is over.
    let none = Then::WaivedFrom(Timestamp::from_millis(1_000));
    let machine = follow(
        Item::Compute,
        &[(&[up(90_000)], none), (&[up(90_000)], Then::Over)],
    );
    assert_eq!(spans(&machine), [(1_000, 1_000, true)]);
    let kept = stretch(5_000, 90_000, 2);
    let waived = |end| Then::WaivedFrom(Timestamp::from_millis(end));
    let disks = |end| {
        let goes_on = Then::GoesOn;
        follow(
            Item::Storage,
            &[(&[up(2_000)], goes_on), (&[up(5_000), kept], waived(end))],
        )
    };
    let wanted = [(1_000, 3_000, true), (5_000, 5_000, true)];
    assert_eq!(spans(&disks(3_000)), wanted);
    let wanted = [(1_000, 5_000, true), (5_000, 9_000, true)];
    assert_eq!(spans(&disks(9_000)), wanted);
}
