//! Who ends what: a run its pod, and a control plane that was killed what it was at.

use crate::planes::{Two, database};
use crate::runs::{comes_to, nothing_is_left};
use crate::support::Bench;
use livery_domain::pod::Phase;
use livery_domain::run::{Outcome, RunStep};
use livery_engine::{Clock, Error, Panic, Unknown, Volumes};
use livery_store::Store;
use livery_units::{ClaimToken, PlaneId, Span};

const JOB: &str = "name: job\nresources: {cpus: 1+}\nrun: echo run\noutputs: ['out/**']\n";

#[tokio::test]
async fn the_pod_of_a_run_is_ended_by_its_run_and_by_a_panic() {
    let bench = Bench::new().await;
    let (engine, account) = (&bench.engine, &bench.account);
    let run = bench.submit(JOB).await;
    comes_to(&bench, &run, RunStep::Train).await;
    let pod = bench.store.run_fetch(&run.id).await.unwrap().pod.unwrap();
    for refused in [
        engine.pod_terminate(account, pod.as_str()).await,
        engine.pod_stop(account, pod.as_str()).await,
        engine.pod_start(account, pod.as_str()).await,
    ] {
        let error = refused.unwrap_err();
        assert!(matches!(error, Error::ServesRun { .. }), "{error:?}");
        assert!(error.to_string().contains(run.id.as_str()), "{error}");
        assert!(error.hint().unwrap().contains("livery cancel"));
    }
    engine.run_cancel(account, run.id.as_str()).await.unwrap();
    let over = bench.over(&run).await;
    assert_eq!(over.outcome, Outcome::Cancelled, "{:?}", over.reason);
    assert!(over.results.is_some());
    nothing_is_left(&bench, &run).await;
    // Of a pod that has ended nothing is refused.
    let gone = engine.pod_terminate(account, pod.as_str()).await.unwrap();
    assert_eq!(gone.phase(), Phase::Terminated);

    let run = bench.submit(JOB).await;
    comes_to(&bench, &run, RunStep::Train).await;
    let panic = Panic {
        since: None,
        volumes: Volumes::Keep,
        unknown: Unknown::Keep,
    };
    engine.panic(account, panic).await.unwrap();
    assert_eq!(bench.over(&run).await.outcome, Outcome::Cancelled);
    nothing_is_left(&bench, &run).await;
}

/// With several control planes on a database claims expire by the clock, and the clock is not waited for
/// by the very one whose claims they are.
#[tokio::test]
async fn what_a_control_plane_was_at_when_it_was_killed_it_takes_up_as_soon_as_it_is_back() {
    let two = Two::new().await;
    let pod = two.pod(&two.first, "box").await;
    let pod = two.running(&pod).await;
    two.clock.stand_still();
    two.first.die().await;
    let dead = Store::open(&database(two.dir.path())).await.unwrap();
    let dead = dead.of_plane(PlaneId::from_entropy(1));
    dead.pod_nudge(&pod.id).await.unwrap();
    let now = two.clock.now();
    let until = now.after(Span::from_secs(30));
    let token = ClaimToken::from_entropy(7);
    // Unless a driver had it when its process died, which comes to the same.
    dead.pod_claim(&token, now, until, 9).await.unwrap();

    let back = two.first.back(two.dir.path(), &two.clock).await;
    let wished = back.pod_terminate(&two.account, pod.id.as_str()).await;
    wished.unwrap();
    let is_gone = |pod: &livery_domain::pod::Pod| pod.ended.is_some();
    two.pod_is("the pod is gone", &pod, is_gone).await;
    assert!(two.clock.now() < until);
    back.stop();
}
