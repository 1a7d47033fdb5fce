//! Commands with a client at the other end, and ports.

use crate::bench::{Bench, shell};
use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use livery_host_api::dto::{ExecSpec, TaskSpec, Window};
use livery_host_api::frame::Frame;
use livery_host_api::{Error, Host};
use std::collections::BTreeMap;
use std::time::Duration;

pub async fn a_command_talks_on_pipes(bench: &mut Bench) {
    let pod = bench.pod(1).await;
    let line = "cat; echo done >&2; exit 3";
    let mut session = bench.exec(&pod, &shell(line)).await;
    // The first answer comes before the last input goes.
    session.send(Frame::Stdin("hello\n".into())).await;
    assert_eq!(session.until("hello\n").await, "hello\n");
    let block = Bytes::from(vec![b'x'; 65_536]);
    for _ in 0..16 {
        session.send(Frame::Stdin(block.clone())).await;
    }
    session.send(Frame::StdinEnd).await;
    let (text, code) = session.finish().await;
    assert_eq!(code, 3);
    assert_eq!(text.len(), 16 * 65_536 + "done\n".len());

    let missing = ExecSpec {
        argv: vec!["no-such-program".into()],
        ..shell("")
    };
    let (text, code) = bench.exec(&pod, &missing).await.finish().await;
    assert_eq!(code, 127, "{text}");
    // A process left behind does not hold the session open.
    let (text, code) = bench
        .exec(&pod, &shell("sleep 1000 & echo left"))
        .await
        .finish()
        .await;
    assert_eq!((text.as_str(), code), ("left\n", 0));
}

pub async fn a_terminal_has_a_size_and_ends(bench: &mut Bench) {
    let pod = bench.pod(1).await;
    let spec = ExecSpec {
        argv: vec!["sh".into()],
        tty: Some(Window {
            columns: 101,
            rows: 31,
        }),
        ..shell("")
    };
    let mut session = bench.exec(&pod, &spec).await;
    session.send(Frame::Stdin("stty size; tty\n".into())).await;
    session.until("31 101\r\n").await;
    session.until("/dev/pts/").await;
    session.send(Frame::Resize(77, 22)).await;
    // The change goes through two terminals; the shell is asked until it shows.
    let wait = "until stty size | grep '22 77'; do sleep 0.05; done\n";
    session.send(Frame::Stdin(wait.into())).await;
    session.until("22 77\r\n").await;
    session.send(Frame::Stdin("exit 9\n".into())).await;
    let (_, code) = session.finish().await;
    assert_eq!(code, 9);

    // The end of input is typed.
    let mut session = bench.exec(&pod, &spec).await;
    session.send(Frame::StdinEnd).await;
    assert_eq!(session.finish().await.1, 0);
}

pub async fn a_command_ends_with_its_client(bench: &mut Bench) {
    let pod = bench.pod(1).await;
    let line = "trap 'echo hung up > /workspace/told; exit' HUP; echo ready; \
                while :; do sleep 0.05; done";
    let mut session = bench.exec(&pod, &shell(line)).await;
    session.until("ready").await;
    drop(session);
    let wait = "until [ -s /workspace/told ]; do sleep 0.05; done; cat /workspace/told";
    assert_eq!(bench.says(&pod, wait).await, "hung up");
}

pub async fn signals_reach_the_command(bench: &mut Bench) {
    let pod = bench.pod(1).await;
    let mut session = bench
        .exec(&pod, &shell("echo ready; exec sleep 1000"))
        .await;
    session.until("ready").await;
    session.send(Frame::Signal(15)).await;
    assert_eq!(session.finish().await.1, 128 + 15);
}

pub async fn a_port_inside_is_reached(bench: &mut Bench) {
    let pod = bench.pod(1).await;
    let refused = bench
        .host()
        .forward(&pod, 8000, stream::pending().boxed())
        .await;
    let Err(Error::WrongState(text)) = refused.map(drop) else {
        panic!("nothing listens yet");
    };
    assert!(text.contains("8000"), "{text}");
    bench
        .says(&pod, "mkdir site; echo inside > site/page")
        .await;
    let server = TaskSpec {
        argv: ["python3", "-m", "http.server", "8000"]
            .map(str::to_owned)
            .to_vec(),
        env: BTreeMap::new(),
        workdir: "/workspace/site".into(),
    };
    let task = crate::bench::task_id(1);
    bench.host().task_start(&pod, &task, &server).await.unwrap();
    let answer = loop {
        let request = "GET /page HTTP/1.0\r\n\r\n";
        let input = stream::iter([Ok(request.into())]).chain(stream::pending());
        match bench.host().forward(&pod, 8000, input.boxed()).await {
            Ok(output) => break output.try_collect::<Vec<_>>().await.unwrap().concat(),
            Err(Error::WrongState(_)) => tokio::time::sleep(Duration::from_millis(50)).await,
            Err(error) => panic!("{error}"),
        }
    };
    let answer = String::from_utf8(answer).unwrap();
    assert!(answer.starts_with("HTTP/1.0 200"), "{answer}");
    assert!(answer.ends_with("\r\n\r\ninside\n"), "{answer}");
}
