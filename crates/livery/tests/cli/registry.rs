//! `livery registry`: logins are kept and listed, and their passwords are seen nowhere.

use crate::plane::{Plane, Ran};
use std::io::Write;
use std::process::Stdio;

const PASSWORD: &str = "SECRET-hunter2";

/// Logs in with a password on standard input.
fn login(plane: &Plane, arguments: &[&str], password: &str) -> Ran {
    let mut child = plane
        .command(&[&["registry", "login"], arguments].concat())
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all(password.as_bytes()).unwrap();
    drop(input);
    Ran::new(child.wait_with_output().unwrap())
}

#[test]
fn logins_are_kept_listed_and_forgotten_and_their_passwords_are_not_shown() {
    let plane = Plane::started();
    let ghcr = ["ghcr.io", "--username", "ada", "--password-stdin"];
    let ran = login(&plane, &ghcr, &format!("{PASSWORD}\n")).expect(0);
    ran.says(&["logged in to ghcr.io as ada"]);
    login(&plane, &["-u", "bob", "--password-stdin"], PASSWORD)
        .expect(0)
        .says(&["logged in to docker.io as bob"]);

    let listed = plane.run(&["registry", "list"]).expect(0);
    let lines: Vec<&str> = listed.out.lines().collect();
    assert_eq!(lines.len(), 3, "{}", listed.out);
    assert!(lines[1].starts_with("docker.io  bob"), "{}", listed.out);
    let json = plane.run(&["registry", "list", "--json"]).expect(0);
    assert_eq!(json.json()[1]["registry"], "ghcr.io");
    assert_eq!(json.json()[1]["username"], "ada");
    let log = std::fs::read_to_string(plane.data().join("serve.log")).unwrap_or_default();
    for text in [&listed.out, &json.out, &json.err, &log] {
        assert!(!text.contains("SECRET"), "{text}");
    }

    // As Docker's own file names it.
    let hub = "https://index.docker.io/v1/";
    plane
        .run(&["registry", "logout", hub])
        .expect(0)
        .says(&["logged out of docker.io"]);
    plane
        .run(&["registry", "logout"])
        .expect(2)
        .says(&["REG002", "registry list"]);
    plane.run(&["registry", "logout", "ghcr.io"]).expect(0);
    let listed = plane.run(&["registry", "list", "--json"]).expect(0);
    assert_eq!(listed.json(), serde_json::json!([]));
}

#[test]
fn a_login_that_cannot_be_is_a_mistake() {
    let plane = Plane::started();
    let named = ["ghcr.io", "-u", "ada", "--password-stdin"];
    login(&plane, &named, "")
        .expect(2)
        .says(&["the password is empty"]);
    let long = "x".repeat(20_000);
    login(&plane, &named, &long).expect(2).says(&["at most"]);
    let odd = ["ghcr.io", "-u", "a:b", "--password-stdin"];
    login(&plane, &odd, PASSWORD).expect(2).says(&["no `:`"]);
    login(&plane, &["not a registry"], PASSWORD).expect(2);
    // Nobody sits at a terminal, and a password is not taken from the command line.
    login(&plane, &["ghcr.io", "-u", "ada"], PASSWORD)
        .expect(2)
        .says(&["--password-stdin"]);
    login(&plane, &["ghcr.io", "--password-stdin"], PASSWORD).expect(2);
    plane
        .run(&["registry", "login", "ghcr.io", "-p", PASSWORD])
        .expect(2);
    assert_eq!(
        plane.run(&["registry", "list", "--json"]).json(),
        serde_json::json!([])
    );
}
