//! Runs through the engine: every one of them ends with its pods gone and its bill settled.

use crate::support::{Bench, until};
use livery_domain::run::{EventKind, Outcome, Run, RunStep};
use livery_host_api::Error as HostError;
use livery_ledger::Book;
use livery_units::{Money, Span};

const JOB: &str =
    "name: job\nresources: {cpus: 1+}\nsetup: echo setup\nrun: echo run\noutputs: ['out/**']\n";

async fn nothing_is_left(bench: &Bench, run: &Run) {
    assert_eq!(bench.host.pod_count(), 0, "no pod is left");
    let held = bench
        .store
        .balance(&Book::Held(bench.account.clone()))
        .await
        .unwrap();
    assert_eq!(held, Money::ZERO, "no hold is left");
    bench.store.ledger_check().await.unwrap();
    let events = bench
        .engine
        .run_events(&run.id, 0, Span::ZERO)
        .await
        .unwrap();
    assert_eq!(
        events.last().unwrap().kind,
        EventKind::Over,
        "the last event is the receipt"
    );
}

async fn steps(bench: &Bench, run: &Run) -> Vec<RunStep> {
    let events = bench
        .engine
        .run_events(&run.id, 0, Span::ZERO)
        .await
        .unwrap();
    events
        .iter()
        .filter(|event| event.kind == EventKind::Began)
        .map(|event| event.step)
        .collect()
}

async fn comes_to(bench: &Bench, run: &Run, step: RunStep) {
    until(&format!("the run is at {step}"), || async {
        let run = bench
            .engine
            .run_fetch(&bench.account, run.id.as_str())
            .await
            .unwrap();
        (run.step >= step).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_job_goes_through_all_eight_steps() {
    let bench = Bench::new().await;
    bench.host.script(|script| script.run_exit = Some(0));
    let run = bench.submit(JOB).await;
    let over = bench.over(&run).await;
    assert_eq!(over.outcome, Outcome::Succeeded, "{:?}", over.reason);
    assert_eq!(over.exit_code, Some(0));
    assert!(over.results.is_some());
    assert_eq!(steps(&bench, &run).await, RunStep::ALL);
    nothing_is_left(&bench, &run).await;
}

#[tokio::test]
async fn a_failed_training_is_pulled_and_torn_down() {
    let bench = Bench::new().await;
    bench.host.script(|script| script.run_exit = Some(3));
    let run = bench.submit(JOB).await;
    let over = bench.over(&run).await;
    assert_eq!((over.outcome, over.exit_code), (Outcome::Failed, Some(3)));
    assert!(over.results.is_some(), "results come home all the same");
    nothing_is_left(&bench, &run).await;
}

#[tokio::test]
async fn a_failed_gate_moves_on_and_gives_up_in_the_end() {
    let bench = Bench::new().await;
    bench.host.script(|script| script.no_workspace = true);
    let run = bench.submit(JOB).await;
    let over = bench.over(&run).await;
    assert_eq!(over.outcome, Outcome::Failed);
    assert!(bench.host.created() > 1, "the next offer is tried");
    assert!(
        !steps(&bench, &run).await.contains(&RunStep::Train),
        "nothing is run on a bad pod"
    );
    let events = bench
        .engine
        .run_events(&run.id, 0, Span::ZERO)
        .await
        .unwrap();
    let table = events
        .iter()
        .find(|event| event.kind == EventKind::Failed)
        .unwrap();
    assert!(
        table.message.contains("FAIL workspace"),
        "{}",
        table.message
    );
    nothing_is_left(&bench, &run).await;
}

#[tokio::test]
async fn a_wrong_image_is_not_tried_elsewhere() {
    let bench = Bench::new().await;
    let missing = HostError::Image("no such image".into());
    bench
        .host
        .script(|script| script.create_error = Some(missing));
    let run = bench.submit(JOB).await;
    let over = bench.over(&run).await;
    assert_eq!(over.outcome, Outcome::Failed);
    assert!(over.reason.unwrap().contains("no such image"));
    nothing_is_left(&bench, &run).await;
}

#[tokio::test]
async fn a_cancelled_run_gets_sigterm_and_is_pulled() {
    let bench = Bench::new().await;
    let run = bench.submit(JOB).await;
    comes_to(&bench, &run, RunStep::Train).await;
    bench
        .engine
        .run_cancel(&bench.account, run.id.as_str())
        .await
        .unwrap();
    let over = bench.over(&run).await;
    assert_eq!(over.outcome, Outcome::Cancelled);
    assert_eq!(
        bench.host.signals(),
        [15],
        "SIGTERM, so that it can write a checkpoint"
    );
    assert!(over.results.is_some());
    nothing_is_left(&bench, &run).await;
}

#[tokio::test]
async fn a_run_past_its_hours_is_stopped() {
    let bench = Bench::new().await;
    let run = bench
        .submit(&format!("{JOB}budget: {{max_hours: 1}}\n"))
        .await;
    comes_to(&bench, &run, RunStep::Train).await;
    bench.clock.forward(3_601);
    let over = bench.over(&run).await;
    assert_eq!(over.outcome, Outcome::OverBudget);
    nothing_is_left(&bench, &run).await;
}

#[tokio::test]
async fn a_run_past_its_money_is_stopped() {
    let bench = Bench::new().await;
    let run = bench
        .submit(&format!("{JOB}budget: {{max_total: 0.50}}\n"))
        .await;
    comes_to(&bench, &run, RunStep::Train).await;
    bench.clock.forward(7_200);
    let over = bench.over(&run).await;
    assert_eq!(over.outcome, Outcome::OverBudget);
    nothing_is_left(&bench, &run).await;
}

#[tokio::test]
async fn a_pod_that_vanishes_in_training_ends_the_run() {
    let bench = Bench::new().await;
    let run = bench.submit(JOB).await;
    comes_to(&bench, &run, RunStep::Train).await;
    bench.host.lose_pods();
    bench.clock.forward(10);
    let over = bench.over(&run).await;
    assert_eq!(over.outcome, Outcome::Failed);
    nothing_is_left(&bench, &run).await;
}

#[tokio::test]
async fn a_run_survives_an_engine_that_dies_at_any_step() {
    for step in RunStep::ALL {
        let mut bench = Bench::new().await;
        let run = bench.submit(JOB).await;
        if step <= RunStep::Train {
            comes_to(&bench, &run, step).await;
            bench.restart().await;
            comes_to(&bench, &run, RunStep::Train).await;
            bench
                .engine
                .run_cancel(&bench.account, run.id.as_str())
                .await
                .unwrap();
        } else {
            comes_to(&bench, &run, RunStep::Train).await;
            bench
                .engine
                .run_cancel(&bench.account, run.id.as_str())
                .await
                .unwrap();
            comes_to(&bench, &run, step).await;
            bench.restart().await;
        }
        let over = bench.over(&run).await;
        assert_eq!(over.outcome, Outcome::Cancelled, "killed at {step}");
        assert_eq!(bench.host.created(), 1, "killed at {step}: one pod in all");
        nothing_is_left(&bench, &run).await;
    }
}

#[tokio::test]
async fn an_unreachable_host_does_not_stop_teardown_for_ever() {
    let bench = Bench::new().await;
    let run = bench.submit(JOB).await;
    comes_to(&bench, &run, RunStep::Train).await;
    bench.host.script(|script| script.unreachable = true);
    bench
        .engine
        .run_cancel(&bench.account, run.id.as_str())
        .await
        .unwrap();
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    let waiting = bench
        .engine
        .run_fetch(&bench.account, run.id.as_str())
        .await
        .unwrap();
    assert!(
        !waiting.is_over(),
        "a run is not over while nobody knows that its pod is gone"
    );
    bench.host.script(|script| script.unreachable = false);
    bench.over(&run).await;
    nothing_is_left(&bench, &run).await;
}

#[tokio::test]
async fn a_pull_that_hangs_does_not_keep_the_pod() {
    let bench = Bench::new().await;
    bench.host.script(|script| {
        script.run_exit = Some(0);
        script.collect_hangs = true;
    });
    let run = bench.submit(JOB).await;
    comes_to(&bench, &run, RunStep::Pull).await;
    bench.clock.forward(3_601);
    let run = bench.over(&run).await;
    assert_eq!(run.outcome, Outcome::Failed);
    let why = run.reason.as_deref().unwrap_or_default();
    assert!(why.contains("did not come home"), "{why}");
    nothing_is_left(&bench, &run).await;
}
