//! When something that does not run and still costs gives a notice: a stopped pod's disk, a network
//! volume that no pod uses.
//!
//! It costs little by the hour and is easily forgotten for months, so it is told of after days, and
//! then weekly for as long as it is kept.

use super::schedule::DAILY;
use super::{Notice, NoticeKind, for_people};
use crate::pod::{Observed, Phase, Pod};
use crate::volume::{NetworkVolume, VolumePhase};
use livery_units::{Money, Per, Span, Timestamp};

/// Returns the last reminder that fell due within `elapsed`, as the time after the start, if any did.
pub fn last_kept_mark(elapsed: Span) -> Option<Span> {
    let days = elapsed.millis() / DAILY.millis();
    let mark = match days {
        0 => return None,
        1 => 1,
        2..4 => 2,
        4..7 => 4,
        7.. => days / 7 * 7,
    };
    Some(Span::from_millis(mark * DAILY.millis()))
}

/// Returns the notice that is due of a pod that is down and whose disk costs, if one is.
pub fn kept_pod(pod: &Pod, now: Timestamp) -> Option<Notice> {
    match pod.observed {
        Observed::Down => {}
        Observed::Unknown | Observed::Absent | Observed::Starting => return None,
        Observed::Up | Observed::Lost => return None,
    }
    match pod.phase() {
        Phase::Stopped | Phase::Exited => {}
        Phase::Pending | Phase::Starting | Phase::Running | Phase::Stopping => return None,
        Phase::Terminating | Phase::Terminated | Phase::Lost => return None,
    }
    let rates = pod.rates_kept().ok()?;
    let monthly = is_paid(rates.accrued(MONTH).ok()?)?;
    let since = pod.up_until.or(pod.started)?;
    let elapsed = now.since(since);
    let mark = last_kept_mark(elapsed)?.millis();
    let end = match &pod.run {
        Some(run) => format!("livery cancel {run}"),
        None => format!("livery pod terminate {}", pod.id),
    };
    Some(Notice {
        key: format!("kept/{}/{}/{mark}", pod.id, since.millis()),
        account: pod.account.clone(),
        pod: Some(pod.id.clone()),
        kind: NoticeKind::StillKept,
        message: format!(
            "pod {} has been down for {}, and its disk of {} costs {} a month. When it is needed no \
             more: {end}",
            pod.order.name,
            for_people(elapsed),
            pod.order.volume_disk,
            monthly.shown(),
        ),
        at: now,
    })
}

/// Returns the notice that is due of a network volume that costs and that nobody uses, if one is. Its
/// key ends with its mark, and is otherwise that of the volume's other notices: the last one is shown.
pub fn kept_volume(volume: &NetworkVolume, now: Timestamp) -> Option<Notice> {
    match volume.phase() {
        VolumePhase::Ready | VolumePhase::Growing => {}
        VolumePhase::Creating | VolumePhase::Missing => return None,
        VolumePhase::Deleting | VolumePhase::Deleted => return None,
    }
    let monthly = is_paid(volume.rate_now().ok()?.accrued(MONTH).ok()?)?;
    let since = volume.began?;
    let elapsed = now.since(since);
    let mark = last_kept_mark(elapsed)?.millis();
    let (name, size) = (&volume.name, volume.size);
    Some(Notice {
        key: format!("kept/{}/{}/{mark}", volume.id, since.millis()),
        account: volume.account.clone(),
        pod: None,
        kind: NoticeKind::StillKept,
        message: format!(
            "volume {name} of {size} is there for {}, no pod that runs uses it, and it costs {} a \
             month. When it is needed no more: livery volume delete {name}",
            for_people(elapsed),
            monthly.shown(),
        ),
        at: now,
    })
}

const MONTH: Span = Span::from_millis(Per::Month.millis());

fn is_paid(amount: Money) -> Option<Money> {
    Some(amount).filter(|amount| *amount > Money::ZERO)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::offer::SupplierName;
    use crate::pod::Desired;
    use crate::reminder::schedule::tests::pod;
    use crate::volume::{VolumeDesired, VolumeObserved};
    use livery_units::{AccountId, Bytes, HostId, Rate, RunId, VolumeId};

    fn day(days: u64) -> Timestamp {
        Timestamp::from_millis(0).after(Span::from_secs(days * 86_400))
    }

    fn rate() -> Rate {
        Rate {
            amount: Money::from_nanos(70_000_000),
            per: Per::Month,
        }
    }

    fn stopped() -> Pod {
        let mut pod = pod();
        pod.order.volume_disk = Bytes::gib(20);
        pod.offer.storage.stopped = rate();
        Pod {
            desired: Desired::Stopped,
            observed: Observed::Down,
            up_until: Some(day(0)),
            ..pod
        }
    }

    #[test]
    fn reminders_come_after_1_2_and_4_days_and_then_weekly() {
        let marks = [0, 1, 2, 3, 4, 6, 7, 13, 14, 365]
            .map(|days| last_kept_mark(Span::from_secs(days * 86_400)))
            .map(|mark| mark.map_or(0, |mark| mark.secs() / 86_400));
        assert_eq!(marks, [0, 1, 2, 2, 4, 4, 7, 7, 14, 364]);
    }

    #[test]
    fn a_stopped_pods_disk_is_told_of_when_it_costs() {
        let pod = stopped();
        assert_eq!(kept_pod(&pod, day(1)).unwrap().at, day(1));
        let early = Timestamp::from_millis(day(1).millis() - 1);
        assert_eq!(kept_pod(&pod, early), None);
        let notice = kept_pod(&pod, day(3)).unwrap();
        assert_eq!(notice.kind, NoticeKind::StillKept);
        assert_eq!(
            notice.message,
            format!(
                "pod train has been down for 3d, and its disk of 20 GiB costs $1.40 a month. When it \
                 is needed no more: livery pod terminate {}",
                pod.id
            )
        );
        let second = kept_pod(&pod, day(2)).unwrap();
        assert_eq!(notice.key, second.key, "of one mark there is one");
        assert_ne!(notice.key, kept_pod(&pod, day(4)).unwrap().key);
        let run = RunId::from_entropy(3);
        let of_run = Pod {
            run: Some(run.clone()),
            ..stopped()
        };
        let notice = kept_pod(&of_run, day(1)).unwrap();
        assert!(notice.message.ends_with(&format!("livery cancel {run}")));

        let mut free = stopped();
        free.offer.storage.stopped = Rate::FREE;
        let up = Pod {
            desired: Desired::Running,
            observed: Observed::Up,
            ..stopped()
        };
        let silent = Pod {
            observed: Observed::Unknown,
            ..stopped()
        };
        for other in [free, up, silent] {
            assert_eq!(kept_pod(&other, day(9)), None, "{other:?}");
        }
    }

    #[test]
    fn a_volume_is_told_of_when_it_costs() {
        let volume = NetworkVolume {
            id: VolumeId::from_entropy(1),
            account: AccountId::from_entropy(1),
            name: "data".to_owned(),
            size: Bytes::gib(20),
            supplier: SupplierName::new("local"),
            host: HostId::from_entropy(1),
            rate: rate(),
            desired: VolumeDesired::Present,
            observed: VolumeObserved::Present(Bytes::gib(20)),
            reason: None,
            attempts: 0,
            created: day(0),
            began: Some(day(0)),
            kept_until: Some(day(0)),
            ended: None,
            observed_at: Some(day(0)),
            counted: None,
            generation: 1,
        };
        assert_eq!(
            kept_volume(&volume, day(8)).unwrap().message,
            "volume data of 20 GiB is there for 8d, no pod that runs uses it, and it costs $1.40 a \
             month. When it is needed no more: livery volume delete data"
        );
        let gone = NetworkVolume {
            observed: VolumeObserved::Absent,
            ..volume.clone()
        };
        let free = NetworkVolume {
            rate: Rate::FREE,
            ..volume.clone()
        };
        let deleting = NetworkVolume {
            desired: VolumeDesired::Gone,
            ..volume
        };
        for other in [gone, free, deleting] {
            assert_eq!(kept_volume(&other, day(8)), None, "{other:?}");
        }
    }
}
