//! Runs with a network volume: they go where it is, have it alone, and leave it as they found it.

use crate::planes::Two;
use crate::runs::{comes_to, nothing_is_left};
use crate::support::{Bench, submission, until};
use crate::volumes::{made, pod_with, settled, show};
use livery_domain::pod::Pod;
use livery_domain::run::{EventKind, Outcome, Run, RunStep, Submission};
use livery_domain::volume::VolumePhase;
use livery_engine::Error;
use livery_units::{Bytes, HostId, Span, VolumeId};

const JOB: &str = "name: job\nresources: {cpus: 1+}\nvolumes: {/mnt/data: data}\nrun: echo run\n";

async fn pods_of(bench: &Bench, run: &Run) -> Vec<Pod> {
    bench.store.pod_list_of_run(&run.id).await.unwrap()
}

async fn submitted(bench: &Bench, submission: Submission) -> Result<Run, Error> {
    bench.engine.run_submit(&bench.account, submission).await
}

/// Nothing is attached: the volume is there, and it can be deleted.
async fn is_free(bench: &Bench, id: &VolumeId) {
    let view = show(bench, id).await;
    assert_eq!((view.volume.phase(), view.pod), (VolumePhase::Ready, None));
}

#[tokio::test]
async fn a_volume_goes_from_run_to_run_and_stays() {
    let bench = Bench::new().await;
    bench.host.script(|script| script.run_exit = Some(0));
    let volume = made(&bench, "data").await.volume;
    let first = bench.submit(JOB).await;
    let over = bench.over(&first).await;
    assert_eq!(over.outcome, Outcome::Succeeded, "{:?}", over.reason);
    let pod = &pods_of(&bench, &first).await[0];
    let mount = pod.order.network_volume.as_ref().unwrap();
    assert_eq!(
        (&mount.volume, mount.path.as_str()),
        (&volume.id, "/mnt/data")
    );
    assert_ne!(pod.order.volume_disk, Bytes::ZERO, "it has a workspace too");
    nothing_is_left(&bench, &first).await;
    is_free(&bench, &volume.id).await;

    // What the command line says wins; there it takes the place of the pod's own disk.
    let second = Submission {
        volume: Some(volume.id.as_str().parse().unwrap()),
        ..submission(&JOB.replace("data: data", "data: other"))
    };
    let second = submitted(&bench, second).await.unwrap();
    let over = bench.over(&second).await;
    assert_eq!(over.outcome, Outcome::Succeeded, "{:?}", over.reason);
    let pod = &pods_of(&bench, &second).await[0];
    let mount = pod.order.network_volume.as_ref().unwrap();
    assert_eq!(
        (&mount.volume, mount.path.as_str()),
        (&volume.id, "/workspace")
    );
    assert_eq!(pod.order.volume_disk, Bytes::ZERO);
    is_free(&bench, &volume.id).await;
}

#[tokio::test]
async fn a_run_goes_where_its_volume_is_whatever_that_costs() {
    let bench = Bench::new().await;
    let other = bench.add_host("host_other");
    other.script(|script| script.run_exit = Some(0));
    let host: HostId = "host_other".parse().unwrap();
    let wanted = livery_engine::NewVolume {
        name: "data".into(),
        size: Bytes::gib(10),
        host: Some(host.to_string()),
    };
    let volume = bench.engine.volume_create(&bench.account, wanted);
    let volume = volume.await.unwrap().volume;
    settled(&bench, "data", VolumePhase::Ready).await;
    // The estimate is of that host too, and says what the volume costs beside the run.
    let asked = submission(JOB);
    let forecast = bench.engine.forecast(&bench.account, &asked, None);
    let forecast = forecast.await.unwrap().unwrap();
    assert_eq!(forecast.offer.host.as_ref(), Some(&host));
    // 10 GB at $3.60 a month.
    let says = "; network volume data costs $0.05/h as before, with this run or without it";
    assert!(forecast.to_string().ends_with(says), "{forecast}");
    let explained = bench.engine.explain(&bench.account, &asked).await.unwrap();
    let fits = explained.ranking.fits;
    assert!(
        fits.iter()
            .all(|fit| fit.offer.host.as_ref() == Some(&host))
    );

    let run = bench.submit(JOB).await;
    let over = bench.over(&run).await;
    assert_eq!(over.outcome, Outcome::Succeeded, "{:?}", over.reason);
    assert_eq!(pods_of(&bench, &run).await[0].offer.host, Some(host));
    assert_eq!(
        bench.host.created(),
        0,
        "the cheaper one has no such volume"
    );
    let events = bench.engine.run_events(&run.id, 0, Span::ZERO).await;
    let events = events.unwrap();
    let mut notes = events.iter().filter(|event| event.kind == EventKind::Note);
    assert!(notes.any(|note| note.message.ends_with(says)), "{events:?}");
    is_free(&bench, &volume.id).await;
}

#[tokio::test]
async fn a_volume_that_cannot_be_taken_is_told_with_the_reason() {
    let bench = Bench::new().await;
    let refused = submitted(&bench, submission(JOB)).await.unwrap_err();
    assert_eq!(refused.code(), "VOL001");
    assert!(refused.to_string().contains("`data`"), "{refused}");

    let volume = made(&bench, "data").await.volume;
    let both = "run: x\nresources: {volume_size: 9}\n";
    let both = Submission {
        volume: Some("data".parse().unwrap()),
        ..submission(both)
    };
    assert_eq!(submitted(&bench, both).await.unwrap_err().code(), "VOL007");

    let pod = bench
        .engine
        .pod_create(&bench.account, pod_with(&bench, "data"));
    let pod = pod.await.unwrap();
    let refused = submitted(&bench, submission(JOB)).await.unwrap_err();
    assert_eq!(refused.code(), "VOL004");
    assert!(refused.to_string().contains(pod.id.as_str()), "{refused}");
    let id = pod.id.as_str();
    bench
        .engine
        .pod_terminate(&bench.account, id)
        .await
        .unwrap();
    let gone = bench
        .engine
        .pod_wait(&bench.account, id, Span::from_secs(60));
    gone.await.unwrap();

    // Others would have a machine for it.
    bench.cloud.script(|script| script.down = false);
    let run = bench.submit(&format!("{JOB}suppliers: [cloud]\n")).await;
    let why = bench.over(&run).await.reason.unwrap();
    for part in [
        "network volume data is on host host_simulated",
        "no offer of that host fits (",
        "of another host would fit",
        "livery offers",
        "VOL008",
    ] {
        assert!(why.contains(part), "{part}: {why}");
    }

    bench
        .engine
        .volume_delete(&bench.account, "data")
        .await
        .unwrap();
    let refused = submitted(&bench, submission(JOB)).await.unwrap_err();
    assert_eq!(refused.code(), "VOL005");
    let shown = refused.to_string();
    assert!(shown.contains("data is delet"), "{shown}");
    until("it is gone", || async {
        let gone = show(&bench, &volume.id).await.volume.ended;
        gone.map(|_| ())
    })
    .await;
}

#[tokio::test]
async fn of_two_runs_at_once_one_has_the_volume() {
    let bench = Bench::new().await;
    let volume = made(&bench, "data").await.volume;
    let both = tokio::join!(
        submitted(&bench, submission(JOB)),
        submitted(&bench, submission(JOB))
    );
    // The second is refused at once when the first has its pod by then, and when it takes one else.
    let (has_it, why) = match both {
        (Ok(one), Ok(other)) => {
            let ended = until("one of them is over", || async {
                for run in [&one, &other] {
                    let row = bench.store.run_fetch(&run.id).await.unwrap();
                    if row.is_over() {
                        return Some(row);
                    }
                }
                None
            })
            .await;
            let left = if ended.id == one.id { other } else { one };
            (left, ended.reason.unwrap())
        }
        (Ok(run), Err(error)) | (Err(error), Ok(run)) => {
            let why = format!("{error} ({})", error.code());
            (run, why)
        }
        (Err(error), Err(_)) => panic!("{error}"),
    };
    assert!(
        why.contains("is in use by pod") && why.contains("VOL004"),
        "{why}"
    );
    comes_to(&bench, &has_it, RunStep::Train).await;
    assert!(show(&bench, &volume.id).await.pod.is_some());
    bench
        .engine
        .run_cancel(&bench.account, has_it.id.as_str())
        .await
        .unwrap();
    bench.over(&has_it).await;
    is_free(&bench, &volume.id).await;
}

#[tokio::test]
async fn a_bad_pod_gives_the_volume_to_the_next_attempt() {
    let bench = Bench::new().await;
    bench.host.script(|script| script.no_workspace = true);
    let volume = made(&bench, "data").await.volume;
    let run = bench.submit(JOB).await;
    let over = bench.over(&run).await;
    assert_eq!(over.outcome, Outcome::Failed);
    assert!(bench.host.created() > 1, "the next offer is tried");
    assert!(!over.reason.unwrap().contains("VOL004"), "it is its own");
    is_free(&bench, &volume.id).await;
}

#[tokio::test]
async fn a_volume_that_cannot_grow_says_why_to_those_who_want_it() {
    let bench = Bench::new().await;
    made(&bench, "data").await;
    let why = "its file system could not be checked";
    let refusal = livery_host_api::Error::Internal(why.to_owned());
    bench.host.volumes.refuse(Some(refusal));
    let larger = bench
        .engine
        .volume_resize(&bench.account, "data", Bytes::gib(20));
    larger.await.unwrap();
    let refused = until("its host has refused", || async {
        let refused = submitted(&bench, submission(JOB)).await.unwrap_err();
        refused.to_string().contains(why).then_some(refused)
    })
    .await;
    assert_eq!(refused.code(), "VOL005");
    assert!(refused.to_string().contains("data is growing"), "{refused}");
}

#[tokio::test]
async fn a_volume_whose_host_is_at_another_control_plane_is_asked_for_there() {
    let two = Two::new().await;
    let wanted = livery_engine::NewVolume {
        name: "data".into(),
        size: Bytes::gib(10),
        host: None,
    };
    let volume = two.second.engine.volume_create(&two.account, wanted);
    volume.await.unwrap();
    let waited = two
        .second
        .engine
        .volume_wait(&two.account, "data", Span::from_secs(60));
    assert_eq!(waited.await.unwrap().volume.phase(), VolumePhase::Ready);

    let run = two.first.engine.run_submit(&two.account, submission(JOB));
    let refused = run.await.unwrap_err();
    assert_eq!(refused.code(), "HST002", "{refused}");
    for part in ["network volume data", &two.second.name()] {
        assert!(refused.to_string().contains(part), "{refused}");
    }
    let run = two.second.engine.run_submit(&two.account, submission(JOB));
    run.await.unwrap();
}

#[tokio::test]
async fn a_crash_between_two_steps_leaves_nothing_attached() {
    let mut bench = Bench::new().await;
    let volume = made(&bench, "data").await.volume;
    for step in [
        RunStep::Choose,
        RunStep::Launch,
        RunStep::Validate,
        RunStep::Train,
    ] {
        bench.host.script(|script| script.run_exit = None);
        let run = bench.submit(JOB).await;
        comes_to(&bench, &run, step).await;
        bench.restart().await;
        bench.host.script(|script| script.run_exit = Some(0));
        comes_to(&bench, &run, RunStep::Train).await;
        let mount = pods_of(&bench, &run).await;
        assert_eq!(mount.len(), 1, "{step}: one pod has it");
        bench
            .engine
            .run_cancel(&bench.account, run.id.as_str())
            .await
            .unwrap();
        bench.restart().await;
        bench.over(&run).await;
        nothing_is_left(&bench, &run).await;
        is_free(&bench, &volume.id).await;
    }
    bench
        .engine
        .volume_delete(&bench.account, "data")
        .await
        .unwrap();
    until("it is gone", || async {
        let gone = show(&bench, &volume.id).await.volume.ended;
        gone.map(|_| ())
    })
    .await;
}
