//! Answers of a server that means no good, and connections that are used again.

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use livery_web::{Client, Error, Reach, Request, Url};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Serves connections with a function, and counts them.
async fn server<F>(speak: impl Fn(TcpStream) -> F + Send + 'static) -> (Url, Arc<AtomicUsize>)
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let connections = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&connections);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            counted.fetch_add(1, Ordering::SeqCst);
            tokio::spawn(speak(stream));
        }
    });
    (Url::parse(&url).unwrap(), connections)
}

/// Reads the head of a request.
async fn hear(stream: &mut TcpStream) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    Some(String::from_utf8(head).unwrap())
}

fn get(url: &Url) -> Request {
    Request {
        method: Method::GET,
        url: url.clone(),
        headers: HeaderMap::new(),
        body: Bytes::new(),
    }
}

#[tokio::test]
async fn an_endless_answer_is_given_up_at_its_bound() {
    let (url, _) = server(|mut stream| async move {
        hear(&mut stream).await;
        let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
        stream.write_all(head.as_bytes()).await.unwrap();
        let chunk = format!("10000\r\n{}\r\n", " ".repeat(0x10000));
        // Until the client has enough.
        while stream.write_all(chunk.as_bytes()).await.is_ok() {}
    })
    .await;
    let client = Client::default();
    let ask = || async { client.send(&get(&url), Reach::Anywhere).await.unwrap() };
    let refused = ask().await.body.whole(1 << 20).await;
    assert_eq!(refused, Err(Error::TooLarge { most: 1 << 20 }));
    let begun = ask()
        .await
        .body
        .beginning(1_000, Duration::from_secs(60))
        .await;
    assert_eq!(begun.len(), 1_000);
}

#[tokio::test]
async fn a_long_answer_is_refused_before_it_comes() {
    let (url, _) = server(|mut stream| async move {
        hear(&mut stream).await;
        let head = "HTTP/1.1 200 OK\r\ncontent-length: 4294967296\r\n\r\n";
        stream.write_all(head.as_bytes()).await.unwrap();
        // Nothing follows; the length alone is too much.
        let _ = stream.read_u8().await;
    })
    .await;
    let answer = Client::default().send(&get(&url), Reach::Anywhere).await;
    let refused = answer.unwrap().body.whole(4 << 20).await;
    assert_eq!(refused, Err(Error::TooLarge { most: 4 << 20 }));
}

#[tokio::test]
async fn endless_headers_are_given_up() {
    let (url, _) = server(|mut stream| async move {
        hear(&mut stream).await;
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n").await;
        while stream.write_all(b"x-more: and more\r\n").await.is_ok() {}
    })
    .await;
    let answer = Client::default().send(&get(&url), Reach::Anywhere).await;
    assert!(matches!(answer, Err(Error::Unreachable(_))), "{answer:?}");
}

#[tokio::test]
async fn only_public_addresses_are_connected_to_when_told_so() {
    let (url, connections) = server(|_| async {}).await;
    let by_name = Url::parse(&format!("http://localhost:{}/", url.port())).unwrap();
    for url in [url, by_name] {
        let refused = Client::default().send(&get(&url), Reach::Public).await;
        assert!(
            matches!(refused, Err(Error::Forbidden { .. })),
            "{refused:?}"
        );
    }
    assert_eq!(connections.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_connection_is_used_again_until_it_is_closed() {
    let (url, connections) = server(|mut stream| async move {
        for answer in ["one", "two"] {
            let Some(head) = hear(&mut stream).await else {
                return;
            };
            assert!(head.contains("host: 127.0.0.1"), "{head}");
            let text = format!("HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n{answer}");
            stream.write_all(text.as_bytes()).await.unwrap();
        }
    })
    .await;
    let client = Client::default();
    let mut said = Vec::new();
    for _ in 0..4 {
        let answer = client.send(&get(&url), Reach::Anywhere).await.unwrap();
        assert_eq!(answer.status, StatusCode::OK);
        said.push(answer.body.whole(10).await.unwrap());
    }
    assert_eq!(said, ["one", "two", "one", "two"]);
    assert_eq!(connections.load(Ordering::SeqCst), 2);
}
