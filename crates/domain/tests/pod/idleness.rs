//! Looks at a pod's use, in any order: what is use, what is noise, and how long nothing happened.

use livery_domain::pod::{Activity, PodUse, Usage, WINDOW_LEAST, used};
use livery_units::{Bytes, Span, Timestamp};
use proptest::prelude::*;

const NOW: Timestamp = Timestamp::from_millis(1_000_000);

fn usage(uptime_secs: u64) -> Usage {
    Usage {
        host_uptime: Span::from_secs(uptime_secs),
        cpu_micros: 1_000_000,
        network: Bytes::new(1 << 20),
        written: Bytes::new(1 << 20),
        gpu_at: Some(Span::from_secs(90)),
        session_at: Some(Span::from_secs(95)),
    }
}

#[test]
fn each_kind_of_use_counts_and_noise_does_not() {
    let before = usage(100);
    let idle = usage(130);
    assert_eq!(used(&before, &idle), None);
    // Half a minute: half of what a minute allows is noise, one more is use.
    let cpu = |micros| Usage {
        cpu_micros: idle.cpu_micros + micros,
        ..idle
    };
    let gpu = |at| Usage { gpu_at: at, ..idle };
    let network = |bytes| Usage {
        network: Bytes::new(idle.network.get() + bytes),
        ..idle
    };
    let written = |bytes| Usage {
        written: Bytes::new(idle.written.get() + bytes),
        ..idle
    };
    let session = |at| Usage {
        session_at: at,
        ..idle
    };
    let at = |secs| Some(Span::from_secs(secs));
    for (after, wanted) in [
        (cpu(300_000), None),
        (cpu(300_001), Some(PodUse::Cpu)),
        (gpu(at(100)), None),
        (gpu(at(101)), Some(PodUse::Gpu)),
        (network(32 << 10), None),
        (network((32 << 10) + 1), Some(PodUse::Network)),
        (written(32 << 10), None),
        (written((32 << 10) + 1), Some(PodUse::Disk)),
        (session(at(100)), None),
        (session(at(130)), Some(PodUse::Session)),
        // The agent was replaced, and nobody came since.
        (session(None), None),
        (gpu(None), None),
    ] {
        assert_eq!(used(&before, &after), wanted, "{after:?}");
    }
}

#[test]
fn whatever_counts_backwards_began_anew() {
    let before = usage(100);
    let lower = [
        usage(99),
        Usage {
            cpu_micros: 1,
            ..usage(110)
        },
        Usage {
            network: Bytes::new(1),
            ..usage(110)
        },
        Usage {
            written: Bytes::new(1),
            ..usage(110)
        },
    ];
    for after in lower {
        assert_eq!(used(&before, &after), Some(PodUse::Unknown), "{after:?}");
    }
}

#[test]
fn a_gap_is_allowed_no_more_noise_than_a_minute() {
    let before = usage(100);
    let burst = Usage {
        cpu_micros: before.cpu_micros + 600_001,
        ..usage(100 + 3_600)
    };
    assert_eq!(used(&before, &burst), Some(PodUse::Cpu));
    let quiet = Activity::first(before, NOW).after(usage(100 + 3_600), NOW);
    assert_eq!(quiet.idle, Span::from_secs(3_600), "idle over a restart");
}

/// Looks every second at a pod that takes so much of a CPU all the time.
fn steady(permille: u64, secs: u64) -> Activity {
    let look = |second: u64| Usage {
        host_uptime: Span::from_secs(second),
        cpu_micros: second * permille * 1_000,
        ..Usage::default()
    };
    (1..=secs).fold(Activity::first(look(0), NOW), |known, second| {
        known.after(look(second), NOW)
    })
}

#[test]
fn steady_small_use_is_seen_however_often_one_looks() {
    assert_eq!(steady(5, 120).idle, Span::from_secs(120));
    let busy = steady(20, 120);
    assert!(busy.idle < WINDOW_LEAST, "{busy:?}");
    assert_eq!(busy.used, PodUse::Cpu);
}

#[test]
fn the_same_look_twice_changes_nothing() {
    let known = Activity::first(usage(100), NOW).after(usage(125), NOW);
    assert_eq!(known.after(usage(125), NOW), known);
}

/// One second of a pod's life, looked at or not.
#[derive(Debug, Clone, Copy)]
struct Second {
    busy: u8,
    looked_at: u8,
}

fn seconds() -> impl Strategy<Value = Vec<Second>> {
    let second = (0_u8..100, 0_u8..100).prop_map(|(busy, looked_at)| Second { busy, looked_at });
    prop::collection::vec(second, 1..400)
}

/// Returns the looks, and for each how long the pod had been idle then in truth.
fn live(seconds: &[Second]) -> Vec<(Usage, Span)> {
    let (mut cpu, mut idle) = (0_u64, 0_u64);
    let mut looks = Vec::new();
    for (second, now) in (1_u64..).zip(seconds) {
        // Once in a while it computes; else it makes half of the noise that is allowed.
        (cpu, idle) = match now.busy {
            0..2 => (cpu + 700_000, 0),
            _ => (cpu + 5_000, idle + 1),
        };
        if now.looked_at < 30 {
            let look = Usage {
                host_uptime: Span::from_secs(second),
                cpu_micros: cpu,
                ..Usage::default()
            };
            looks.push((look, Span::from_secs(idle)));
        }
    }
    looks
}

proptest! {
    #[test]
    fn no_pod_is_taken_for_idle_longer_than_it_was(seconds in seconds()) {
        let looks = live(&seconds);
        let mut known: Option<Activity> = None;
        for (usage, idle) in looks {
            let now = known.map_or_else(
                || Activity::first(usage, NOW),
                |known| known.after(usage, NOW),
            );
            prop_assert!(now.idle <= idle, "{now:?} was idle for {idle}");
            known = Some(now);
        }
    }

    #[test]
    fn looks_in_any_order_make_no_pod_idle(
        seconds in seconds(),
        picks in prop::collection::vec(any::<prop::sample::Index>(), 1..200),
    ) {
        let looks = live(&seconds);
        prop_assume!(!looks.is_empty());
        let mut known: Option<Activity> = None;
        let mut newest = (Span::ZERO, Span::ZERO);
        for pick in picks {
            let (usage, idle) = looks[pick.index(looks.len())];
            newest = newest.max((usage.host_uptime, idle));
            let now = known.map_or_else(
                || Activity::first(usage, NOW),
                |known| known.after(usage, NOW),
            );
            prop_assert!(now.idle <= newest.1, "{now:?} was idle for {}", newest.1);
            known = Some(now);
        }
    }
}
