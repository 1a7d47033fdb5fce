//! A run's receipt, which is its last event.

use crate::runs::{comes_to, nothing_is_left};
use crate::support::{Bench, until};
use livery_domain::run::{EventKind, Outcome, RunStep};
use livery_units::Span;

#[tokio::test]
async fn a_run_is_not_over_before_its_receipt_is_written() {
    let bench = Bench::new().await;
    bench.clock.hurry(100);
    bench.host.script(|script| script.run_exit = Some(0));
    let refuse = "CREATE TRIGGER full BEFORE INSERT ON run_events WHEN NEW.kind = 'over'
                  BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END";
    bench.sql(refuse).await;
    let run = bench
        .submit("name: job\nresources: {cpus: 1+}\nrun: echo run\n")
        .await;
    comes_to(&bench, &run, RunStep::Teardown).await;
    // The driver tries again and again, and the run waits for room.
    until("the driver tries again", || async {
        let events = bench.engine.run_events(&run.id, 0, Span::ZERO).await;
        let ends = events
            .unwrap()
            .into_iter()
            .filter(|event| event.step == RunStep::Teardown && event.kind == EventKind::Done);
        (ends.count() > 1).then_some(())
    })
    .await;
    let present = bench.store.run_fetch(&run.id).await.unwrap();
    assert_eq!(present.ended, None, "its receipt is not written");
    bench.sql("DROP TRIGGER full").await;
    let over = bench.over(&run).await;
    assert_eq!(over.outcome, Outcome::Succeeded);
    nothing_is_left(&bench, &over).await;
}
