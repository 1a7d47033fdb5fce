//! Connections whose other end is slow, silent or gone. The clock is moved, so nobody waits.

use super::*;
use crate::body::split_head;
use crate::error::Refusal;
use crate::routes::silent;
use crate::work::{Work, to_its_end};
use axum::body::Bytes;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{MethodRouter, get, post};
use futures_util::StreamExt;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::client::conn::http2;
use std::sync::Mutex;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::sync::{mpsc, oneshot};

/// Serves a router on one end of a pipe and returns the other, with what stops the server.
fn served(router: Router) -> (DuplexStream, CancellationToken) {
    let (near, far) = tokio::io::duplex(64 << 10);
    let stop = CancellationToken::new();
    tokio::spawn(serve(router, far, Via::Tcp, stop.clone()));
    (near, stop)
}

fn at_slash(handler: MethodRouter) -> Router {
    Router::new().route("/", handler)
}

/// Says something and returns after how many seconds the server ends the connection, and its answer.
async fn ended_after(router: Router, words: &str) -> (u64, String) {
    let (mut stream, _stop) = served(router);
    let began = Instant::now();
    stream.write_all(words.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let answer = String::from_utf8_lossy(&answer).into_owned();
    (began.elapsed().as_secs(), answer)
}

#[tokio::test(start_paused = true)]
async fn a_connection_of_which_nothing_comes_is_ended() {
    let router = at_slash(get(async || "hello"));
    for (words, seconds) in [
        ("", 10),
        ("PRI * HTT", 10),
        ("GET / HTTP/1.1\r\nhost: a\r\n", 30),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 30),
        ("GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n", 0),
    ] {
        let (after, _) = ended_after(router.clone(), words).await;
        assert_eq!(after, seconds, "{words:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_asks_no_more_is_ended_after_some_minutes() {
    let (stream, _stop) = served(at_slash(get(async || "hello")));
    let (sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
        .await
        .unwrap();
    let began = Instant::now();
    let connection = tokio::spawn(connection);
    for pause in [Duration::ZERO, IDLE_PATIENCE - Duration::from_secs(1)] {
        tokio::time::sleep(pause).await;
        let request = hyper::Request::get("http://livery/").body(Full::<Bytes>::default());
        let answer = sender.clone().send_request(request.unwrap()).await.unwrap();
        assert_eq!(
            answer.into_body().collect().await.unwrap().to_bytes(),
            "hello"
        );
    }
    connection.await.unwrap().unwrap();
    assert_eq!(began.elapsed().as_secs(), 2 * IDLE_PATIENCE.as_secs() - 1);
}

/// Takes a body piece by piece and says how it ended.
async fn swallow(body: Body) -> String {
    let mut pieces = body.into_data_stream();
    let mut bytes = 0;
    loop {
        match pieces.next().await {
            Some(Ok(piece)) => bytes += piece.len(),
            Some(Err(error)) => return format!("{bytes} and {error}"),
            None => return format!("{bytes} and all"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_that_stops_coming_is_ended_and_a_session_is_not() {
    let half = "POST / HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: 10\r\n\r\nabc";
    let (after, answer) = ended_after(at_slash(post(swallow)), half).await;
    let words = "3 and nothing more of the body came for 30 seconds";
    assert!(answer.ends_with(words), "{answer}");
    assert_eq!(after, 30);

    let (mut stream, _stop) = served(at_slash(post(swallow).layer(from_fn(silent))));
    stream.write_all(half.as_bytes()).await.unwrap();
    tokio::time::sleep(Duration::from_secs(7_200)).await;
    stream.write_all(b"defghij").await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.ends_with("10 and all"), "{answer}");
}

/// Answers to the head of a session that it read, as terminals have one.
async fn session(body: Body) -> Result<String, Refusal> {
    let (head, rest) = split_head::<u32>(body).await?;
    let pieces = rest.collect::<Vec<_>>().await;
    Ok(format!("{head} and {} pieces", pieces.len()))
}

#[tokio::test(start_paused = true)]
async fn a_session_whose_head_does_not_come_is_ended() {
    let router = at_slash(post(session).layer(from_fn(silent)));
    let head = "POST / HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: 6\r\n\r\n";
    for some in ["", "\0\0", "\0\0\0\u{1}"] {
        let (after, answer) = ended_after(router.clone(), &format!("{head}{some}")).await;
        assert!(
            answer.contains("did not come within 30 seconds"),
            "{answer}"
        );
        assert_eq!(after, 30, "{some:?}");
    }
    let (mut stream, _stop) = served(router);
    let words = format!("{head}\0\0\0\u{1}7");
    stream.write_all(words.as_bytes()).await.unwrap();
    tokio::time::sleep(Duration::from_secs(7_200)).await;
    stream.write_all(b"x").await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.ends_with("7 and 1 pieces"), "{answer}");
}

/// Answers with more than anybody keeps in between.
async fn flood() -> Body {
    let piece = || Ok::<_, Infallible>(Bytes::from(vec![b'x'; 64 << 10]));
    Body::from_stream(futures_util::stream::repeat_with(piece).take(256))
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_nobody_takes_is_ended_and_a_session_is_not() {
    for (router, is_cut) in [
        (at_slash(get(flood)), true),
        (at_slash(get(flood).layer(from_fn(silent))), false),
    ] {
        let (mut stream, _stop) = served(router);
        let words = b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
        stream.write_all(words).await.unwrap();
        tokio::time::sleep(Duration::from_secs(600)).await;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        assert_eq!(answer.len() < 256 * (64 << 10), is_cut, "{}", answer.len());
    }
}

/// A handler that reads its body, takes its time, and then says how far it came.
struct Slow {
    router: Router,
    began: mpsc::UnboundedReceiver<()>,
    done: mpsc::UnboundedReceiver<String>,
    work: Work,
}

impl Slow {
    fn new() -> Self {
        let (begin, began) = mpsc::unbounded_channel();
        let (finish, done) = mpsc::unbounded_channel();
        let handler = move |body: Body| {
            let (begin, finish) = (begin.clone(), finish.clone());
            async move {
                begin.send(()).unwrap();
                let read = swallow(body).await;
                tokio::time::sleep(Duration::from_secs(3)).await;
                finish.send(read).unwrap();
                "changed"
            }
        };
        let work = Work::default();
        let finished = from_fn_with_state(work.clone(), to_its_end);
        let changes = post(handler.clone()).layer(finished);
        Self {
            router: at_slash(changes.get(handler)),
            began,
            done,
            work,
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_change_is_done_to_its_end_when_its_client_is_gone() {
    for (head, is_done) in [("POST", true), ("GET", false)] {
        let mut slow = Slow::new();
        let (mut stream, _stop) = served(slow.router.clone());
        let words = format!("{head} / HTTP/1.1\r\nhost: a\r\n\r\n");
        stream.write_all(words.as_bytes()).await.unwrap();
        slow.began.recv().await.unwrap();
        drop(stream);
        tokio::time::sleep(Duration::from_secs(10)).await;
        let done = slow.done.try_recv().ok();
        assert_eq!(done.as_deref(), is_done.then_some("0 and all"), "{head}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_same_holds_of_a_stream_of_http_2_that_is_given_up() {
    let mut slow = Slow::new();
    let (stream, _stop) = served(slow.router.clone());
    let (mut sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
        .await
        .unwrap();
    tokio::spawn(connection);
    let request = hyper::Request::post("http://livery/").body(Full::<Bytes>::default());
    let asked = tokio::spawn(sender.send_request(request.unwrap()));
    slow.began.recv().await.unwrap();
    asked.abort();
    assert_eq!(slow.done.recv().await.unwrap(), "0 and all");
}

#[tokio::test(start_paused = true)]
async fn a_body_that_is_cut_off_does_not_look_whole() {
    let chunked = "transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n";
    for (rest, who) in [
        ("content-length: 10\r\n\r\nabc", Who::Client),
        (chunked, Who::Client),
        ("content-length: 10\r\n\r\nabc", Who::Server),
        (chunked, Who::Server),
    ] {
        let mut slow = Slow::new();
        let (mut stream, stop) = served(slow.router.clone());
        let words = format!("POST / HTTP/1.1\r\nhost: a\r\n{rest}");
        stream.write_all(words.as_bytes()).await.unwrap();
        slow.began.recv().await.unwrap();
        let kept = match who {
            Who::Client => None,
            Who::Server => {
                stop.cancel();
                Some(stream)
            }
        };
        let read = slow.done.recv().await.unwrap();
        assert!(
            read.starts_with("3 and ") && !read.ends_with("all"),
            "{who:?}: {read}"
        );
        drop(kept);
    }
}

/// Who ends a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Who {
    Client,
    Server,
}

#[tokio::test(start_paused = true)]
async fn a_stream_of_http_2_that_is_cut_off_does_not_look_whole() {
    for who in [Who::Client, Who::Server] {
        let mut slow = Slow::new();
        let (stream, stop) = served(slow.router.clone());
        let (mut sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
            .await
            .unwrap();
        let connection = tokio::spawn(connection);
        let frame = || Ok::<_, Infallible>(hyper::body::Frame::data(Bytes::from("abc")));
        let never = futures_util::stream::pending();
        let body = StreamBody::new(futures_util::stream::iter([frame()]).chain(never));
        let request = hyper::Request::post("http://livery/").body(body).unwrap();
        let _asked = tokio::spawn(sender.send_request(request));
        slow.began.recv().await.unwrap();
        match who {
            Who::Client => connection.abort(),
            Who::Server => stop.cancel(),
        }
        let read = slow.done.recv().await.unwrap();
        assert!(
            read.starts_with("3 and ") && !read.ends_with("all"),
            "{who:?}: {read}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn the_end_waits_for_changes_but_not_for_ever() {
    let mut slow = Slow::new();
    let (mut stream, stop) = served(slow.router.clone());
    let words = b"POST / HTTP/1.1\r\nhost: a\r\n\r\n";
    stream.write_all(words).await.unwrap();
    slow.began.recv().await.unwrap();
    stop.cancel();
    let began = Instant::now();
    slow.work.finished().await;
    assert_eq!(began.elapsed().as_secs(), 3);
    assert_eq!(slow.done.try_recv().unwrap(), "0 and all");

    let work = Work::default();
    let (held, hold) = oneshot::channel::<()>();
    let hold = Arc::new(Mutex::new(Some(hold)));
    let wait = move || {
        let hold = hold.lock().unwrap().take().unwrap();
        async move { hold.await.unwrap_or_default() }
    };
    let handler = post(wait).layer(from_fn_with_state(work.clone(), to_its_end));
    let (mut stream, _stop) = served(at_slash(handler));
    stream.write_all(words).await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let began = Instant::now();
    work.finished().await;
    assert_eq!(began.elapsed().as_secs(), 5);
    drop(held);
}
