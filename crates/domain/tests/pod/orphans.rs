//! What stands behind a lease, what may be ended unasked, and which pods must have a lease.

use crate::driver::pod;
use livery_domain::offer::SupplierName;
use livery_domain::orphan::{
    Listed, Orphan, OrphanKind, Remedy, TELL_AFTER, Tenants, is_missing, judge_lease,
    should_be_listed,
};
use livery_domain::pod::{Desired, Observed, Pod};
use livery_units::{LaunchKey, Span, Timestamp};

const NOW: Timestamp = Timestamp::from_millis(10_000_000);

fn known(foreign_id: Option<&str>, ended: Option<Timestamp>) -> Pod {
    Pod {
        foreign_id: foreign_id.map(str::to_owned),
        ended,
        ..pod(NOW)
    }
}

fn orphan(kind: OrphanKind, end_asked: Option<Timestamp>) -> Orphan {
    Orphan {
        supplier: SupplierName::new("cloud"),
        key: LaunchKey::from_entropy(1),
        foreign_id: "machine".into(),
        kind,
        pod: None,
        account: None,
        first_seen: NOW,
        last_seen: NOW,
        end_asked,
        gone: None,
        detail: None,
    }
}

#[test]
fn a_living_row_stands_behind_its_lease() {
    let cases = [
        // A launch under way, or one whose answer was lost: the row has no foreign id yet.
        (Some(known(None, None)), Listed::No, None),
        (Some(known(Some("machine"), None)), Listed::Yes, None),
        (
            Some(known(Some("machine"), Some(NOW))),
            Listed::Yes,
            Some(OrphanKind::Ended),
        ),
        (
            Some(known(None, Some(NOW))),
            Listed::No,
            Some(OrphanKind::Ended),
        ),
        (
            Some(known(Some("other"), None)),
            Listed::Yes,
            Some(OrphanKind::Double),
        ),
        // The other one may be this one under another name: nothing is certain.
        (Some(known(Some("other"), None)), Listed::No, None),
        (None, Listed::No, Some(OrphanKind::Unknown)),
    ];
    for (row, own, wanted) in cases {
        let supplier = pod(NOW).supplier().clone();
        let found = judge_lease(&supplier, "machine", row.as_ref(), |_| own);
        assert_eq!(found, wanted, "{row:?}, its own {own:?}");
    }
}

#[test]
fn a_row_of_another_name_of_the_same_account_stands_behind_it_too() {
    let second = SupplierName::new("the same cloud by another name");
    let living = known(Some("other"), None);
    assert_eq!(
        judge_lease(&second, "machine", Some(&living), |_| Listed::Yes),
        None
    );
    let ended = known(Some("other"), Some(NOW));
    let found = judge_lease(&second, "machine", Some(&ended), |_| Listed::Yes);
    assert_eq!(found, Some(OrphanKind::Ended));
}

#[test]
fn only_what_is_certainly_ours_is_ended_unasked() {
    use OrphanKind::{Double, Ended, Missing, Unknown};
    use Remedy::{End, Report};
    // Alone at the supplier, beside others, and beside others once somebody asked for its end.
    let table = [
        (Ended, [End, End, End]),
        (Double, [End, End, End]),
        (Unknown, [End, Report, End]),
        (Missing, [Report, Report, Report]),
    ];
    for (kind, wanted) in table {
        let found = [
            orphan(kind, None).remedy(Tenants::OnlyUs),
            orphan(kind, None).remedy(Tenants::OthersToo),
            orphan(kind, Some(NOW)).remedy(Tenants::OthersToo),
        ];
        assert_eq!(found, wanted, "{kind}");
    }
}

#[test]
fn what_a_supplier_lists_late_is_not_told_at_once() {
    let soon = NOW.after(Span::from_millis(TELL_AFTER.millis() - 1));
    for kind in [OrphanKind::Ended, OrphanKind::Double, OrphanKind::Unknown] {
        let orphan = orphan(kind, None);
        assert!(!orphan.is_worth_telling(soon), "{kind}");
        assert!(orphan.is_worth_telling(NOW.after(TELL_AFTER)), "{kind}");
    }
    assert!(orphan(OrphanKind::Missing, None).is_worth_telling(NOW));
}

#[test]
fn a_pod_must_be_listed_while_it_is_wanted_and_was_seen() {
    let wishes = [Desired::Running, Desired::Stopped, Desired::Gone];
    let sights = [
        (Observed::Unknown, false),
        (Observed::Absent, false),
        (Observed::Starting, true),
        (Observed::Up, true),
        (Observed::Down, true),
        (Observed::Lost, false),
    ];
    for desired in wishes {
        for (observed, seen) in sights {
            let row = |foreign_id, ended| Pod {
                desired,
                observed,
                ..known(foreign_id, ended)
            };
            let wanted = seen && desired != Desired::Gone;
            let found = should_be_listed(&row(Some("machine"), None));
            assert_eq!(found, wanted, "{desired}, {observed}");
            assert!(
                !should_be_listed(&row(None, None)),
                "nobody has heard of it"
            );
            assert!(!should_be_listed(&row(Some("machine"), Some(NOW))));
        }
    }
}

#[test]
fn silence_makes_nothing_missing() {
    let missing = [Observed::Absent, Observed::Lost];
    let there = [
        Observed::Unknown,
        Observed::Starting,
        Observed::Up,
        Observed::Down,
    ];
    assert!(missing.into_iter().all(is_missing));
    assert!(!there.into_iter().any(is_missing));
}
