//! Parts of machines of ours: a pod has what was asked for and pays for that.

use crate::support::{Bench, PRICE_HOURLY_NANOS, until};
use livery_domain::pod::Phase;
use livery_ledger::Book;
use livery_units::{Bytes, Money, Span};

#[tokio::test]
async fn a_small_pod_on_a_machine_of_ours_pays_for_its_own_share_everywhere() {
    let bench = Bench::new().await;
    // Of 4 vCPU and 16 GiB: an eighth of the one, a sixteenth of the other.
    let eighth = Money::from_nanos(PRICE_HOURLY_NANOS / 8);
    let mut small = bench.new_pod();
    (small.need.vcpu_milli, small.need.memory) = (500, Bytes::gib(1));
    let pod = bench.engine.pod_create(&bench.account, small.clone()).await;
    let pod = pod.unwrap();
    let pod = until("the pod runs", || async {
        let pod = bench
            .engine
            .pod_fetch(&bench.account, pod.id.as_str())
            .await
            .unwrap();
        (pod.phase() == Phase::Running).then_some(pod)
    })
    .await;
    assert_eq!(
        (pod.order.vcpu_milli, pod.order.memory),
        (500, Bytes::gib(1))
    );
    assert_eq!(
        (pod.offer.vcpu_milli, pod.offer.memory),
        (500, Bytes::gib(1))
    );
    assert_eq!(pod.offer.price.per_hour(), eighth);
    let held = Book::Held(bench.account.clone());
    assert_eq!(bench.store.balance(&held).await.unwrap(), eighth);
    let hourly = until("its meter counts", || async {
        let sheet = bench.engine.balance(&bench.account).await.unwrap();
        (sheet.hourly > Money::ZERO).then_some(sheet.hourly)
    });
    assert_eq!(hourly.await, eighth);

    // A job says the same in its estimate, and its pod is that size.
    let job = "name: job\nresources: {cpus: 0.5, memory: 1}\nrun: echo run\n";
    let run = bench.submit(job).await;
    let ended = bench.over(&run);
    bench.host.script(|script| script.run_exit = Some(0));
    ended.await;
    let events = bench
        .engine
        .run_events(&run.id, 0, Span::ZERO)
        .await
        .unwrap();
    let estimate = events
        .iter()
        .find(|event| event.message.contains(" vCPU, "));
    let estimate = estimate.unwrap().message.clone();
    assert!(estimate.contains("0.5 vCPU, 1 GiB, $0.45/h"), "{estimate}");
    let receipt = bench.engine.run_receipt(&run).await.unwrap();
    assert!(receipt.contains("$0.45/h"), "{receipt}");

    // One that takes most of the memory leaves its price to nobody else.
    (small.need.vcpu_milli, small.need.memory) = (100, Bytes::gib(12));
    small.name = Some("wide".into());
    let wide = bench
        .engine
        .pod_create(&bench.account, small)
        .await
        .unwrap();
    let most = Money::from_nanos(PRICE_HOURLY_NANOS / 4 * 3);
    assert_eq!(wide.offer.price.per_hour(), most);
}
