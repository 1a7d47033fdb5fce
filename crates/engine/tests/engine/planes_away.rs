//! A control plane that is away for long, with its host: the other one gives up nothing of what it had.

use crate::planes::{Two, database};
use crate::support::{submission, until};
use livery_domain::pod::{Phase, Pod};
use livery_domain::run::{Outcome, Run, RunStep};
use livery_domain::volume::{NetworkVolume, VolumePhase};
use livery_engine::{Clock, NewVolume};
use livery_store::Store;
use livery_units::{Bytes, Span};

const TRAINS: &str = "name: job\nresources: {cpus: 1+}\nrun: echo run\noutputs: ['out/**']\n";

/// Words of the note that a run stands still.
const STILL: &str = "stands still";

async fn fetched(two: &Two, run: &Run) -> Run {
    let engine = &two.second.engine;
    let run = engine.run_fetch(&two.account, run.id.as_str()).await;
    run.unwrap()
}

async fn comes_to(two: &Two, run: &Run, step: RunStep) -> Run {
    until("the run is at that step", || async {
        Some(fetched(two, run).await).filter(|run| run.step == step)
    })
    .await
}

/// A network volume that the first control plane accepted.
async fn volume(two: &Two, name: &str) -> NetworkVolume {
    let wanted = NewVolume {
        name: name.to_owned(),
        size: Bytes::gib(10),
        host: None,
    };
    let made = two.first.engine.volume_create(&two.account, wanted).await;
    made.unwrap().volume
}

/// A run of the first control plane that goes on until somebody ends it.
async fn trains(two: &Two, job: &str) -> Run {
    two.first.host.script(|script| script.run_exit = None);
    let run = two.submit(&two.first, submission(job)).await;
    comes_to(two, &run, RunStep::Train).await
}

#[tokio::test]
async fn a_run_loses_no_time_and_no_result_while_its_control_plane_and_its_host_are_away() {
    let two = Two::new().await;
    two.first.host.script(|script| script.collect_hangs = true);
    let pulls = two.submit(&two.first, submission(TRAINS)).await;
    let pulls = comes_to(&two, &pulls, RunStep::Pull).await;
    let trains = self::trains(&two, &format!("{TRAINS}budget: {{max_hours: 1}}\n")).await;
    let cancelled = self::trains(&two, TRAINS).await;
    two.first.die().await;
    two.clock.stand_still();
    two.clock.forward(2 * 3_600);
    // Almost all of the time that results may take was waited for, until just now.
    let store = Store::open(&database(two.dir.path())).await.unwrap();
    let at = two.clock.now().millis() - 30_000;
    let waited = format!("3590000 {at}");
    let noted = store.run_note_set(&pulls.id, "pull-waited", &waited).await;
    noted.unwrap();
    for run in [&pulls, &trains, &cancelled] {
        let note = two.said(run, STILL).await;
        assert!(note.contains(&two.first.name()), "{note}");
    }
    // What its user asks for comes about, and by then it was looked at the others again.
    let (engine, id) = (&two.second.engine, cancelled.id.as_str());
    engine.run_cancel(&two.account, id).await.unwrap();
    let now = comes_to(&two, &cancelled, RunStep::Pull).await;
    assert_eq!(now.outcome, Outcome::Cancelled, "{:?}", now.reason);
    for run in [&pulls, &trains] {
        let now = fetched(&two, run).await;
        assert_eq!((now.step, now.outcome), (run.step, Outcome::Pending));
    }
    assert_eq!(two.first.host.pod_count(), 3);

    two.first.host.script(|script| script.collect_hangs = false);
    two.clock.forward(120);
    let _again = two.first.back(two.dir.path(), &two.clock).await;
    // Its host was up all the while, and the hours of the second one are over by now.
    for (run, outcome) in [
        (&pulls, Outcome::Succeeded),
        (&trains, Outcome::OverBudget),
        (&cancelled, Outcome::Cancelled),
    ] {
        let over = two.over(&run.id).await;
        assert_eq!(over.outcome, outcome, "{:?}", over.reason);
        assert!(over.results.is_some());
    }
    assert_eq!(two.first.host.pod_count(), 0);
}

#[tokio::test]
async fn what_was_accepted_and_not_made_is_not_given_up_while_its_host_is_away() {
    let two = Two::new().await;
    let data = volume(&two, "data").await;
    let engine = &two.first.engine;
    let made = engine.volume_wait(&two.account, "data", Span::from_secs(60));
    assert_eq!(made.await.unwrap().volume.phase(), VolumePhase::Ready);
    two.first.die().await;
    let pod = two.pod(&two.first, "box").await;
    let more = volume(&two, "more").await;
    // It has no files, and can be nowhere else than at its volume.
    let job = format!("{TRAINS}volumes: {{/mnt/data: data}}\n");
    let run = two.submit(&two.first, submission(&job)).await;
    two.clock.forward(60);
    let says = |reason: &Option<String>| {
        let reason = reason.as_deref().unwrap_or_default();
        reason.contains("is not connected")
    };
    let other = &two.second.engine;
    let more = until("somebody says so of the volume", || async {
        let view = other.volume_fetch(&two.account, more.id.as_str()).await;
        Some(view.unwrap().volume).filter(|volume| says(&volume.reason))
    })
    .await;
    assert_eq!((more.phase(), more.attempts), (VolumePhase::Creating, 0));
    let note = two.said(&run, "The run waits for it").await;
    assert!(note.starts_with("no offer here will do"), "{note}");
    // Tried more often than a launch is: by the end a host that was there would have been given up.
    let mut before = two
        .pod_is("somebody says so", &pod, |pod| says(&pod.reason))
        .await;
    for _ in 0..6 {
        two.clock.forward(300);
        let again = |pod: &Pod| pod.generation > before.generation;
        before = two.pod_is("it is tried again", &pod, again).await;
        assert_eq!((before.phase(), before.attempts), (Phase::Pending, 0));
    }

    two.first.host.script(|script| script.run_exit = Some(0));
    let again = two.first.back(two.dir.path(), &two.clock).await;
    two.running(&pod).await;
    let made = again.volume_wait(&two.account, "more", Span::from_secs(60));
    assert_eq!(made.await.unwrap().volume.phase(), VolumePhase::Ready);
    let over = two.over(&run.id).await;
    assert_eq!(over.outcome, Outcome::Succeeded, "{:?}", over.reason);
    assert_eq!(data.host, more.host);
}
