//! Network volumes: what is planned and shown for every state, and what may change.

use livery_domain::offer::SupplierName;
use livery_domain::pod::Wish;
use livery_domain::volume::{
    NetworkVolume, SMALLEST_VOLUME, VOLUME_FRESH, VolumeDesired, VolumeError, VolumeObserved,
    VolumePhase, VolumeStep, check_volume_name, check_volume_size, plan_volume,
};
use livery_units::{AccountId, Bytes, HostId, Money, Per, Rate, Span, Timestamp, VolumeId};

const SIZE: Bytes = Bytes::gib(10);

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(seconds * 1_000)
}

fn volume() -> NetworkVolume {
    NetworkVolume {
        id: VolumeId::from_entropy(1),
        account: AccountId::from_entropy(1),
        name: "data".to_owned(),
        size: SIZE,
        supplier: SupplierName::new("local"),
        host: HostId::from_entropy(1),
        rate: Rate {
            amount: Money::from_nanos(70_000_000),
            per: Per::Month,
        },
        desired: VolumeDesired::Present,
        observed: VolumeObserved::Unknown,
        reason: None,
        attempts: 0,
        created: at(0),
        began: None,
        kept_until: None,
        ended: None,
        observed_at: None,
        counted: None,
        generation: 0,
    }
}

#[test]
fn every_state_has_its_step_and_its_phase() {
    use VolumeDesired::{Gone, Present as Wanted};
    use VolumeObserved::{Absent, Present, Unknown};
    let now = at(1_000);
    let fresh = at(990);
    let rest = VolumeStep::Rest(fresh.after(VOLUME_FRESH));
    let half = Present(Bytes::gib(5));
    for (desired, observed, was_there, step, phase) in [
        (
            Wanted,
            Unknown,
            false,
            VolumeStep::Create,
            VolumePhase::Creating,
        ),
        (
            Wanted,
            Absent,
            false,
            VolumeStep::Create,
            VolumePhase::Creating,
        ),
        (
            Wanted,
            Unknown,
            true,
            VolumeStep::Observe,
            VolumePhase::Ready,
        ),
        (Wanted, Absent, true, rest, VolumePhase::Missing),
        (Wanted, half, true, VolumeStep::Grow, VolumePhase::Growing),
        (Wanted, Present(SIZE), true, rest, VolumePhase::Ready),
        (
            Gone,
            Unknown,
            false,
            VolumeStep::Delete,
            VolumePhase::Deleting,
        ),
        (
            Gone,
            Present(SIZE),
            true,
            VolumeStep::Delete,
            VolumePhase::Deleting,
        ),
        (Gone, Absent, true, VolumeStep::Close, VolumePhase::Deleting),
    ] {
        let volume = NetworkVolume {
            desired,
            observed,
            began: was_there.then_some(at(1)),
            observed_at: Some(fresh),
            ..volume()
        };
        assert_eq!(plan_volume(&volume, now), step, "{desired} {observed:?}");
        assert_eq!(volume.phase(), phase, "{desired} {observed:?}");
        let usable = matches!(phase, VolumePhase::Ready | VolumePhase::Growing);
        assert_eq!(volume.must_be_there().is_ok(), usable, "{phase}");
    }
    let gone = NetworkVolume {
        desired: Gone,
        observed: Absent,
        ended: Some(now),
        ..volume()
    };
    assert_eq!(gone.phase(), VolumePhase::Deleted);
}

#[test]
fn an_old_or_a_future_look_is_repeated() {
    let mut volume = volume();
    volume.saw(VolumeObserved::Present(SIZE), at(100));
    let until = at(100).after(VOLUME_FRESH);
    assert_eq!(plan_volume(&volume, at(159)), VolumeStep::Rest(until));
    assert_eq!(plan_volume(&volume, at(160)), VolumeStep::Observe);
    assert_eq!(plan_volume(&volume, at(99)), VolumeStep::Observe);
}

#[test]
fn only_confirmed_time_counts() {
    let mut volume = volume();
    volume.saw(VolumeObserved::Present(SIZE), at(100));
    volume.saw(VolumeObserved::Present(SIZE), at(160));
    assert_eq!(
        (volume.began, volume.kept_until),
        (Some(at(100)), Some(at(160)))
    );
    // The clock was set back.
    volume.saw(VolumeObserved::Present(SIZE), at(120));
    assert_eq!(volume.kept_until, Some(at(160)));
    let month = Span::from_secs(30 * 86_400);
    let price = volume.price().unwrap();
    assert_eq!(price.accrued(month), Ok(Money::from_nanos(700_000_000)));
    volume.saw(VolumeObserved::Absent, at(300));
    assert_eq!(volume.kept_until, Some(at(160)));
    assert_eq!(volume.price().unwrap().amount, Money::ZERO);
    assert!(
        volume
            .reason
            .clone()
            .unwrap()
            .contains("not there any more")
    );
    // It came back: the host's disk had not been mounted.
    volume.saw(VolumeObserved::Present(SIZE), at(360));
    assert_eq!((volume.phase(), volume.reason), (VolumePhase::Ready, None));
}

#[test]
fn a_volume_only_grows_and_only_while_it_is_there() {
    let mut volume = volume();
    let more = Bytes::gib(20);
    assert_eq!(
        volume.grow(more),
        Err(VolumeError::Phase(VolumePhase::Creating))
    );
    volume.saw(VolumeObserved::Present(SIZE), at(1));
    assert_eq!(volume.grow(SIZE), Ok(Wish::AsBefore));
    assert_eq!(volume.grow(more), Ok(Wish::Changed));
    // Until it has grown it costs what it is.
    assert_eq!(volume.price(), volume.rate.for_size(SIZE));
    let refused = volume.grow(SIZE).unwrap_err();
    assert!(refused.to_string().contains("can only grow"), "{refused}");
    volume.desired = VolumeDesired::Gone;
    assert_eq!(
        volume.grow(Bytes::gib(30)),
        Err(VolumeError::Phase(VolumePhase::Deleting))
    );
}

#[test]
fn names_and_sizes_that_cannot_be_are_refused() {
    for good in ["data", "LoRA_sets-2.1", "7", &"x".repeat(63)] {
        assert_eq!(check_volume_name(good), Ok(()), "{good}");
    }
    for bad in ["", "-x", ".", "a/b", "a b", "vol_x", "ä", &"x".repeat(64)] {
        assert!(check_volume_name(bad).is_err(), "{bad}");
    }
    assert_eq!(check_volume_size(SMALLEST_VOLUME), Ok(()));
    let small = Bytes::new(SMALLEST_VOLUME.get() - 1);
    assert_eq!(check_volume_size(small), Err(VolumeError::TooSmall(small)));
}
