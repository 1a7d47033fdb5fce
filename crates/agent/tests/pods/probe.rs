//! The gate's facts about a real pod.

use crate::bench::Bench;
use livery_domain::gate::{Wanted, judge, passed};
use livery_host_api::Host;
use livery_host_api::dto::{ProbeCommand, ProbeSpec};
use livery_units::{Bytes, Span, Timestamp};
use std::time::{SystemTime, UNIX_EPOCH};

pub fn now() -> Timestamp {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    Timestamp::from_millis(i64::try_from(now.as_millis()).unwrap())
}

pub async fn a_good_pod_passes_the_gate(bench: &mut Bench) {
    let pod = bench.pod(1).await;
    let spec = ProbeSpec {
        commands: [
            ("echo fine; pwd", 60_000),
            ("echo bad >&2; exit 5", 60_000),
            ("sleep 1000", 500),
            // The clock is not held to be off by what checks take.
            ("sleep 3", 60_000),
        ]
        .map(|(command, timeout_ms)| ProbeCommand {
            command: command.to_owned(),
            timeout_ms,
        })
        .to_vec(),
    };
    let asked = now();
    let facts = bench.host().probe(&pod, &spec).await.unwrap();
    let received = now();
    let results: Vec<_> = facts
        .commands
        .iter()
        .map(|result| (result.exit_code, result.output.as_str()))
        .collect();
    let wanted = [
        (Some(0), "fine\n/workspace\n"),
        (Some(5), "bad\n"),
        (None, ""),
        (Some(0), ""),
    ];
    assert_eq!(results, wanted);
    assert_eq!(facts.memory, Some(256 << 20));
    assert_eq!(facts.vcpu_milli, Some(500));
    let free = facts.free_disk.unwrap();
    assert!((32 << 20..=64 << 20).contains(&free), "{free}");
    assert!(facts.gpus_host.is_empty() && facts.gpus_pod.is_empty());

    let wanted = Wanted {
        vcpu_milli: 500,
        memory: Bytes::mib(256),
        free_disk: Bytes::mib(32),
        gpus: None,
        clock_skew_max: Span::from_millis(100),
    };
    let checks = judge(&wanted, &facts.found(asked, received));
    assert!(passed(&checks), "{checks:#?}");

    // A pod without a volume disk says so.
    let mut bare = crate::bench::pod_spec();
    bare.volume_disk = 0;
    let id = crate::bench::pod_id(2);
    bench
        .host()
        .pod_create(&id, &bare, crate::bench::PATIENCE)
        .await
        .unwrap();
    let facts = bench
        .host()
        .probe(&id, &ProbeSpec::default())
        .await
        .unwrap();
    assert!(facts.shell.unwrap().yes);
    let mounted = facts.workspace_mounted.unwrap();
    assert!(!mounted.yes && mounted.why.unwrap().contains("container disk"));
}
