//! How much of what one account sends is in memory at once.

mod served;

use served::{OTHERS_TOKEN, OWNERS_TOKEN, Served};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long a server that wants a body is given to say so; it does at once.
const SOON: Duration = Duration::from_millis(300);

/// No client waits longer for what it is sure to get.
const GUARD: Duration = Duration::from_secs(20);

/// Sends the head of a request whose body is sent once the server says that it reads it.
async fn head(served: &Served, path: &str, token: &str) -> TcpStream {
    let mut stream = served.connect().await;
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {token}\r\n\
         content-type: application/json\r\nexpect: 100-continue\r\ncontent-length: 64\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream
}

/// Waits until the server reads the body.
async fn is_read(stream: &mut TcpStream) {
    let mut answer = [0; 25];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 100 Continue\r\n\r\n");
}

#[tokio::test]
async fn an_account_has_a_bounded_number_of_bodies_in_memory() {
    let served = Served::start().await;
    for (path, at_once) in [
        ("/v1/content/missing", 16),
        ("/v1/content/put", 16),
        ("/v1/content/get", 16),
        ("/v1/pods", 64),
        ("/v1/pods/pod_x/exec", 64),
    ] {
        let mut reading = Vec::new();
        for _ in 0..at_once {
            let mut stream = head(&served, path, OTHERS_TOKEN).await;
            timeout(GUARD, is_read(&mut stream)).await.unwrap();
            reading.push(stream);
        }
        let mut next = head(&served, path, OTHERS_TOKEN).await;
        let waits = timeout(SOON, is_read(&mut next)).await;
        assert!(waits.is_err(), "{path}: one more was read");
        let mut of_others = head(&served, path, OWNERS_TOKEN).await;
        timeout(GUARD, is_read(&mut of_others)).await.unwrap();
        reading.pop();
        timeout(GUARD, is_read(&mut next)).await.unwrap();
    }
}
