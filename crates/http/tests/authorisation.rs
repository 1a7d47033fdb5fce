//! Every route has a case here: who is let in and who is not. A route without one fails the test.

use bytes::Bytes;
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use livery_content::{Compression, ContentStore};
use livery_engine::{Engine, Options, Peers, SystemClock};
use livery_host_api::HostDirectory;
use livery_http::{App, AppOptions, routes};
use livery_store::{Credit, Store};
use livery_units::{AccountId, Timestamp};
use std::collections::BTreeSet;
use std::sync::Arc;
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio_util::sync::CancellationToken;

/// Who is let in over TCP: nobody, any account's token, the owner's token. On the unix socket its
/// owner is let in everywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LetIn {
    Everybody,
    AnyToken,
    OwnersToken,
    NoToken,
}

/// One case for each route of the table.
const CASES: [(&str, &str, LetIn); 30] = [
    ("GET", "/v1/offers", LetIn::AnyToken),
    ("POST", "/v1/explain", LetIn::AnyToken),
    ("GET", "/v1/pods", LetIn::AnyToken),
    ("POST", "/v1/pods", LetIn::AnyToken),
    ("GET", "/v1/pods/{pod}", LetIn::AnyToken),
    ("DELETE", "/v1/pods/{pod}", LetIn::AnyToken),
    ("POST", "/v1/pods/{pod}/stop", LetIn::AnyToken),
    ("POST", "/v1/pods/{pod}/start", LetIn::AnyToken),
    ("GET", "/v1/pods/{pod}/wait", LetIn::AnyToken),
    ("GET", "/v1/pods/{pod}/stats", LetIn::AnyToken),
    ("GET", "/v1/pods/{pod}/policy", LetIn::AnyToken),
    ("PUT", "/v1/pods/{pod}/policy", LetIn::AnyToken),
    ("POST", "/v1/pods/{pod}/exec", LetIn::AnyToken),
    ("POST", "/v1/pods/{pod}/forward/{port}", LetIn::AnyToken),
    ("GET", "/v1/runs", LetIn::AnyToken),
    ("POST", "/v1/runs", LetIn::AnyToken),
    ("GET", "/v1/runs/{run}", LetIn::AnyToken),
    ("POST", "/v1/runs/{run}/cancel", LetIn::AnyToken),
    ("GET", "/v1/runs/{run}/events", LetIn::AnyToken),
    ("GET", "/v1/runs/{run}/log", LetIn::AnyToken),
    ("GET", "/v1/runs/{run}/receipt", LetIn::AnyToken),
    ("GET", "/v1/runs/{run}/results", LetIn::AnyToken),
    ("POST", "/v1/content/missing", LetIn::AnyToken),
    ("POST", "/v1/content/put", LetIn::AnyToken),
    ("POST", "/v1/content/get", LetIn::AnyToken),
    ("GET", "/v1/version", LetIn::Everybody),
    ("GET", "/v1/health", LetIn::AnyToken),
    ("GET", "/v1/tasks", LetIn::OwnersToken),
    ("GET", "/v1/ledger", LetIn::OwnersToken),
    ("POST", "/v1/shutdown", LetIn::NoToken),
];

/// Routes about tokens, on the machine itself only.
const TOKEN_CASES: [(&str, &str, LetIn); 3] = [
    ("GET", "/v1/tokens", LetIn::NoToken),
    ("POST", "/v1/tokens", LetIn::NoToken),
    ("DELETE", "/v1/tokens/{token}", LetIn::NoToken),
];

/// Routes about prices; only the owner changes the catalogue.
const MARKET_CASES: [(&str, &str, LetIn); 10] = [
    ("POST", "/v1/advise", LetIn::AnyToken),
    ("POST", "/v1/forecast", LetIn::AnyToken),
    ("GET", "/v1/gpus", LetIn::AnyToken),
    ("GET", "/v1/market", LetIn::AnyToken),
    ("POST", "/v1/compare", LetIn::AnyToken),
    ("POST", "/v1/estimate", LetIn::AnyToken),
    ("GET", "/v1/catalogue", LetIn::AnyToken),
    ("GET", "/v1/catalogue/bundle", LetIn::AnyToken),
    ("PUT", "/v1/catalogue", LetIn::OwnersToken),
    ("DELETE", "/v1/catalogue", LetIn::OwnersToken),
];

/// Routes about accounts and their money: each has its own, and the owner has everybody's.
const MONEY_CASES: [(&str, &str, LetIn); 19] = [
    ("GET", "/v1/account", LetIn::AnyToken),
    ("POST", "/v1/account", LetIn::AnyToken),
    ("POST", "/v1/redeem", LetIn::AnyToken),
    ("GET", "/v1/balance", LetIn::AnyToken),
    ("GET", "/v1/spend", LetIn::AnyToken),
    ("GET", "/v1/statement", LetIn::AnyToken),
    ("GET", "/v1/statement.csv", LetIn::AnyToken),
    ("GET", "/v1/accounts", LetIn::OwnersToken),
    ("POST", "/v1/accounts", LetIn::NoToken),
    ("GET", "/v1/accounts/{account}", LetIn::OwnersToken),
    (
        "POST",
        "/v1/accounts/{account}/settings",
        LetIn::OwnersToken,
    ),
    ("POST", "/v1/accounts/{account}/grant", LetIn::OwnersToken),
    ("GET", "/v1/accounts/{account}/balance", LetIn::OwnersToken),
    ("GET", "/v1/accounts/{account}/spend", LetIn::OwnersToken),
    (
        "GET",
        "/v1/accounts/{account}/statement",
        LetIn::OwnersToken,
    ),
    (
        "GET",
        "/v1/accounts/{account}/statement.csv",
        LetIn::OwnersToken,
    ),
    ("GET", "/v1/vouchers", LetIn::OwnersToken),
    ("POST", "/v1/vouchers", LetIn::OwnersToken),
    ("GET", "/v1/earnings", LetIn::OwnersToken),
];

/// Routes about network volumes: each account has its own.
const VOLUME_CASES: [(&str, &str, LetIn); 6] = [
    ("GET", "/v1/volumes", LetIn::AnyToken),
    ("POST", "/v1/volumes", LetIn::AnyToken),
    ("GET", "/v1/volumes/{volume}", LetIn::AnyToken),
    ("DELETE", "/v1/volumes/{volume}", LetIn::AnyToken),
    ("POST", "/v1/volumes/{volume}/size", LetIn::AnyToken),
    ("GET", "/v1/volumes/{volume}/wait", LetIn::AnyToken),
];

/// Routes about reminders: each account has its own.
const REMINDER_CASES: [(&str, &str, LetIn); 9] = [
    ("GET", "/v1/reminders", LetIn::AnyToken),
    ("POST", "/v1/reminders/shown", LetIn::AnyToken),
    ("GET", "/v1/reminders/settings", LetIn::AnyToken),
    ("POST", "/v1/reminders/settings", LetIn::AnyToken),
    ("GET", "/v1/channels", LetIn::AnyToken),
    ("POST", "/v1/channels", LetIn::AnyToken),
    ("DELETE", "/v1/channels/{channel}", LetIn::AnyToken),
    ("POST", "/v1/channels/{channel}/test", LetIn::AnyToken),
    ("GET", "/v1/closing", LetIn::AnyToken),
];

/// Routes about the end of everything; what nobody owns is its owner's matter.
const PANIC_CASES: [(&str, &str, LetIn); 3] = [
    ("POST", "/v1/panic", LetIn::AnyToken),
    ("GET", "/v1/orphans", LetIn::OwnersToken),
    ("POST", "/v1/orphans/{orphan}/end", LetIn::OwnersToken),
];

/// All cases. The last one ends the server.
fn cases() -> impl Iterator<Item = (&'static str, &'static str, LetIn)> {
    let groups: Vec<&[(&str, &str, LetIn)]> = vec![
        &MARKET_CASES,
        &REMINDER_CASES,
        &MONEY_CASES,
        &PANIC_CASES,
        &TOKEN_CASES,
        &VOLUME_CASES,
        &CASES,
    ];
    groups.into_iter().flatten().copied()
}

const OWNERS_TOKEN: &str = "livery_owner";
const OTHERS_TOKEN: &str = "livery_other";

struct Served {
    dir: tempfile::TempDir,
    stop: CancellationToken,
    address: std::net::SocketAddr,
}

impl Served {
    async fn start() -> Self {
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

    async fn far(&self, method: &str, path: &str, token: Option<&str>) -> (StatusCode, String) {
        let stream = TcpStream::connect(self.address).await.unwrap();
        ask(stream, method, path, token).await
    }

    async fn near(&self, method: &str, path: &str) -> (StatusCode, String) {
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
    let content = ContentStore::open(&dir.join("content"), Compression::Never).unwrap();
    let hosts = HostDirectory::new();
    let engine = Engine::start(Options {
        store,
        content: Arc::new(content),
        suppliers: Vec::new(),
        hosts: hosts.clone(),
        clock: Arc::new(SystemClock),
        logs_dir: dir.join("logs"),
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
    let made =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await;
    let (mut sender, connection) = made.unwrap();
    let connection = tokio::spawn(connection);
    let mut request = Request::builder()
        .method(Method::from_bytes(method.as_bytes()).unwrap())
        .uri(format!("http://livery{path}"));
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    let request = request.body(Full::new(Bytes::new())).unwrap();
    let response = sender.send_request(request).await.unwrap();
    assert_eq!(
        response.headers()["livery-protocol"],
        "1",
        "{method} {path}"
    );
    let status = response.status();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    connection.abort();
    (status, String::from_utf8_lossy(&body).into_owned())
}

/// Puts something into the parts of a path.
fn filled(path: &str) -> String {
    let path = path.replace("{port}", "80");
    path.replace("{pod}", "nothing")
        .replace("{run}", "nothing")
        .replace("{orphan}", "nothing")
        .replace("{token}", "nothing")
        .replace("{account}", "nothing")
}

fn refused(status: StatusCode) -> bool {
    [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN].contains(&status)
}

#[test]
fn every_route_has_a_case() {
    let cases: BTreeSet<String> = cases()
        .map(|(method, path, _)| format!("{method} {path}"))
        .collect();
    let table = routes::all();
    let table: BTreeSet<String> = table
        .iter()
        .map(|route| format!("{} {}", route.method, route.path))
        .collect();
    assert_eq!(cases, table);
}

#[tokio::test]
async fn callers_over_tcp_are_let_in_by_their_token_and_nobody_else_is() {
    let served = Served::start().await;
    for (method, path, let_in) in cases() {
        let path = filled(path);
        let asked = |token| served.far(method, &path, token);
        let (nobody, _) = asked(None).await;
        let (guessed, _) = asked(Some("livery_guess")).await;
        let (other, _) = asked(Some(OTHERS_TOKEN)).await;
        let (owner, _) = asked(Some(OWNERS_TOKEN)).await;
        let found = [nobody, guessed, other, owner].map(|status| !refused(status));
        let wanted = match let_in {
            LetIn::Everybody => [true, true, true, true],
            LetIn::AnyToken => [false, false, true, true],
            LetIn::OwnersToken => [false, false, false, true],
            LetIn::NoToken => [false; 4],
        };
        assert_eq!(found, wanted, "{method} {path}");
    }
    assert!(
        !served.stop.is_cancelled(),
        "somebody could end the server from afar"
    );
}

#[tokio::test]
async fn the_owner_is_let_in_everywhere_on_the_unix_socket() {
    let served = Served::start().await;
    for (method, path, _) in cases() {
        let (status, body) = served.near(method, &filled(path)).await;
        assert!(!refused(status), "{method} {path}: {status} {body}");
    }
    assert!(served.stop.is_cancelled());
}

#[tokio::test]
async fn what_is_no_route_is_a_problem_in_json_that_names_what_is_near() {
    let served = Served::start().await;
    let (status, body) = served.near("GET", "/v1/podz").await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    let problem: livery_api::Problem = serde_json::from_str(&body).unwrap();
    assert_eq!(problem.code, "API001");
    assert!(problem.hint.unwrap().contains("GET /v1/pods"));
    let (status, body) = served.near("PUT", "/v1/pods").await;
    assert_eq!(status, StatusCode::METHOD_NOT_ALLOWED);
    let problem: livery_api::Problem = serde_json::from_str(&body).unwrap();
    assert_eq!(problem.code, "API002");
}
