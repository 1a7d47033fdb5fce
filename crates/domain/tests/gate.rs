//! Properties of the gate: rows in a fixed order, and no fact that helps by being worse.

use livery_domain::gate::{Answer, Found, Verdict, Wanted, judge, passed};
use livery_domain::gpu::{GpuModel, GpuReality, Gpus};
use livery_units::{Bytes, Span};
use proptest::prelude::*;

fn gpus() -> impl Strategy<Value = Gpus> {
    let model = prop::sample::select(vec!["A100", "A100 80GB", "RTX 4090"]);
    let reality = prop::sample::select(vec![GpuReality::Real, GpuReality::Simulated]);
    (model, 1_u32..3, 38_u64..42, reality).prop_map(|(model, count, vram, reality)| Gpus {
        model: GpuModel::parse(model),
        count,
        vram: Bytes::gib(vram),
        reality,
    })
}

fn wanted() -> impl Strategy<Value = Wanted> {
    let sizes = (0_u32..4_000, 0_u64..100, 0_u64..100);
    (sizes, prop::option::of(gpus()), 0_u64..10).prop_map(
        |((vcpu_milli, memory, disk), gpus, skew)| Wanted {
            vcpu_milli,
            memory: Bytes::mib(memory),
            free_disk: Bytes::mib(disk),
            gpus,
            clock_skew_max: Span::from_secs(skew),
        },
    )
}

fn answer() -> impl Strategy<Value = Option<Answer>> {
    prop_oneof![
        6 => Just(Some(Answer::Yes)),
        1 => Just(Some(Answer::No("read-only file system".into()))),
        1 => Just(None),
    ]
}

fn version() -> impl Strategy<Value = Option<(u32, u32)>> {
    prop::option::of((11_u32..14, 0_u32..9))
}

fn found() -> impl Strategy<Value = Found> {
    let answers = (answer(), answer(), answer(), answer());
    let sizes = (0_u64..120, 0_u64..120, 0_u32..5_000, 0_u64..12);
    let seen = (
        prop::collection::vec(gpus(), 0..3),
        prop::collection::vec(gpus(), 0..3),
    );
    (answers, sizes, seen, version(), version()).prop_map(
        |(answers, (disk, memory, vcpu, skew), seen, cuda_driver, cuda_image)| Found {
            shell: answers.0,
            workspace_mounted: answers.1,
            workspace_writable: answers.2,
            outbound: answers.3,
            free_disk: Some(Bytes::mib(disk)),
            memory: Some(Bytes::mib(memory)),
            vcpu_milli: Some(vcpu),
            clock_skew: Some(Span::from_secs(skew)),
            gpus_host: seen.0,
            gpus_pod: seen.1,
            cuda_driver,
            cuda_image,
        },
    )
}

/// A pod that is all that is wanted.
fn as_wanted(wanted: &Wanted) -> Found {
    let gpus: Vec<Gpus> = wanted.gpus.clone().into_iter().collect();
    Found {
        shell: Some(Answer::Yes),
        workspace_mounted: Some(Answer::Yes),
        workspace_writable: Some(Answer::Yes),
        outbound: Some(Answer::Yes),
        free_disk: Some(wanted.free_disk),
        memory: Some(wanted.memory),
        vcpu_milli: Some(wanted.vcpu_milli),
        clock_skew: Some(wanted.clock_skew_max),
        gpus_host: gpus.clone(),
        gpus_pod: gpus,
        cuda_driver: Some((12, 8)),
        cuda_image: Some((12, 8)),
    }
}

/// Every way in which one fact can be worse.
fn worse(found: &Found) -> Vec<Found> {
    let no = || Some(Answer::No("worse".into()));
    let mut all = Vec::new();
    let mut change = |make: &dyn Fn(&mut Found)| {
        let mut changed = found.clone();
        make(&mut changed);
        all.push(changed);
    };
    for answer in [no(), None] {
        change(&|f| f.shell = answer.clone());
        change(&|f| f.workspace_mounted = answer.clone());
        change(&|f| f.workspace_writable = answer.clone());
        change(&|f| f.outbound = answer.clone());
    }
    let less = |amount: Option<Bytes>| amount.map(|has| has.saturating_minus(Bytes::mib(7)));
    change(&|f| f.free_disk = less(f.free_disk));
    change(&|f| f.free_disk = None);
    change(&|f| f.memory = less(f.memory));
    change(&|f| f.memory = None);
    change(&|f| f.vcpu_milli = f.vcpu_milli.map(|has| has.saturating_sub(300)));
    change(&|f| f.vcpu_milli = None);
    change(&|f| {
        f.clock_skew = f
            .clock_skew
            .map(|off| Span::from_millis(off.millis() + 900))
    });
    change(&|f| f.clock_skew = None);
    change(&|f| f.cuda_driver = f.cuda_driver.map(|(major, minor)| (major - 1, minor)));
    change(&|f| f.cuda_driver = None);
    change(&|f| f.cuda_image = f.cuda_image.map(|(major, minor)| (major + 1, minor)));
    change(&|f| f.gpus_host.clear());
    change(&|f| f.gpus_pod.clear());
    let sides: [fn(&mut Found) -> &mut Vec<Gpus>; 2] = [|f| &mut f.gpus_host, |f| &mut f.gpus_pod];
    for side in sides {
        change(&|f| {
            side(f)
                .iter_mut()
                .for_each(|g| g.reality = GpuReality::Simulated)
        });
        change(&|f| {
            side(f)
                .iter_mut()
                .for_each(|g| g.vram = Bytes::gib(g.vram.get() >> 31))
        });
        change(&|f| {
            side(f)
                .iter_mut()
                .for_each(|g| g.model = GpuModel::parse("GTX 1650"))
        });
    }
    all
}

proptest! {
    #[test]
    fn rows_come_in_a_fixed_order(wanted in wanted(), found in found()) {
        let rows = judge(&wanted, &found);
        let mut names = vec![
            "shell", "workspace", "workspace", "free disk", "memory", "vCPU", "clock", "network",
        ];
        if wanted.gpus.is_some() {
            names.extend(["GPUs (host driver)", "GPUs (in the pod)"]);
            names.extend(found.cuda_image.map(|_| "CUDA"));
        }
        let shown: Vec<_> = rows.iter().map(|row| row.name.as_str()).collect();
        prop_assert_eq!(shown, names);
        prop_assert!(rows.iter().all(|row| !row.wanted.is_empty() && !row.found.is_empty()));
        let failed = rows.iter().any(|row| row.verdict == Verdict::Fail);
        prop_assert_eq!(passed(&rows), !failed);
    }

    #[test]
    fn no_fact_that_gets_worse_turns_a_fail_into_a_pass(wanted in wanted(), found in found()) {
        let before = judge(&wanted, &found);
        for changed in worse(&found) {
            let after = judge(&wanted, &changed);
            for (was, is) in before.iter().zip(&after) {
                let healed = was.verdict == Verdict::Fail && is.verdict == Verdict::Pass;
                prop_assert!(!healed, "{}: {} became {}", was.name, was.found, is.found);
            }
            prop_assert!(passed(&before) || !passed(&after));
        }
    }

    #[test]
    fn each_fact_alone_fails_the_gate(wanted in wanted()) {
        let real = wanted.gpus.clone().map(|gpus| Gpus { reality: GpuReality::Real, ..gpus });
        let wanted = Wanted { gpus: real, ..wanted };
        let good = as_wanted(&wanted);
        prop_assert!(passed(&judge(&wanted, &good)));
        let silent = [
            Found { shell: None, ..good.clone() },
            Found { workspace_mounted: None, ..good.clone() },
            Found { workspace_writable: None, ..good.clone() },
            Found { outbound: None, ..good.clone() },
            Found { free_disk: None, ..good.clone() },
            Found { memory: None, ..good.clone() },
            Found { vcpu_milli: None, ..good.clone() },
            Found { clock_skew: None, ..good.clone() },
        ];
        let of_gpus = [
            Found { gpus_host: Vec::new(), ..good.clone() },
            Found { gpus_pod: Vec::new(), ..good.clone() },
            Found { cuda_driver: None, ..good.clone() },
        ];
        let counted = if wanted.gpus.is_some() { of_gpus.len() } else { 0 };
        for lacking in silent.iter().chain(of_gpus.iter().take(counted)) {
            prop_assert!(!passed(&judge(&wanted, lacking)), "{lacking:?}");
        }
    }
}

#[test]
fn more_gpus_than_can_be_counted_are_no_match() {
    let four = |count| Gpus {
        model: GpuModel::parse("A100"),
        count,
        vram: Bytes::gib(40),
        reality: GpuReality::Real,
    };
    let wanted = Wanted {
        vcpu_milli: 0,
        memory: Bytes::ZERO,
        free_disk: Bytes::ZERO,
        gpus: Some(four(1)),
        clock_skew_max: Span::ZERO,
    };
    let found = Found {
        gpus_host: vec![four(u32::MAX), four(2)],
        ..as_wanted(&wanted)
    };
    assert!(!passed(&judge(&wanted, &found)));
}
