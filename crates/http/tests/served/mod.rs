//! A control plane without hosts, served over TCP to two accounts and on a unix socket to its owner.
#![allow(dead_code, reason = "each test program uses some of it")]

use bytes::Bytes;
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use livery_content::{Compression, OwnedContent};
use livery_engine::{Engine, Options, Peers, SystemClock};
use livery_host_api::HostDirectory;
use livery_http::{App, AppOptions};
use livery_store::{Credit, Store};
use livery_units::{AccountId, Timestamp};
use std::sync::Arc;
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio_util::sync::CancellationToken;

pub const OWNERS_TOKEN: &str = "livery_owner";
pub const OTHERS_TOKEN: &str = "livery_other";

pub struct Served {
    dir: tempfile::TempDir,
    pub stop: CancellationToken,
    address: std::net::SocketAddr,
}

impl Served {
    pub async fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let stop = CancellationToken::new();
        let app = app(dir.path(), &stop).await;
        let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = tcp.local_addr().unwrap();
        tokio::spawn(livery_http::serve_tcp(app.clone(), tcp));
        let unix = UnixListener::bind(dir.path().join("socket")).unwrap();
        tokio::spawn(livery_http::serve_unix(app, unix));
        Self { dir, stop, address }
    }

    /// Connects over TCP.
    pub async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    pub async fn far(&self, method: &str, path: &str, token: Option<&str>) -> (StatusCode, String) {
        let stream = TcpStream::connect(self.address).await.unwrap();
        ask(stream, method, path, token).await
    }

    /// Sends bytes with an account's token, and returns the answer's.
    pub async fn send(&self, path: &str, token: &str, body: Vec<u8>) -> (StatusCode, Bytes) {
        let stream = TcpStream::connect(self.address).await.unwrap();
        ask_with(stream, "POST", path, Some(token), body.into()).await
    }

    /// Sends JSON as the owner here, and returns the answer's.
    pub async fn tell(&self, method: &str, path: &str, body: &str) -> serde_json::Value {
        let stream = UnixStream::connect(self.dir.path().join("socket"));
        let body = Bytes::copy_from_slice(body.as_bytes());
        let (status, body) = ask_with(stream.await.unwrap(), method, path, None, body).await;
        assert!(status.is_success(), "{method} {path}: {status} {body:?}");
        serde_json::from_slice(&body).unwrap()
    }

    pub async fn near(&self, method: &str, path: &str) -> (StatusCode, String) {
        let stream = UnixStream::connect(self.dir.path().join("socket"))
            .await
            .unwrap();
        ask(stream, method, path, None).await
    }
}

async fn app(dir: &std::path::Path, stop: &CancellationToken) -> App {
    let store = Store::open(&format!("sqlite:{}", dir.join("db").display()))
        .await
        .unwrap();
    let now = Timestamp::from_millis(0);
    let owner: AccountId = "acc_owner".parse().unwrap();
    let other: AccountId = "acc_other".parse().unwrap();
    for (account, token) in [(&owner, OWNERS_TOKEN), (&other, OTHERS_TOKEN)] {
        store
            .account_ensure(account, account.as_str(), now)
            .await
            .unwrap();
        store
            .account_credit_set(account, Credit::Owner)
            .await
            .unwrap();
        let hash = livery_content::hash_bytes(token.as_bytes());
        store
            .token_insert(hash, account, "test", now)
            .await
            .unwrap();
    }
    let content = OwnedContent::open(&dir.join("content"), Compression::Never).unwrap();
    let hosts = HostDirectory::new();
    let engine = Engine::start(Options {
        store,
        content: Arc::new(content),
        suppliers: Vec::new(),
        hosts: hosts.clone(),
        clock: Arc::new(SystemClock),
        logs_dir: dir.join("logs"),
        docker_config: None,
        log_limit: livery_units::Bytes::mib(1),
        peers: Peers::None,
    });
    App::new(AppOptions {
        engine: engine.await.unwrap(),
        hosts,
        owner,
        owner_uid: rustix::process::geteuid().as_raw(),
        version: "0.0.0",
        stop: stop.clone(),
    })
}

async fn ask<S>(stream: S, method: &str, path: &str, token: Option<&str>) -> (StatusCode, String)
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let (status, body) = ask_with(stream, method, path, token, Bytes::new()).await;
    (status, String::from_utf8_lossy(&body).into_owned())
}

async fn ask_with<S>(
    stream: S,
    method: &str,
    path: &str,
    token: Option<&str>,
    body: Bytes,
) -> (StatusCode, Bytes)
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let made =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await;
    let (mut sender, connection) = made.unwrap();
    let connection = tokio::spawn(connection);
    let mut request = Request::builder()
        .method(Method::from_bytes(method.as_bytes()).unwrap())
        .uri(format!("http://livery{path}"))
        .header("content-type", "application/json");
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    let request = request.body(Full::new(body)).unwrap();
    let response = sender.send_request(request).await.unwrap();
    assert_eq!(
        response.headers()["livery-protocol"],
        "1",
        "{method} {path}"
    );
    let status = response.status();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    connection.abort();
    (status, body)
}
