//! `livery catalog`: export, and updates from files and from a real web server.

use super::certificate::Certificate;
use super::plane::{Plane, Ran};
use super::web::Web;
use std::path::Path;

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
    plane.run(&long).expect(2).says(&["more than 4 MiB"]);
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
    let ran = plane.run(&nobody).expect(1);
    let ran = ran.says(&["cannot fetch http://127.0.0.1:1/new.toml: Connection refused"]);
    assert!(!ran.err.contains("control plane"), "{}", ran.err);
    // A signed address: the checksum is beside the file, with the same signature.
    plane.run(&["catalog", "update", "--reset"]).expect(0);
    update("/new.toml?signed=1").expect(0);
    assert_eq!(lambda(&plane), "1.20");
}

/// A control plane, and a bundle that somebody publishes: the built-in one with another price.
struct Published {
    plane: Plane,
    text: Vec<u8>,
    sum: Vec<u8>,
}

impl Published {
    fn new() -> Self {
        let plane = Plane::started();
        plane.write("new.toml", &changed(&plane));
        let text = std::fs::read(plane.work().join("new.toml")).unwrap();
        let sum = sha256sum(&plane, "new.toml");
        Self { plane, text, sum }
    }

    /// Returns a bundle and its checksum, as files of a server.
    fn files(&self) -> Vec<(&'static str, Vec<u8>)> {
        vec![
            ("/new.toml", self.text.clone()),
            ("/new.toml.sha256", self.sum.clone()),
        ]
    }

    /// Updates from an address, trusting one authority and nobody else.
    fn update(&self, url: &str, authority: &Path) -> Ran {
        let arguments = ["catalog", "update", "--from", url];
        let mut command = self.plane.command(&arguments);
        command.env("SSL_CERT_FILE", authority);
        Ran::new(command.output().unwrap())
    }
}

#[test]
fn a_bundle_is_fetched_by_https_from_a_server_whose_certificate_is_trusted() {
    let published = Published::new();
    let made = Certificate::make(&published.plane.work());
    let plain = Web::new(&published.files());
    let mut files = published.files();
    files.extend([
        ("/latest.toml", b"->/new.toml".to_vec()),
        ("/latest.toml.sha256", b"->/new.toml.sha256".to_vec()),
        ("/open.toml", format!("->{}", plain.url("/new.toml")).into()),
        ("/wrong.toml", b"gpu = 1".to_vec()),
        ("/wrong.toml.sha256", published.sum.clone()),
        ("/alone.toml", published.text.clone()),
    ]);
    let web = Web::with_tls(&files, &made);
    let update = |path: &str| published.update(&web.url(path), &made.authority);
    // What TLS brings is still taken only with its checksum, and only from where TLS goes all the way.
    update("/wrong.toml")
        .expect(2)
        .says(&["was expected", "stays as it was"]);
    update("/alone.toml").expect(2).says(&["404", "--sha256"]);
    update("/open.toml").expect(2).says(&["not encrypted"]);
    assert_eq!(lambda(&published.plane), "1.10");
    update("/latest.toml")
        .expect(0)
        .says(&["the new catalogue of"]);
    assert_eq!(lambda(&published.plane), "1.20");
}

#[test]
fn a_server_with_a_certificate_that_is_not_its_own_is_refused() {
    let published = Published::new();
    let dir = |name: &str| {
        let dir = published.plane.work().join(name);
        std::fs::create_dir(&dir).unwrap();
        dir
    };
    let ours = Certificate::make(&dir("ours"));
    let strangers = Certificate::make(&dir("strangers"));
    let web = Web::with_tls(&published.files(), &ours);
    let refused = |url: &str, authority: &Path, why: &str| {
        let ran = published.update(url, authority).expect(1);
        ran.says(&["cannot fetch https://127.0.0.", why, "stays as it was"]);
    };
    // Of an authority that nobody here trusts.
    refused(
        &web.url("/new.toml"),
        &strangers.authority,
        "invalid peer certificate",
    );
    // Of the right authority, for another server.
    let elsewhere = Web::elsewhere_with_tls(&published.files(), &ours);
    refused(
        &elsewhere.url("/new.toml"),
        &ours.authority,
        "not valid for name",
    );
    // No TLS at all.
    let plain = Web::new(&published.files());
    let url = plain.url("/new.toml").replace("http://", "https://");
    refused(&url, &ours.authority, "corrupt message");
    // Nobody to trust: it says what to install.
    let nobody = published.plane.work().join("nobody.pem");
    std::fs::write(&nobody, "").unwrap();
    refused(&web.url("/new.toml"), &nobody, "ca-certificates");
    assert_eq!(lambda(&published.plane), "1.10");
    published
        .update(&web.url("/new.toml"), &ours.authority)
        .expect(0);
    assert_eq!(lambda(&published.plane), "1.20");
}

/// What a newcomer types first must not answer that there is nothing.
#[test]
fn the_readmes_filters_find_something_in_the_catalogue() {
    let plane = Plane::started();
    let readme = include_str!("../../../../README.md");
    let lines: Vec<&str> = readme
        .lines()
        .filter_map(|line| line.trim_start().strip_prefix("livery offers "))
        .filter(|line| line.contains('\''))
        .collect();
    assert!(lines.len() > 1, "{lines:?}");
    for line in lines {
        let mut words = vec!["offers", "--json"];
        words.extend(typed(line));
        let found = plane.run(&words).expect(0);
        let sellers = found.out.matches("\"listed\"").count();
        assert!(sellers > 0, "{line}: {}", found.out);
    }
}

/// Returns the words that a shell makes of a line: quotes keep a word together, `#` ends the line.
fn typed(line: &str) -> Vec<&str> {
    let mut words = Vec::new();
    for (index, part) in line.split('\'').enumerate() {
        let is_quoted = index % 2 == 1;
        if is_quoted {
            words.push(part);
            continue;
        }
        let (said, comment) = match part.split_once('#') {
            Some((said, _)) => (said, true),
            None => (part, false),
        };
        words.extend(said.split_whitespace());
        if comment {
            break;
        }
    }
    words
}
