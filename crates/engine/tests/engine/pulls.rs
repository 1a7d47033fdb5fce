//! What comes home of a run, and what is said of what does not.

use crate::runs::nothing_is_left;
use crate::support::Bench;
use livery_domain::run::Outcome;

#[tokio::test]
async fn a_run_whose_results_found_no_room_fails_and_keeps_the_others() {
    let bench = Bench::new().await;
    bench.host.script(|script| {
        script.run_exit = Some(0);
        script.lost = vec!["`out/model` (500 GB): no space left to keep it".to_owned()];
    });
    let job = "name: job\nresources: {cpus: 1+}\nrun: echo run\noutputs: ['out/**']\n";
    let run = bench.submit(job).await;
    let over = bench.over(&run).await;
    assert_eq!((over.outcome, over.exit_code), (Outcome::Failed, Some(0)));
    let reason = over.reason.clone().unwrap_or_default();
    assert!(reason.contains("`out/model` (500 GB)"), "{reason}");
    assert!(over.results.is_some(), "the others came home");
    nothing_is_left(&bench, &run).await;
}
