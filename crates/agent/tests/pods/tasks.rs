//! Durable commands and their output.

use crate::bench::{Bench, PATIENCE, task_id};
use futures_util::TryStreamExt;
use livery_host_api::dto::{SignalTask, TaskSpec, TaskState};
use livery_host_api::{Error, Follow, Host};
use std::collections::BTreeMap;

fn task(line: &str) -> TaskSpec {
    TaskSpec {
        argv: ["sh", "-c", line].map(str::to_owned).to_vec(),
        env: BTreeMap::from([("OWN".to_owned(), "of the task".to_owned())]),
        workdir: "/workspace".into(),
    }
}

pub async fn a_log_is_followed_to_its_end(bench: &mut Bench) {
    let (pod, id) = (bench.pod(1).await, task_id(1));
    let line = "echo $OWN; for n in 1 2 3; do sleep 0.1; echo $n >&2; done; printf last; exit 4";
    bench
        .host()
        .task_start(&pod, &id, &task(line))
        .await
        .unwrap();
    let log = bench.host().task_log(&pod, &id, 0, Follow::Yes).await;
    let pieces: Vec<_> = log.unwrap().bytes.try_collect().await.unwrap();
    assert_eq!(pieces.concat(), b"of the task\n1\n2\n3\nlast");
    let status = bench.host().task(&pod, &id, PATIENCE).await.unwrap();
    assert_eq!(status.exit_code, Some(4));
    assert!(status.started_ms <= status.ended_ms);
    let rest = bench.host().task_log(&pod, &id, 12, Follow::No).await;
    let pieces: Vec<_> = rest.unwrap().bytes.try_collect().await.unwrap();
    assert_eq!(pieces.concat(), b"1\n2\n3\nlast");
    let unknown = bench
        .host()
        .task_log(&pod, &task_id(9), 0, Follow::No)
        .await;
    assert!(matches!(unknown.map(drop), Err(Error::NotFound(_))));
}

pub async fn a_task_that_ignores_signals_is_killed(bench: &mut Bench) {
    let (pod, id) = (bench.pod(1).await, task_id(1));
    let line = "trap '' TERM; echo ready; while :; do sleep 0.05; done";
    bench
        .host()
        .task_start(&pod, &id, &task(line))
        .await
        .unwrap();
    let mut log = bench
        .host()
        .task_log(&pod, &id, 0, Follow::Yes)
        .await
        .unwrap()
        .bytes;
    assert_eq!(log.try_next().await.unwrap().unwrap(), "ready\n");
    let signal = SignalTask {
        signal: 15,
        kill_after_ms: Some(200),
    };
    bench.host().task_signal(&pod, &id, &signal).await.unwrap();
    let ended = bench.host().task(&pod, &id, PATIENCE).await.unwrap();
    assert_eq!(ended.state, TaskState::Exited);
    assert_eq!(ended.exit_code, Some(128 + 9));
    assert!(log.try_next().await.unwrap().is_none());
    // Signalling what has ended changes nothing.
    bench.host().task_signal(&pod, &id, &signal).await.unwrap();
}

pub async fn what_cannot_be_started_says_why(bench: &mut Bench) {
    let (pod, id) = (bench.pod(1).await, task_id(1));
    let missing = TaskSpec {
        argv: vec!["no-such-program".into()],
        ..task("")
    };
    bench.host().task_start(&pod, &id, &missing).await.unwrap();
    let ended = bench.host().task(&pod, &id, PATIENCE).await.unwrap();
    assert_eq!(ended.state, TaskState::Failed);
    assert_eq!(ended.exit_code, Some(127));
    assert!(ended.detail.unwrap().contains("not found"));
    let empty = TaskSpec {
        argv: Vec::new(),
        ..task("")
    };
    let refused = bench.host().task_start(&pod, &task_id(2), &empty).await;
    assert!(matches!(refused, Err(Error::Invalid(_))), "{refused:?}");
    // A directory to start in that cannot be made, now or later.
    bench
        .says(&pod, "touch file; ln -s nowhere/at/all link")
        .await;
    for workdir in ["file", "file/below", "link"] {
        let elsewhere = TaskSpec {
            workdir: workdir.to_owned(),
            ..task("true")
        };
        let refused = bench.host().task_start(&pod, &task_id(3), &elsewhere).await;
        assert!(matches!(refused, Err(Error::Invalid(_))), "{refused:?}");
    }
}
