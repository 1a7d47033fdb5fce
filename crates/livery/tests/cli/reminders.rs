//! Channels and settings of reminders, by the command line.

use super::plane::{Plane, Ran};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Stdio;

/// Answers every request with a status line, and returns the requests that came.
struct Receiver {
    port: u16,
    got: std::sync::mpsc::Receiver<String>,
}

impl Receiver {
    fn start(answer: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (send, got) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let _ = send.send(take(stream.unwrap(), answer));
            }
        });
        Self { port, got }
    }
}

fn take(mut stream: TcpStream, answer: &str) -> String {
    let mut text = String::new();
    let mut piece = [0_u8; 4_096];
    while !text.contains("\"timestamp\"") {
        let count = stream.read(&mut piece).unwrap();
        assert!(count > 0, "{text}");
        text.push_str(&String::from_utf8_lossy(&piece[..count]));
    }
    let answer = format!("HTTP/1.1 {answer}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    stream.write_all(answer.as_bytes()).unwrap();
    text
}

#[test]
fn channels_are_added_listed_and_removed_and_their_secrets_stay_secret() {
    let plane = Plane::started();
    let add = |arguments: &[&str]| plane.run(&[&["reminders", "add"], arguments].concat());
    add(&["slack", "https://hooks.slack.example/services/SECRET"]).expect(0);
    add(&[
        "discord",
        "https://discord.example/api/webhooks/SECRET",
        "--name",
        "team",
    ])
    .expect(0);
    add(&["ntfy", "https://ntfy.example/SECRET", "--token", "SECRET"]).expect(0);
    add(&[
        "webhook",
        "https://hooks.example/SECRET",
        "--secret",
        "SECRET-SECRET-SECRET",
    ])
    .expect(0);
    let mail = [
        "email",
        "me@mail.example",
        "--from",
        "livery@mail.example",
        "--smtp",
    ];
    let login = ["mail.example", "--user", "me", "--password", "SECRET"];
    add(&[&mail[..], &login].concat()).expect(0);
    add(&["desktop"]).expect(0);
    let listed = plane.run(&["reminders", "list"]).expect(0);
    let json = plane.run(&["reminders", "list", "--json"]).expect(0);
    for text in [&listed.out, &json.out] {
        assert!(!text.contains("SECRET"), "{text}");
        assert!(text.contains("https://hooks.slack.example/***"), "{text}");
        assert!(
            text.contains("me@mail.example by mail.example:587"),
            "{text}"
        );
    }
    let channels = json.json();
    let names: Vec<&str> = channels
        .as_array()
        .unwrap()
        .iter()
        .map(|channel| channel["name"].as_str().unwrap())
        .collect();
    assert_eq!(
        names,
        ["desktop", "email", "ntfy", "slack", "team", "webhook"]
    );
    plane
        .run(&["reminders", "remove", "slack", "team"])
        .expect(0);
    let left = plane.run(&["reminders", "list", "--json"]).expect(0).json();
    assert_eq!(left.as_array().unwrap().len(), 4);
    plane
        .run(&["reminders", "remove", "slack"])
        .expect(2)
        .says(&["NTC006"]);
    // Nothing of it is in the log either.
    let log = std::fs::read_to_string(plane.data().join("serve.log")).unwrap_or_default();
    assert!(!log.contains("SECRET"), "{log}");
}

#[test]
fn a_secret_may_come_by_standard_input() {
    let plane = Plane::started();
    let receiver = Receiver::start("200 OK");
    let mut child = plane
        .command(&["reminders", "add", "webhook", "-"])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let line = format!("http://127.0.0.1:{}/hook\n", receiver.port);
    child
        .stdin
        .take()
        .unwrap()
        .write_all(line.as_bytes())
        .unwrap();
    Ran::new(child.wait_with_output().unwrap()).expect(0);
    let tested = plane.run(&["reminders", "test", "webhook"]).expect(0);
    tested.says(&["channel webhook took it: the server answered 200 OK"]);
    let got = receiver.got.recv().unwrap();
    assert!(got.starts_with("POST /hook HTTP/1.1\r\n"), "{got}");
    let nothing = plane.run(&["reminders", "add", "slack", "-"]);
    nothing.expect(2).says(&["no line for the URL"]);
}

#[test]
fn a_test_says_why_it_was_not_taken() {
    let plane = Plane::started();
    let receiver = Receiver::start("403 Forbidden");
    let url = format!("http://127.0.0.1:{}/hook", receiver.port);
    plane.run(&["reminders", "add", "webhook", &url]).expect(0);
    let tested = plane.run(&["reminders", "test", "webhook"]).expect(1);
    tested.says(&["error[NTC005]: the server answered 403 Forbidden", "hint: "]);
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!(
        "http://127.0.0.1:{}/hook",
        free.local_addr().unwrap().port()
    );
    drop(free);
    plane.run(&["reminders", "add", "slack", &url]).expect(0);
    plane
        .run(&["reminders", "test", "slack"])
        .expect(1)
        .says(&["NTC003", "refused"]);
    plane
        .run(&["reminders", "test", "nothing"])
        .expect(2)
        .says(&["NTC006"]);
}

#[test]
fn channels_that_cannot_work_are_refused() {
    let plane = Plane::started();
    let mail = [
        "email",
        "me@mail.example",
        "--from",
        "x@mail.example",
        "--smtp",
    ];
    for (arguments, code) in [
        (vec!["slack", "hooks.slack.example/SECRET"], "NTC001"),
        (
            vec!["slack", "https://user:SECRET@slack.example/"],
            "NTC001",
        ),
        (vec!["ntfy", "https://ntfy.example"], "NTC001"),
        (
            vec!["webhook", "https://hooks.example", "--secret", "SECRET"],
            "NTC001",
        ),
        (vec!["desktop", "--name", "terminal"], "NTC001"),
        (
            vec!["email", "SECRET", "--from", "x", "--smtp", "y"],
            "NTC001",
        ),
    ] {
        let ran = plane.run(&[&["reminders", "add"], arguments.as_slice()].concat());
        let ran = ran.expect(2).says(&[code]);
        let is_mail = arguments[0] == "email";
        assert!(is_mail || !ran.err.contains("SECRET"), "{}", ran.err);
    }
    let half = [
        &["reminders", "add"],
        &mail[..],
        &["mail.example", "--user", "me"],
    ]
    .concat();
    plane.run(&half).expect(2).says(&["--password"]);
    plane.run(&["reminders", "add", "desktop"]).expect(0);
    plane
        .run(&["reminders", "add", "desktop"])
        .expect(2)
        .says(&["NTC007", "--name"]);
}

#[test]
fn settings_are_changed_one_by_one() {
    let plane = Plane::started();
    let set = |arguments: &[&str]| plane.run(&[&["reminders"], arguments].concat());
    set(&["mute", "started", "idle"]).expect(0);
    set(&["unmute", "started"]).expect(0);
    set(&["first", "30m"]).expect(0);
    set(&["terminal", "off"]).expect(0);
    set(&["closing-line", "off"]).expect(0);
    set(&["quiet", "8h"]).expect(0);
    let settings = set(&["settings", "--json"]).expect(0).json();
    assert_eq!(settings["muted"], serde_json::json!(["idle"]));
    assert_eq!(settings["first_ms"], 1_800_000);
    assert_eq!(
        (&settings["terminal"], &settings["closing_line"]),
        (&"off".into(), &"off".into())
    );
    assert!(settings["quiet_until"].is_i64());
    set(&["quiet", "off"]).expect(0);
    let text = set(&["settings"]).expect(0).out;
    assert!(text.contains("30m 00s") && text.contains("idle"), "{text}");
    set(&["mute", "last-warning"])
        .expect(2)
        .says(&["NTC001", "cannot be muted"]);
    set(&["first", "2d"]).expect(2).says(&["NTC001"]);
    set(&["quiet", "never"]).expect(2).says(&["or `off`"]);
    set(&["mute", "everything"])
        .expect(2)
        .says(&["one of: started"]);
}

#[test]
fn without_anything_running_commands_end_as_they_always_did() {
    let plane = Plane::started();
    for arguments in [&["pods"][..], &["runs"], &["reminders", "list", "--json"]] {
        let ran = plane.run(arguments).expect(0);
        assert!(!ran.err.contains("running"), "{}", ran.err);
    }
    let none = plane.run(&["reminders", "--json"]).expect(0).json();
    assert_eq!(none, serde_json::json!([]));
    plane
        .run(&["reminders"])
        .expect(0)
        .says(&["no reminders yet"]);
}

/// Runs Python on the control plane's database until its standard input ends.
fn on_database(plane: &Plane, script: &str) -> std::process::Child {
    let mut python = std::process::Command::new("python3");
    let start = "import sqlite3, sys\n\
         base = sqlite3.connect(sys.argv[1], timeout=60, isolation_level=None)\n";
    python
        .arg("-c")
        .arg(format!(
            "{start}{script}\nprint('done', flush=True)\nsys.stdin.read()\n"
        ))
        .arg(plane.data().join("livery.db"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let mut child = python.spawn().unwrap();
    let mut done = [0_u8; 5];
    let out = child.stdout.as_mut().unwrap();
    out.read_exact(&mut done).unwrap();
    child
}

#[test]
fn a_reminder_is_shown_although_that_it_was_cannot_be_written_down() {
    let plane = Plane::started();
    let mut insert = on_database(
        &plane,
        "base.execute(\"INSERT INTO notices \
         (account_id, notice_key, kind, message, at_ms, terminal_from) \
         SELECT id, 'a', 'idle', 'pod box is idle', 1, 1 FROM accounts\")",
    );
    drop(insert.stdin.take());
    assert!(insert.wait().unwrap().success());
    // Whoever writes waits; whoever reads does not.
    let mut writer = on_database(&plane, "base.execute('BEGIN IMMEDIATE')");
    plane
        .run(&["pods"])
        .expect(0)
        .says(&["reminder: 1 waits for you: livery reminders"]);
    let mut always = plane.command(&["pods"]);
    always.env("LIVERY_REMIND", "always");
    Ran::new(always.output().unwrap())
        .expect(0)
        .says(&["reminder: pod box is idle"]);
    drop(writer.stdin.take());
    assert!(writer.wait().unwrap().success());
}
