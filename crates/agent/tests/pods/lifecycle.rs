//! Pods from their making to their removal.

use crate::bench::{Bench, PATIENCE, pod_id, pod_spec, task_id};
use livery_host_api::dto::{PodSpec, PodState, PodStatus, TaskSpec, TaskState, Tenant};
use livery_host_api::{Error, Host};
use livery_units::{AccountId, PodId, Span};
use std::collections::BTreeMap;

pub async fn a_pod_lives_and_leaves_nothing(bench: &mut Bench) {
    let host = bench.host();
    let before = host.info().await.unwrap();
    let pod = bench.pod(1).await;
    let again = host.pod_create(&pod, &pod_spec(), PATIENCE).await.unwrap();
    assert_eq!(again.state, PodState::Up);
    assert_eq!(again.launch_key, "key_0001");
    assert!(again.began_ago_ms.is_some());
    let listed = host.pods().await.unwrap();
    assert_eq!(
        listed[..].iter().map(undated).collect::<Vec<_>>(),
        [undated(&again)]
    );
    let during = host.info().await.unwrap();
    assert_eq!(during.free.vcpu_milli, before.free.vcpu_milli - 500);
    assert_eq!(during.free.memory, before.free.memory - (256 << 20));

    assert_eq!(bench.says(&pod, "echo $GREETING").await, "hello there");
    assert_eq!(
        bench.says(&pod, "hostname; pwd").await,
        "test-pod\n/workspace"
    );
    bench.says(&pod, "echo kept > /workspace/file").await;
    assert!(host.pod_stats(&pod).await.unwrap().memory > 0);

    let stopped = host.pod_stop(&pod, Span::from_secs(20)).await.unwrap();
    assert_eq!(stopped.state, PodState::Down);
    let stopped = host.info().await.unwrap();
    assert_eq!(stopped.free.vcpu_milli, before.free.vcpu_milli);
    let started = host.pod_start(&pod).await.unwrap();
    assert_eq!(started.state, PodState::Up);
    assert_eq!(bench.says(&pod, "cat /workspace/file").await, "kept");

    let (first, second) = tokio::join!(host.pod_remove(&pod), host.pod_remove(&pod));
    assert_eq!((first, second), (Ok(()), Ok(())));
    assert_eq!(host.pod_remove(&pod).await, Ok(()));
    assert!(matches!(host.pod(&pod).await, Err(Error::NotFound(_))));
    let after = host.info().await.unwrap();
    assert_eq!(after.free.vcpu_milli, before.free.vcpu_milli);
    assert_eq!(after.free.memory, before.free.memory);
}

/// A status without how long ago things were, which is another at every look.
fn undated(status: &PodStatus) -> PodStatus {
    PodStatus {
        began_ago_ms: None,
        ended_ago_ms: None,
        ..status.clone()
    }
}

pub async fn how_long_a_command_ran_is_the_same_at_every_look(bench: &mut Bench) {
    let pod = pod_id(1);
    let line = "sleep 1; exit 3";
    let spec = PodSpec {
        command: Some(["sh", "-c", line].map(str::to_owned).to_vec()),
        ..pod_spec()
    };
    let up = bench
        .host()
        .pod_create(&pod, &spec, PATIENCE)
        .await
        .unwrap();
    assert_eq!((up.state, up.ended_ago_ms), (PodState::Up, None));
    let ran = |status: &PodStatus| {
        let [began, ended] = [status.began_ago_ms, status.ended_ago_ms].map(Option::unwrap);
        began - ended
    };
    let ended = until_down(bench, &pod).await;
    assert_eq!(ended.exit_code, Some(3));
    assert!(ran(&ended) >= 900, "{ended:?}");
    // Another agent says the same, however much later.
    bench.restart().await;
    let later = bench.host().pod(&pod).await.unwrap();
    assert!(later.ended_ago_ms > ended.ended_ago_ms);
    // Both are rounded to the millisecond.
    assert!(
        ran(&later).abs_diff(ran(&ended)) <= 1,
        "{later:?} {ended:?}"
    );
    // It begins anew with the next start.
    let again = bench.host().pod_start(&pod).await.unwrap();
    assert!(again.began_ago_ms < later.began_ago_ms);
    assert_eq!(again.ended_ago_ms, None);
}

async fn until_down(bench: &Bench, pod: &PodId) -> PodStatus {
    for _ in 0..1_000 {
        let status = bench.host().pod(pod).await.unwrap();
        if status.state == PodState::Down {
            return status;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("its command did not end");
}

pub async fn pods_and_tasks_outlive_the_agent(bench: &mut Bench) {
    let pod = bench.pod(1).await;
    let id = bench.agent().host_id().clone();
    let line = "echo before; while [ ! -e go ]; do sleep 0.05; done; echo after";
    let spec = TaskSpec {
        argv: ["sh", "-c", line].map(str::to_owned).to_vec(),
        env: BTreeMap::new(),
        workdir: "/workspace/deep/inside".into(),
    };
    let task = task_id(1);
    bench.host().task_start(&pod, &task, &spec).await.unwrap();
    bench.restart().await;
    assert_eq!(*bench.agent().host_id(), id);
    let status = bench.host().pod(&pod).await.unwrap();
    assert_eq!(status.state, PodState::Up);
    let running = bench.host().task(&pod, &task, Span::ZERO).await.unwrap();
    assert_eq!(running.state, TaskState::Running);
    // What it holds of the machine is still held.
    let info = bench.host().info().await.unwrap();
    assert_eq!(info.total.vcpu_milli - info.free.vcpu_milli, 500);

    bench.says(&pod, "touch /workspace/deep/inside/go").await;
    let ended = bench.host().task(&pod, &task, PATIENCE).await.unwrap();
    assert_eq!((ended.state, ended.exit_code), (TaskState::Exited, Some(0)));
    assert_eq!(ended.log_size, "before\nafter\n".len() as u64);
    // Starting it again does not run it again.
    let again = bench.host().task_start(&pod, &task, &spec).await.unwrap();
    assert_eq!(again, ended);
}

pub async fn what_does_not_fit_is_refused_by_name(bench: &mut Bench) {
    let total = bench.host().info().await.unwrap().total;
    for (part, change) in [
        ("vCPU", (total.vcpu_milli + 1, 1 << 20, 1 << 20)),
        ("memory", (1, total.memory + 1, 1 << 20)),
        ("disk", (1, 1 << 20, u64::MAX)),
    ] {
        let mut spec = pod_spec();
        (spec.vcpu_milli, spec.memory, spec.container_disk) = change;
        let refused = bench.host().pod_create(&pod_id(1), &spec, PATIENCE).await;
        let Err(Error::NoCapacity(text)) = refused else {
            panic!("{refused:?}");
        };
        assert!(text.contains(part), "{text}");
    }
    assert_eq!(bench.host().pods().await.unwrap(), []);
}

pub async fn gpus_are_given_to_one_pod_at_a_time(bench: &mut Bench) {
    let mut spec = pod_spec();
    (spec.gpu_count, spec.gpu_model) = (2, Some("rtx4090".to_owned()));
    let (both, one) = (pod_id(1), pod_id(2));
    let made = bench.host().pod_create(&both, &spec, PATIENCE).await;
    assert_eq!(made.unwrap().state, PodState::Up);
    let info = bench.host().info().await.unwrap();
    let simulated: Vec<_> = info.gpus.iter().filter(|gpu| gpu.simulated).collect();
    assert_eq!(simulated.len(), 2);
    assert!(
        simulated
            .iter()
            .all(|gpu| gpu.pod == Some(both.to_string()))
    );
    spec.gpu_count = 1;
    let refused = bench.host().pod_create(&one, &spec, PATIENCE).await;
    assert!(matches!(refused, Err(Error::NoCapacity(_))), "{refused:?}");
    bench.restart().await;
    let refused = bench.host().pod_create(&one, &spec, PATIENCE).await;
    assert!(matches!(refused, Err(Error::NoCapacity(_))), "{refused:?}");
    bench.host().pod_remove(&both).await.unwrap();
    let made = bench.host().pod_create(&one, &spec, PATIENCE).await;
    assert_eq!(made.unwrap().state, PodState::Up);
}

pub async fn a_missing_image_fails_the_pod_for_good(bench: &mut Bench) {
    let mut spec = pod_spec();
    spec.image = format!("oci:{}/none", bench.path().display());
    let pod = pod_id(1);
    let failed = bench
        .host()
        .pod_create(&pod, &spec, PATIENCE)
        .await
        .unwrap();
    assert_eq!(failed.state, PodState::Failed);
    let failure = failed.failure.clone().unwrap();
    assert_eq!(failure.code, "image", "{failure:?}");
    bench.restart().await;
    assert_eq!(bench.host().pod(&pod).await.unwrap(), failed);
    let started = bench.host().pod_start(&pod).await;
    assert!(matches!(started, Err(Error::WrongState(_))), "{started:?}");
}

pub async fn a_pod_is_removed_while_it_is_made(bench: &mut Bench) {
    // A registry that takes calls and never answers.
    let registry = tokio::net::TcpListener::bind(("127.0.0.1", 0))
        .await
        .unwrap();
    let mut spec = pod_spec();
    spec.image = format!("{}/some/image:1", registry.local_addr().unwrap());
    let pod = pod_id(1);
    let begun = bench.host().pod_create(&pod, &spec, Span::ZERO).await;
    assert_eq!(begun.unwrap().state, PodState::Starting);
    let (_call, _) = registry.accept().await.unwrap();
    bench.host().pod_remove(&pod).await.unwrap();
    let gone = bench.host().pod(&pod).await;
    assert!(matches!(gone, Err(Error::NotFound(_))), "{gone:?}");
}

pub async fn a_pod_that_was_begun_is_gone_on_with(bench: &mut Bench) {
    let registry = tokio::net::TcpListener::bind(("127.0.0.1", 0))
        .await
        .unwrap();
    let mut spec = pod_spec();
    spec.image = format!("{}/some/image:1", registry.local_addr().unwrap());
    let pod = pod_id(1);
    bench
        .host()
        .pod_create(&pod, &spec, Span::ZERO)
        .await
        .unwrap();
    let _first_call = registry.accept().await.unwrap();
    bench.restart().await;
    // The next agent asks the registry again without being told to.
    let (_call, _) = registry.accept().await.unwrap();
    let status = bench.host().pod(&pod).await.unwrap();
    assert_eq!(status.state, PodState::Starting);
    let task = TaskSpec {
        argv: vec!["true".into()],
        env: BTreeMap::new(),
        workdir: String::new(),
    };
    let early = bench.host().task_start(&pod, &task_id(1), &task).await;
    assert!(
        matches!(early, Err(Error::WrongState(_) | Error::NotFound(_))),
        "{early:?}"
    );
}

pub async fn what_is_on_the_machine_is_for_its_owner_alone(bench: &mut Bench) {
    let mut spec = pod_spec();
    spec.tenant = Tenant::Account(AccountId::from_entropy(1).to_string());
    for image in ["host", "oci:/srv/image", "docker-archive:/srv/image.tar"] {
        spec.image = image.to_owned();
        let refused = bench.host().pod_create(&pod_id(1), &spec, PATIENCE).await;
        assert!(matches!(refused, Err(Error::Invalid(_))), "{refused:?}");
    }
    spec.tenant = Tenant::Account("not an account".to_owned());
    spec.image = "ubuntu:24.04".to_owned();
    let refused = bench.host().pod_create(&pod_id(1), &spec, PATIENCE).await;
    assert!(matches!(refused, Err(Error::Invalid(_))), "{refused:?}");
    assert_eq!(bench.host().pods().await.unwrap(), []);
}

pub async fn mistakes_are_said_at_once(bench: &mut Bench) {
    let mut spec = pod_spec();
    spec.image = "oci:relative".into();
    let refused = bench.host().pod_create(&pod_id(1), &spec, Span::ZERO).await;
    assert!(matches!(refused, Err(Error::Invalid(_))), "{refused:?}");
    let nobody = bench.host().pod_stop(&pod_id(1), Span::ZERO).await;
    assert!(matches!(nobody, Err(Error::NotFound(_))), "{nobody:?}");
    assert_eq!(bench.host().pods().await.unwrap(), []);
}
