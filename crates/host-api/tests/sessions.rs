//! Streams both ways, broken streams and foreign versions.

mod fixture;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use fixture::{Memory, over_both, pod_id};
use futures_util::{StreamExt, TryStreamExt};
use livery_host_api::dto::{ExecSpec, Window};
use livery_host_api::frame::Frame;
use livery_host_api::{ByteIo, ByteStream, Connector, Error, Host, HostClient, PROTOCOL, serve};
use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex};
use tokio::io::AsyncReadExt;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

fn exec_spec() -> ExecSpec {
    ExecSpec {
        argv: vec!["cat".into()],
        // Above what a header could carry.
        env: BTreeMap::from([("LONG".into(), "x".repeat(300_000))]),
        workdir: None,
        tty: Some(Window {
            columns: 80,
            rows: 25,
        }),
    }
}

/// Cuts frames out of a stream.
async fn next_frame(stream: &mut ByteStream, buffer: &mut BytesMut) -> Option<Frame> {
    loop {
        if let Some(frame) = Frame::decode(buffer).unwrap() {
            return Some(frame);
        }
        buffer.extend_from_slice(&stream.next().await?.ok()?);
    }
}

#[tokio::test]
async fn a_command_talks_both_ways_at_once() {
    over_both(async |memory: Arc<Memory>, client: HostClient| {
        let (input, receiver) = mpsc::channel::<Result<Bytes, Error>>(1);
        let spec = exec_spec();
        let mut output = client
            .exec(&pod_id(), &spec, ReceiverStream::new(receiver).boxed())
            .await
            .unwrap();
        assert_eq!(memory.last(), format!("exec {} {spec:?}", pod_id()));
        let mut buffer = BytesMut::new();
        // Each answer is awaited before the next input is sent: neither side waits for an end.
        for round in 0..16_u8 {
            let sent = Bytes::from(vec![round; 65_536]);
            let frame = Frame::Stdin(sent.clone()).to_bytes();
            input.send(Ok(frame)).await.unwrap();
            let got = next_frame(&mut output, &mut buffer).await;
            assert_eq!(got, Some(Frame::Stdout(sent)));
        }
        input.send(Ok(Frame::StdinEnd.to_bytes())).await.unwrap();
        let end = next_frame(&mut output, &mut buffer).await;
        assert_eq!(end, Some(Frame::Exit(16 * 65_536)));
        assert_eq!(next_frame(&mut output, &mut buffer).await, None);
    })
    .await;
}

#[tokio::test]
async fn a_port_carries_raw_bytes() {
    over_both(async |_: Arc<Memory>, client: HostClient| {
        let pieces: Vec<_> = (0..40_u8)
            .map(|n| Ok(Bytes::from(vec![n; 50_000])))
            .collect();
        let sent = pieces.iter().flatten().flatten().copied();
        let sent: Vec<u8> = sent.collect();
        let input = futures_util::stream::iter(pieces).boxed();
        let output = client.forward(&pod_id(), 8080, input).await.unwrap();
        let got: Vec<Bytes> = output.try_collect().await.unwrap();
        assert!(got.concat() == sent);
    })
    .await;
}

/// Serves a host over pipes that the test can cut.
struct Cuttable {
    host: Arc<dyn Host>,
    served: Arc<Mutex<Vec<tokio::task::JoinHandle<()>>>>,
}

#[async_trait]
impl Connector for Cuttable {
    async fn connect(&self) -> io::Result<Box<dyn ByteIo>> {
        let (near, far) = tokio::io::duplex(1 << 16);
        let server = tokio::spawn(serve(Arc::clone(&self.host), far));
        self.served.lock().unwrap().push(server);
        Ok(Box::new(near))
    }

    fn peer(&self) -> String {
        "the test".into()
    }
}

#[tokio::test]
async fn a_broken_stream_is_unreachable_and_the_next_call_reconnects() {
    let served = Arc::new(Mutex::new(Vec::new()));
    let client = HostClient::new(Cuttable {
        host: Arc::new(Memory::default()),
        served: served.clone(),
    });
    let (input, receiver) = mpsc::channel::<Result<Bytes, Error>>(1);
    let mut output = client
        .exec(
            &pod_id(),
            &exec_spec(),
            ReceiverStream::new(receiver).boxed(),
        )
        .await
        .unwrap();
    let hello = Frame::Stdin("hello".into()).to_bytes();
    input.send(Ok(hello)).await.unwrap();
    assert!(output.next().await.unwrap().is_ok());

    let server = served.lock().unwrap().pop().unwrap();
    server.abort();
    assert!(server.await.unwrap_err().is_cancelled());
    let broken = output.next().await.unwrap();
    assert!(matches!(broken, Err(Error::Unreachable(_))), "{broken:?}");
    assert!(output.next().await.is_none());

    assert_eq!(client.info().await.unwrap().hostname, "stable");
    assert_eq!(served.lock().unwrap().len(), 1, "one new connection");
}

/// A server that drops every stream after the handshake's first bytes.
struct Dropping;

#[async_trait]
impl Connector for Dropping {
    async fn connect(&self) -> io::Result<Box<dyn ByteIo>> {
        let (near, mut far) = tokio::io::duplex(1 << 16);
        tokio::spawn(async move { far.read_u8().await });
        Ok(Box::new(near))
    }

    fn peer(&self) -> String {
        "the test".into()
    }
}

#[tokio::test]
async fn nobody_there_is_unreachable() {
    let client = HostClient::new(Dropping);
    let answer = client.info().await;
    assert!(matches!(answer, Err(Error::Unreachable(_))), "{answer:?}");
    let missing = livery_host_api::UnixConnector("/nonexistent/host.sock".into());
    let answer = HostClient::new(missing).info().await;
    let Err(Error::Unreachable(message)) = answer else {
        panic!("{answer:?}");
    };
    assert!(message.contains("/nonexistent/host.sock"), "{message}");
}

/// A host agent of another release, which speaks that version.
struct Other(u32);

#[async_trait]
impl Connector for Other {
    async fn connect(&self) -> io::Result<Box<dyn ByteIo>> {
        let (near, far) = tokio::io::duplex(1 << 16);
        let protocol = self.0;
        let answer = hyper::service::service_fn(move |_| async move {
            let hello = format!(r#"{{"protocol":{protocol},"version":"7.0.0"}}"#);
            Ok::<_, std::convert::Infallible>(http::Response::new(hello))
        });
        let executor = hyper_util::rt::TokioExecutor::new();
        let server = hyper::server::conn::http2::Builder::new(executor);
        tokio::spawn(server.serve_connection(hyper_util::rt::TokioIo::new(far), answer));
        Ok(Box::new(near))
    }

    fn peer(&self) -> String {
        "the test".into()
    }
}

#[tokio::test]
async fn another_version_is_refused_by_name() {
    // Version 1 would mount every network volume at /workspace, wherever it is to be.
    for version in [1, 99] {
        let answer = HostClient::new(Other(version)).info().await;
        let Err(Error::Unreachable(message)) = answer else {
            panic!("{answer:?}");
        };
        let (theirs, ours) = (
            format!("version {version} "),
            format!("version {PROTOCOL};"),
        );
        for part in [&theirs, "7.0.0", env!("CARGO_PKG_VERSION"), &ours] {
            assert!(message.contains(part), "{message}");
        }
    }
}
