//! Pods through the engine: what is wanted comes about, and every second is paid for once.

use crate::support::{Bench, CLOUD, until};
use livery_domain::offer::SupplierName;
use livery_domain::pod::{Phase, Pod, PodFailure, PodPolicy};
use livery_host_api::Error as HostError;
use livery_ledger::Book;
use livery_store::Credit;
use livery_units::{Money, Span};

async fn phase(bench: &Bench, pod: &Pod, wanted: Phase) -> Pod {
    until(&format!("pod is {wanted}"), || async {
        let pod = bench
            .engine
            .pod_fetch(&bench.account, pod.id.as_str())
            .await
            .unwrap();
        (pod.phase() == wanted && (wanted != Phase::Terminated || pod.ended.is_some()))
            .then_some(pod)
    })
    .await
}

async fn held(bench: &Bench) -> Money {
    bench
        .store
        .balance(&Book::Held(bench.account.clone()))
        .await
        .unwrap()
}

#[tokio::test]
async fn a_pod_is_made_charged_and_settled() {
    let bench = Bench::new().await;
    let pod = bench
        .engine
        .pod_create(&bench.account, bench.new_pod())
        .await
        .unwrap();
    let up = phase(&bench, &pod, Phase::Running).await;
    assert!(held(&bench).await > Money::ZERO, "an hour's price is held");

    bench
        .engine
        .pod_terminate(&bench.account, "box")
        .await
        .unwrap();
    let gone = phase(&bench, &up, Phase::Terminated).await;
    assert_eq!(bench.host.pod_count(), 0);
    assert_eq!(
        held(&bench).await,
        Money::ZERO,
        "the rest of the hold is given back"
    );
    let lasted = gone.up_until.unwrap().since(gone.started.unwrap());
    let charged = bench.store.pod_charged(&gone.id).await.unwrap();
    assert_eq!(charged, gone.offer.price.accrued(lasted).unwrap());
    bench.store.ledger_check().await.unwrap();
}

#[tokio::test]
async fn a_stopped_pod_costs_nothing_and_starts_again() {
    let bench = Bench::new().await;
    let pod = bench
        .engine
        .pod_create(&bench.account, bench.new_pod())
        .await
        .unwrap();
    phase(&bench, &pod, Phase::Running).await;
    bench.engine.pod_stop(&bench.account, "box").await.unwrap();
    phase(&bench, &pod, Phase::Stopped).await;
    let charged = bench.store.pod_charged(&pod.id).await.unwrap();
    bench.clock.forward(3_600);
    bench.engine.pod_start(&bench.account, "box").await.unwrap();
    let again = phase(&bench, &pod, Phase::Running).await;
    assert_eq!(bench.host.created(), 1, "it is the same pod");
    bench
        .engine
        .pod_terminate(&bench.account, "box")
        .await
        .unwrap();
    let gone = phase(&bench, &again, Phase::Terminated).await;
    let second = gone
        .offer
        .price
        .accrued(gone.up_until.unwrap().since(gone.started.unwrap()))
        .unwrap();
    let total = bench.store.pod_charged(&pod.id).await.unwrap();
    assert_eq!(
        total,
        charged.plus(second).unwrap(),
        "the hour in between is free"
    );
    bench.store.ledger_check().await.unwrap();
}

#[tokio::test]
async fn an_unreachable_host_costs_its_user_nothing() {
    let bench = Bench::new().await;
    let pod = bench
        .engine
        .pod_create(&bench.account, bench.new_pod())
        .await
        .unwrap();
    phase(&bench, &pod, Phase::Running).await;
    bench.host.script(|script| script.unreachable = true);
    bench.clock.forward(7_200);
    until("the silence is noticed", || async {
        let pod = bench.engine.pod_fetch(&bench.account, "box").await.unwrap();
        (pod.phase() == Phase::Running && pod.reason.is_some()).then_some(())
    })
    .await;
    let seen = bench.engine.pod_fetch(&bench.account, "box").await.unwrap();
    let lasted = seen.up_until.unwrap().since(seen.started.unwrap());
    assert!(
        lasted.secs() < 3_600,
        "two hours of silence are not up time"
    );
    bench.host.script(|script| script.unreachable = false);
    bench
        .engine
        .pod_terminate(&bench.account, "box")
        .await
        .unwrap();
    phase(&bench, &pod, Phase::Terminated).await;
    bench.store.ledger_check().await.unwrap();
}

#[tokio::test]
async fn a_missing_image_ends_the_pod_with_its_reason() {
    let bench = Bench::new().await;
    let missing = HostError::Image("ubuntu:nonesuch does not exist".into());
    bench
        .host
        .script(|script| script.create_error = Some(missing));
    let pod = bench
        .engine
        .pod_create(&bench.account, bench.new_pod())
        .await
        .unwrap();
    let gone = phase(&bench, &pod, Phase::Terminated).await;
    assert_eq!(gone.failure, Some(PodFailure::Final));
    assert!(gone.reason.unwrap().contains("ubuntu:nonesuch"));
    assert_eq!(held(&bench).await, Money::ZERO);
}

#[tokio::test]
async fn a_pod_that_vanishes_is_said_to_be_lost() {
    let bench = Bench::new().await;
    let pod = bench
        .engine
        .pod_create(&bench.account, bench.new_pod())
        .await
        .unwrap();
    phase(&bench, &pod, Phase::Running).await;
    bench.host.lose_pods();
    bench.clock.forward(10);
    phase(&bench, &pod, Phase::Lost).await;
    bench
        .engine
        .pod_terminate(&bench.account, "box")
        .await
        .unwrap();
    phase(&bench, &pod, Phase::Terminated).await;
    assert_eq!(bench.host.pod_count(), 0);
}

#[tokio::test]
async fn a_new_engine_finds_the_pods_of_the_last_one() {
    let mut bench = Bench::new().await;
    let pod = bench
        .engine
        .pod_create(&bench.account, bench.new_pod())
        .await
        .unwrap();
    bench.restart().await;
    phase(&bench, &pod, Phase::Running).await;
    assert_eq!(
        bench.host.created(),
        1,
        "the launch key makes one pod of two launches"
    );
    bench
        .engine
        .pod_terminate(&bench.account, "box")
        .await
        .unwrap();
    bench.restart().await;
    phase(&bench, &pod, Phase::Terminated).await;
    assert_eq!(bench.host.pod_count(), 0);
    bench.store.ledger_check().await.unwrap();
}

#[tokio::test]
async fn what_nobody_owns_is_ended() {
    let bench = Bench::new().await;
    let spec = livery_host_api::dto::PodSpec {
        tenant: livery_host_api::dto::Tenant::Owner,
        launch_key: "key_nobody".into(),
        name: "orphan".into(),
        image: "host".into(),
        credentials: None,
        command: None,
        env: Default::default(),
        gpu_count: 0,
        gpu_model: None,
        vcpu_milli: 1_000,
        memory: 1 << 30,
        container_disk: 1 << 30,
        volume_disk: 1 << 30,
        network_volume: None,
        network_path: None,
        pids: 100,
    };
    let orphan = "pod_orphan".parse().unwrap();
    livery_host_api::Host::pod_create(&*bench.host, &orphan, &spec, livery_units::Span::ZERO)
        .await
        .unwrap();
    until("the orphan is gone", || async {
        (bench.host.pod_count() == 0).then_some(())
    })
    .await;
}

#[tokio::test]
async fn images_of_the_machine_are_for_its_owner_alone() {
    let bench = Bench::new().await;
    let of_the_machine = [
        "host",
        "docker:host",
        "oci:/srv/image",
        "docker-archive:/srv/image.tar:x",
    ];
    let create = |image: &str| {
        let mut pod = bench.new_pod();
        pod.image = image.into();
        bench.engine.pod_create(&bench.account, pod)
    };
    for image in of_the_machine {
        let pod = create(image).await.unwrap();
        bench
            .engine
            .pod_terminate(&bench.account, pod.id.as_str())
            .await
            .unwrap();
        until("the pod is gone", || async {
            (bench.host.pod_count() == 0).then_some(())
        })
        .await;
    }
    bench
        .store
        .account_credit_set(&bench.account, Credit::Prepaid)
        .await
        .unwrap();
    for image in of_the_machine {
        let refused = create(image).await.unwrap_err();
        assert_eq!(refused.code(), "POD006", "{image}: {refused}");
        assert!(refused.hint().unwrap().contains("--image"));
    }
    assert_eq!(bench.host.pod_count(), 0);
}

#[tokio::test]
async fn a_stopped_pod_on_an_image_of_the_machine_is_started_by_its_owner_alone() {
    let bench = Bench::new().await;
    let mut new = bench.new_pod();
    new.image = "host".into();
    let pod = bench.engine.pod_create(&bench.account, new).await.unwrap();
    phase(&bench, &pod, Phase::Running).await;
    bench.engine.pod_stop(&bench.account, "box").await.unwrap();
    phase(&bench, &pod, Phase::Stopped).await;
    let store = &bench.store;
    let prepaid = store.account_credit_set(&bench.account, Credit::Prepaid);
    prepaid.await.unwrap();
    let top_up = livery_engine::TOP_UP_MIN;
    let top_up = bench.engine.account_grant(&bench.account, top_up, "x");
    top_up.await.unwrap();
    let refused = bench.engine.pod_start(&bench.account, "box").await;
    assert_eq!(refused.unwrap_err().code(), "POD006");
    phase(&bench, &pod, Phase::Stopped).await;
    let owner = store.account_credit_set(&bench.account, Credit::Owner);
    owner.await.unwrap();
    bench.engine.pod_start(&bench.account, "box").await.unwrap();
    phase(&bench, &pod, Phase::Running).await;
}

/// Where machines cannot be stopped, nothing says that one will be.
#[tokio::test]
async fn a_pod_that_cannot_be_stopped_is_not_said_to_be() {
    let bench = Bench::new().await;
    bench.cloud.script(|script| {
        script.down = false;
        script.cannot_stop = true;
    });
    let stops = PodPolicy {
        stop_after: Some(Span::from_secs(3_600)),
        ..PodPolicy::default()
    };
    let at_cloud = |policy| {
        let mut new = bench.new_pod();
        new.need.suppliers = vec![SupplierName::new(CLOUD)];
        new.policy = policy;
        bench.engine.pod_create(&bench.account, new)
    };
    let refused = at_cloud(stops).await.unwrap_err();
    assert_eq!(refused.code(), "POD005", "{refused}");
    let pod = at_cloud(PodPolicy::default()).await.unwrap();
    phase(&bench, &pod, Phase::Running).await;
    let refused = bench.engine.pod_stop(&bench.account, "box").await;
    let words = refused.unwrap_err().to_string();
    assert!(words.contains("livery pod terminate"), "{words}");
    let refused = bench.engine.pod_policy_set(&bench.account, "box", stops);
    assert_eq!(refused.await.unwrap_err().code(), "POD005");
    phase(&bench, &pod, Phase::Running).await;
    // Elsewhere it can be stopped, and that is where such a pod goes, also when it is dearer there.
    let mut anywhere = bench.new_pod();
    anywhere.policy = stops;
    let elsewhere = bench.engine.pod_create(&bench.account, anywhere).await;
    assert_ne!(elsewhere.unwrap().supplier().to_string(), CLOUD);
}

#[tokio::test]
async fn a_pod_that_cannot_be_made_ends_with_the_reason_and_costs_nothing() {
    let bench = Bench::new().await;
    // Disks cost too, as soon as somebody takes the pod for one that has ended by itself.
    bench
        .host
        .script(|script| script.storage_monthly_nanos = 1_000_000_000_000);
    type Kind = fn(String) -> HostError;
    let kinds: [(Kind, PodFailure); 6] = [
        (HostError::Image, PodFailure::Final),
        (HostError::Invalid, PodFailure::Final),
        (HostError::NoCapacity, PodFailure::OtherOffer),
        (HostError::DiskFull, PodFailure::OtherOffer),
        (HostError::Internal, PodFailure::OtherOffer),
        (HostError::WrongState, PodFailure::OtherOffer),
    ];
    for (number, (kind, failure)) in kinds.into_iter().enumerate() {
        let why = format!("trouble number {number}");
        let error = kind(why.clone());
        bench
            .host
            .script(|script| script.unmade = Some(error.clone()));
        let created = bench.engine.pod_create(&bench.account, bench.new_pod());
        let gone = phase(&bench, &created.await.unwrap(), Phase::Terminated).await;
        assert_eq!(gone.failure, Some(failure), "{error}");
        assert!(gone.reason.as_ref().unwrap().contains(&why), "{gone:?}");
        bench.clock.forward(7_200);
        bench.engine.balance(&bench.account).await.unwrap();
        let charged = bench.store.pod_charged(&gone.id).await.unwrap();
        assert_eq!(charged, Money::ZERO, "{error}");
    }
    assert_eq!(bench.host.pod_count(), 0);
    assert_eq!(held(&bench).await, Money::ZERO);
    bench.store.ledger_check().await.unwrap();
}

#[tokio::test]
async fn a_pod_that_does_not_start_again_says_why() {
    let bench = Bench::new().await;
    let pod = bench.engine.pod_create(&bench.account, bench.new_pod());
    let pod = phase(&bench, &pod.await.unwrap(), Phase::Running).await;
    bench.engine.pod_stop(&bench.account, "box").await.unwrap();
    phase(&bench, &pod, Phase::Stopped).await;
    let why = "its start command cannot be started";
    bench
        .host
        .script(|script| script.start_error = Some(HostError::Invalid(why.to_owned())));
    bench.engine.pod_start(&bench.account, "box").await.unwrap();
    until("the reason is there", || async {
        let pod = bench.engine.pod_fetch(&bench.account, pod.id.as_str());
        let pod = pod.await.unwrap();
        assert_eq!(pod.phase(), Phase::Starting);
        pod.reason.filter(|reason| reason.contains(why))
    })
    .await;
    bench.host.script(|script| script.start_error = None);
    bench.clock.forward(60);
    let up = phase(&bench, &pod, Phase::Running).await;
    assert_eq!(up.reason, None);
}
