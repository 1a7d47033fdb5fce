//! Runs through the engine: every one of them ends with its pods gone and its bill settled.

use crate::support::{Bench, host_id, submission, until};
use livery_domain::run::{EventKind, Outcome, Run, RunStep};
use livery_engine::{Clock, TOP_UP_MIN};
use livery_host_api::Error as HostError;
use livery_ledger::Book;
use livery_store::Credit;
use livery_units::{Money, Span};
use std::time::Duration;

const JOB: &str =
    "name: job\nresources: {cpus: 1+}\nsetup: echo setup\nrun: echo run\noutputs: ['out/**']\n";

pub async fn nothing_is_left(bench: &Bench, run: &Run) {
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

pub async fn comes_to(bench: &Bench, run: &Run, step: RunStep) {
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
async fn what_a_host_refuses_for_good_ends_the_run_instead_of_being_asked_for_ever() {
    for refused in [
        HostError::Invalid("could not open workspace/workdir: Not a directory".into()),
        HostError::DiskFull("no space left for workspace/workdir".into()),
    ] {
        let bench = Bench::new().await;
        let why = refused.to_string();
        bench
            .host
            .script(|script| script.task_error = Some(refused));
        let run = bench.submit(JOB).await;
        let over = bench.over(&run).await;
        assert_eq!(over.outcome, Outcome::Failed);
        let reason = over.reason.clone().unwrap_or_default();
        assert!(reason.contains("setup could not be started"), "{reason}");
        assert!(reason.contains(&why), "{reason}");
        nothing_is_left(&bench, &run).await;
    }
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
async fn a_job_on_an_image_of_the_machine_is_for_its_owner_alone() {
    let bench = Bench::new().await;
    // Nothing is on offer until the account is another's: the launch asks again.
    let host = bench.hosts.remove(&host_id()).unwrap();
    let accepted = bench.submit(JOB).await;
    let credit = Credit::Prepaid;
    let store = &bench.store;
    store
        .account_credit_set(&bench.account, credit)
        .await
        .unwrap();
    let top_up = bench.engine.account_grant(&bench.account, TOP_UP_MIN, "x");
    top_up.await.unwrap();
    bench.hosts.add(host_id(), host);
    let over = bench.over(&accepted).await;
    assert_eq!(over.outcome, Outcome::Failed);
    let why = over.reason.unwrap();
    assert!(why.contains("`host`") && why.contains("the owner"), "{why}");
    assert_eq!(bench.host.created(), 0);
    nothing_is_left(&bench, &accepted).await;

    for resources in [
        "{}",
        "{image_id: host}",
        "{image_id: 'oci:/srv/image'}",
        "{any_of: [{image_id: 'ubuntu:24.04'}, {cpus: 2}]}",
    ] {
        let job = format!("name: job\nresources: {resources}\nrun: echo run\n");
        let refused = bench.engine.run_submit(&bench.account, submission(&job));
        let refused = refused.await.unwrap_err();
        assert_eq!(refused.code(), "POD006", "{resources}: {refused}");
        assert!(refused.hint().unwrap().contains("image_id"));
    }
    let run = bench
        .submit("resources: {image_id: 'ubuntu:24.04'}\nrun: echo run\n")
        .await;
    comes_to(&bench, &run, RunStep::Train).await;
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
    tokio::time::sleep(Duration::from_secs(1)).await;
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
    let (run, waited) = waits_until_over(&bench, &run).await;
    assert!(waited > Span::from_secs(3_600), "{waited}");
    assert_eq!(run.outcome, Outcome::Failed);
    let why = run.reason.as_deref().unwrap_or_default();
    assert!(why.contains("did not come home within 1h"), "{why}");
    nothing_is_left(&bench, &run).await;
}

#[tokio::test]
async fn a_pull_that_hangs_costs_little_beyond_the_budget() {
    let bench = Bench::new().await;
    bench.host.script(|script| {
        script.run_exit = Some(0);
        script.collect_hangs = true;
    });
    // That is a thousand seconds of a quarter of the machine.
    let run = bench
        .submit(&format!("{JOB}budget: {{max_total: 0.25}}\n"))
        .await;
    comes_to(&bench, &run, RunStep::Pull).await;
    let (run, _) = waits_until_over(&bench, &run).await;
    // It would say that the hour is over, were it so.
    let why = run.reason.as_deref().unwrap_or_default();
    assert!(why.contains("its budget is used up"), "{why}");
    nothing_is_left(&bench, &run).await;
}

/// A control plane that was away for hours, or a clock that jumps, is no reason to throw results away
/// that nobody has asked for since; nor is a budget that such hours used up.
#[tokio::test]
async fn results_come_home_after_hours_without_a_control_plane() {
    let mut bench = Bench::new().await;
    bench.host.script(|script| {
        script.run_exit = Some(0);
        script.collect_hangs = true;
    });
    let run = bench
        .submit(&format!("{JOB}budget: {{max_total: 0.25}}\n"))
        .await;
    comes_to(&bench, &run, RunStep::Pull).await;
    bench.engine.stop();
    bench.engine.stopped().await;
    bench.clock.forward(2 * 3_600);
    bench.host.script(|script| script.collect_hangs = false);
    bench.restart().await;
    let run = bench.over(&run).await;
    assert_eq!(run.outcome, Outcome::Succeeded, "{:?}", run.reason);
    assert!(run.results.is_some());
    nothing_is_left(&bench, &run).await;
}

/// What a twentieth of the budget pays for is kept for bringing results home.
#[tokio::test]
async fn a_part_of_the_budget_is_kept_for_the_results() {
    let bench = Bench::new().await;
    let run = bench
        .submit(&format!("{JOB}budget: {{max_total: 0.25}}\n"))
        .await;
    comes_to(&bench, &run, RunStep::Train).await;
    bench.clock.forward(930);
    tokio::time::sleep(Duration::from_secs(1)).await;
    let now = bench.store.run_fetch(&run.id).await.unwrap();
    assert_eq!((now.step, now.outcome), (RunStep::Train, Outcome::Pending));
    bench.clock.forward(25);
    let run = bench.over(&run).await;
    assert_eq!(run.outcome, Outcome::OverBudget);
    assert!(run.results.is_some());
}

/// Lets time pass in steps that a waiting driver sees, and returns how long it took.
async fn waits_until_over(bench: &Bench, run: &Run) -> (Run, Span) {
    bench.clock.hurry(50);
    let began = bench.clock.now();
    for _ in 0..3_000 {
        let run = bench.store.run_fetch(&run.id).await.unwrap();
        if run.is_over() {
            return (run, bench.clock.now().since(began));
        }
        bench.clock.forward(15);
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("it waits for ever");
}
