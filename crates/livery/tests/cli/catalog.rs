//! `livery catalog`: export, and updates from files and from a real web server.

use super::plane::Plane;
use bytes::Bytes;
use http_body_util::Full;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

/// A web server with a few files; it ends with the test.
struct Web {
    address: SocketAddr,
    // Dropping it ends the server.
    _runtime: tokio::runtime::Runtime,
}

impl Web {
    /// Serves files by path; a text that begins with `->` leads on to another place.
    fn new(files: &[(&str, Vec<u8>)]) -> Self {
        let files: BTreeMap<String, Vec<u8>> = files
            .iter()
            .map(|(path, body)| ((*path).to_owned(), body.clone()))
            .collect();
        let files = Arc::new(files);
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let listener = runtime
            .block_on(tokio::net::TcpListener::bind("127.0.0.1:0"))
            .unwrap();
        let address = listener.local_addr().unwrap();
        runtime.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let files = files.clone();
                let answer = service_fn(move |request: Request<hyper::body::Incoming>| {
                    let answer = answer(&files, request.uri().path());
                    async move { Ok::<_, std::convert::Infallible>(answer) }
                });
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), answer));
            }
        });
        Self {
            address,
            _runtime: runtime,
        }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

fn answer(files: &BTreeMap<String, Vec<u8>>, path: &str) -> Response<Full<Bytes>> {
    let response = Response::builder();
    let Some(body) = files.get(path) else {
        let response = response.status(StatusCode::NOT_FOUND);
        return response
            .body(Full::new(Bytes::from_static(b"no such file")))
            .unwrap();
    };
    if let Some(target) = body.strip_prefix(b"->") {
        let response = response
            .status(StatusCode::FOUND)
            .header("location", target);
        return response.body(Full::new(Bytes::new())).unwrap();
    }
    response.body(Full::new(Bytes::from(body.clone()))).unwrap()
}

/// Exports the built-in bundle and returns it with Lambda's price of an A100 changed.
fn changed(plane: &Plane) -> String {
    plane.run(&["catalog", "export", "built-in.toml"]).expect(0);
    let text = std::fs::read_to_string(plane.work().join("built-in.toml")).unwrap();
    let line = "machine = \"gpu_1x_a100\", gpu = \"A100 40GB\", vcpu = \"30\", memory = \"200GB\", disk = \"1.4TB\", price = \"1.10\"";
    assert!(text.contains(line));
    text.replace(line, &line.replace("1.10", "1.20"))
}

/// Returns what sha256sum prints for a file of the working directory.
fn sha256sum(plane: &Plane, name: &str) -> Vec<u8> {
    let ran = std::process::Command::new("sha256sum")
        .arg(name)
        .current_dir(plane.work())
        .output()
        .unwrap();
    assert!(ran.status.success());
    ran.stdout
}

/// Returns what Lambda asks for an hour of an A100.
fn lambda(plane: &Plane) -> String {
    let arguments = [
        "compare",
        "--gpu",
        "lambda:A100 40GB",
        "--hours",
        "1",
        "--json",
    ];
    let answer = plane.run(&arguments).expect(0).json();
    answer["totals"]["Lambda"].as_str().unwrap().to_owned()
}

#[test]
fn an_exported_bundle_has_the_checksum_that_sha256sum_checks() {
    let plane = Plane::started();
    plane
        .run(&["catalog", "export", "b.toml"])
        .expect(0)
        .says(&["b.toml.sha256"]);
    let checked = std::process::Command::new("sha256sum")
        .args(["--check", "--strict", "b.toml.sha256"])
        .current_dir(plane.work())
        .output()
        .unwrap();
    assert!(checked.status.success(), "{checked:?}");
    let shown = plane.run(&["catalog", "show", "--json"]).expect(0).json();
    assert_eq!(shown["built_in"], true);
    let sum = String::from_utf8(sha256sum(&plane, "b.toml")).unwrap();
    assert!(sum.starts_with(shown["sha256"].as_str().unwrap()));
    let piped = plane.run(&["catalog", "export"]).expect(0).out;
    assert_eq!(
        piped,
        std::fs::read_to_string(plane.work().join("b.toml")).unwrap()
    );
    let table = plane.run(&["catalog", "show"]).expect(0);
    assert!(
        table.out.contains("Vast.ai") && table.out.contains("$10.00"),
        "{}",
        table.out
    );
}

#[test]
fn a_file_with_its_checksum_replaces_the_catalogue_until_it_is_reset() {
    let plane = Plane::started();
    plane.write("new.toml", &changed(&plane));
    let update = ["catalog", "update", "--from", "new.toml"];
    plane
        .run(&update)
        .expect(2)
        .says(&["new.toml.sha256", "--sha256"]);
    assert_eq!(lambda(&plane), "1.10");
    let sum = String::from_utf8(sha256sum(&plane, "new.toml")).unwrap();
    plane.write("new.toml.sha256", &sum);
    plane.run(&update).expect(0).says(&["the new catalogue of"]);
    assert_eq!(lambda(&plane), "1.20");
    // It outlives the control plane.
    plane.run(&["serve", "--stop"]).expect(0);
    plane.run(&["serve", "--detach", "--no-host"]).expect(0);
    assert_eq!(lambda(&plane), "1.20");
    plane
        .run(&["catalog", "update", "--reset"])
        .expect(0)
        .says(&["built-in"]);
    assert_eq!(lambda(&plane), "1.10");
    let by_flag = [
        "catalog",
        "update",
        "--from",
        "new.toml",
        "--sha256",
        &sum[..64],
    ];
    plane.run(&by_flag).expect(0);
    assert_eq!(lambda(&plane), "1.20");
}

#[test]
fn what_is_not_the_bundle_of_its_checksum_or_has_a_mistake_is_rejected_whole() {
    let plane = Plane::started();
    let text = changed(&plane);
    plane.write("new.toml", &text);
    let zeros = "0".repeat(64);
    let other = [
        "catalog", "update", "--from", "new.toml", "--sha256", &zeros,
    ];
    plane
        .run(&other)
        .expect(2)
        .says(&[&zeros, "was expected", "stays as it was"]);
    plane.write(
        "bad.toml",
        &text.replacen("price = \"3.06\"", "price = \"-3.06\"", 1),
    );
    let sum = String::from_utf8(sha256sum(&plane, "bad.toml")).unwrap();
    plane.write("bad.toml.sha256", &sum);
    let bad = ["catalog", "update", "--from", "bad.toml"];
    plane
        .run(&bad)
        .expect(2)
        .says(&["bad.toml:", "`-3.06` is negative"]);
    plane.write("long.toml", &"#".repeat((4 << 20) + 1));
    let long = [
        "catalog",
        "update",
        "--from",
        "long.toml",
        "--sha256",
        &zeros,
    ];
    plane.run(&long).expect(2).says(&["4194304 at most"]);
    plane.run(&["catalog", "update"]).expect(2);
    plane
        .run(&["catalog", "update", "--from", "nothing.toml"])
        .expect(2)
        .says(&["nothing.toml"]);
    assert_eq!(lambda(&plane), "1.10");
}

#[test]
fn a_bundle_is_fetched_from_the_web_with_its_checksum() {
    let plane = Plane::started();
    plane.write("new.toml", &changed(&plane));
    let text = std::fs::read(plane.work().join("new.toml")).unwrap();
    let sum = sha256sum(&plane, "new.toml");
    let web = Web::new(&[
        ("/new.toml", text.clone()),
        ("/new.toml.sha256", sum.clone()),
        ("/latest.toml", b"->/new.toml".to_vec()),
        ("/latest.toml.sha256", b"->/new.toml.sha256".to_vec()),
        ("/alone.toml", text),
        ("/wrong.toml", b"gpu = 1".to_vec()),
        ("/wrong.toml.sha256", sum),
        ("/round.toml", b"->/round.toml".to_vec()),
        ("/long.toml", vec![b'#'; (4 << 20) + 1]),
    ]);
    let update = |path: &str| plane.run(&["catalog", "update", "--from", &web.url(path)]);
    update("/alone.toml").expect(2).says(&["404", "--sha256"]);
    update("/wrong.toml").expect(2).says(&["was expected"]);
    update("/none.toml").expect(2).says(&["404"]);
    update("/round.toml").expect(2).says(&["leads on"]);
    update("/long.toml")
        .expect(2)
        .says(&["more than 4194304 bytes"]);
    assert_eq!(lambda(&plane), "1.10");
    update("/latest.toml").expect(0);
    assert_eq!(lambda(&plane), "1.20");
    let nobody = ["catalog", "update", "--from", "http://127.0.0.1:1/new.toml"];
    plane.run(&nobody).expect(1).says(&["cannot fetch"]);
}
