//! A pod from its making to its removal.

use livery_runtime::{Error, Exit, Status, TaskState};
use livery_units::Span;

use crate::bench::{Bench, idle_pod, task, until};

#[test]
fn a_pod_is_made_used_stopped_started_and_removed() {
    let Some(bench) = Bench::new() else { return };
    let spec = idle_pod(1);
    let pod = bench.pod(&spec);
    // Making it again changes nothing.
    let again = bench.runtime().create(&spec).unwrap();
    assert_eq!(Some(again), bench.runtime().state(&pod).unwrap());

    assert_eq!(
        bench.says(&pod, "id -u; pwd; hostname; echo $LIVERY_TEST $HOME"),
        "0\n/workspace\npod-1\nof the pod /root"
    );
    bench.says(&pod, "echo kept > /workspace/file; echo gone > /root/file");

    let stopped = bench.runtime().stop(&pod, Span::from_secs(20)).unwrap();
    let Status::Down { end } = stopped.status else {
        panic!("{stopped:?}")
    };
    assert_eq!(end.exit, Exit::Code(143));
    assert!(matches!(
        bench.runtime().start(&pod).unwrap().status,
        Status::Up { .. }
    ));
    assert_eq!(bench.says(&pod, "cat /workspace/file; ls /root"), "kept");

    bench.runtime().remove(&pod).unwrap();
    assert_eq!(bench.runtime().state(&pod).unwrap(), None);
    bench.runtime().remove(&pod).unwrap();
    assert!(matches!(
        bench.runtime().start(&pod),
        Err(Error::NoSuchPod(_))
    ));
}

#[test]
fn a_pod_ends_with_its_start_command_and_keeps_its_output() {
    let Some(bench) = Bench::new() else { return };
    let mut spec = idle_pod(1);
    spec.command = Some(
        ["/bin/sh", "-c", "echo hello; exit 7"]
            .map(str::to_owned)
            .to_vec(),
    );
    let pod = bench.runtime().create(&spec).unwrap().id;
    let end = until("the pod is down", || match bench.status(&pod) {
        Status::Down { end } => Some(end),
        Status::Starting | Status::Up { .. } | Status::Lost => None,
    });
    assert_eq!(end.exit, Exit::Code(7));
    let log = crate::bench::text_of(&bench.runtime().log_path(&pod));
    assert_eq!(log, "hello\n");
    assert!(matches!(
        bench.runtime().task_start(&pod, &task(1, "true")),
        Err(Error::NotUp { .. })
    ));
}

#[test]
fn tasks_run_once_and_tell_how_they_ended() {
    let Some(bench) = Bench::new() else { return };
    let pod = bench.pod(&idle_pod(1));
    let count = task(
        1,
        "echo out; echo err >&2; echo x >> /workspace/count; exit 3",
    );
    bench.runtime().task_start(&pod, &count).unwrap();
    let TaskState::Ended { end, .. } = bench.finish(&pod, &count.id) else {
        panic!()
    };
    assert_eq!(end.exit, Exit::Code(3));
    bench.runtime().task_start(&pod, &count).unwrap();
    assert_eq!(bench.says(&pod, "cat /workspace/count"), "x");
    assert_eq!(bench.log(&pod, &count.id), "out\nerr\n");

    let mut missing = task(2, "");
    missing.command.argv = vec!["no-such-program".to_owned()];
    bench.runtime().task_start(&pod, &missing).unwrap();
    let TaskState::Ended { end, .. } = bench.finish(&pod, &missing.id) else {
        panic!()
    };
    assert_eq!(end.exit, Exit::NotStarted(127));
    assert!(
        bench
            .log(&pod, &missing.id)
            .contains("not found in the pod")
    );
    assert_eq!(bench.runtime().tasks(&pod).unwrap().len(), 2);
}

#[test]
fn pods_made_at_the_same_time_do_not_share_anything() {
    let Some(bench) = Bench::new() else { return };
    let runtime = bench.runtime();
    let roots = std::thread::scope(|scope| {
        let makers: Vec<_> = (1..=4)
            .map(|number| {
                scope.spawn(move || {
                    let spec = idle_pod(number);
                    // Two agents' worth of calls about one pod: it is still made once.
                    let twin = spec.clone();
                    let second = scope.spawn(move || runtime.create(&twin).unwrap());
                    let first = runtime.create(&spec).unwrap();
                    assert_eq!(first, second.join().unwrap());
                    runtime.root(&spec.id).unwrap()
                })
            })
            .collect();
        makers
            .into_iter()
            .map(|maker| maker.join().unwrap())
            .collect::<Vec<_>>()
    });
    let mut ids: Vec<u32> = roots.iter().map(|root| root.first_id).collect();
    ids.sort_unstable();
    for pair in ids.windows(2) {
        assert!(pair[1] - pair[0] >= roots[0].ids, "{ids:?}");
    }
    let pods: Vec<_> = runtime
        .list()
        .unwrap()
        .into_iter()
        .map(|state| state.id)
        .collect();
    assert_eq!(pods.len(), 4);
    std::thread::scope(|scope| {
        for pod in &pods {
            scope.spawn(move || runtime.remove(pod).unwrap());
        }
    });
    assert_eq!(runtime.list().unwrap(), []);
}
