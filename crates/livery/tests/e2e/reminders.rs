//! What runs is said by every command, and reminders reach their channels.

use crate::shell::Terminal;
use crate::support::{Ran, Victim, World, free_port, until};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Stdio;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(60);

/// Runs a command that may say what is running.
fn reminding(world: &World, arguments: &[&str]) -> Ran {
    let mut command = world.command(arguments);
    command.env_remove("LIVERY_REMIND");
    world.run_command(command, Stdio::null()).finish()
}

/// Runs one at a terminal, where somebody reads.
fn at_a_terminal(world: &World, arguments: &[&str]) -> Ran {
    let mut command = world.command(arguments);
    command.env_remove("LIVERY_REMIND");
    let (ran, _) = Terminal::start_command(command).finish();
    ran.expect(0)
}

/// Runs a command until it ends with a line about what is running: on a busy machine one may go
/// without.
#[track_caller]
fn ends_with_it(world: &World, arguments: &[&str], code: i32) -> Ran {
    until("the line about what is running", PATIENCE, || {
        let ran = reminding(world, arguments).expect(code);
        let last = ran.err.lines().last().unwrap_or_default().to_owned();
        last.contains("so far (livery pods)").then_some(ran)
    })
}

#[test]
fn every_command_ends_with_what_is_running() {
    let Some(world) = World::new() else { return };
    let nothing = reminding(&world, &["pods"]).expect(0);
    assert_eq!(nothing.err, "");
    let pod = world.pod(&["--name", "box"]);
    let ran = ends_with_it(&world, &["pods", "--json"], 0);
    let pods: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(pods[0]["name"], "box");
    let last = ran.err.lines().last().unwrap();
    assert!(last.starts_with("1 pod is running, for "), "{last}");
    assert!(last.contains(", at $0."), "{last}");
    // Also after a failure, and with the exit code of what ran.
    let ran = ends_with_it(&world, &["pod", "stop", "nothing"], 2);
    assert!(ran.err.starts_with("error[POD001]"), "{}", ran.err);
    let script = ["exec", "-n", &pod, "--", "sh", "-c", "echo data; exit 42"];
    let ran = ends_with_it(&world, &script, 42);
    assert_eq!(ran.out, "data\n");

    // `doctor` needs no control plane, and asks the one that is there.
    until("doctor ends with the line too", PATIENCE, || {
        let ran = reminding(&world, &["doctor", "--json"]);
        serde_json::from_str::<serde_json::Value>(&ran.out).unwrap();
        ran.err.contains("1 pod is running").then_some(())
    });

    for arguments in [
        &["version"][..],
        &["schema", "job"],
        &["completions", "bash"],
    ] {
        let ran = reminding(&world, arguments).expect(0);
        assert!(!ran.err.contains("so far"), "{}", ran.err);
    }
    assert_eq!(
        world.livery(&["pods"]).expect(0).err,
        "",
        "LIVERY_REMIND=off"
    );
    world.ok(&["reminders", "closing-line", "off"]);
    let ran = reminding(&world, &["pods"]).expect(0);
    assert!(!ran.err.contains("so far"), "{}", ran.err);
    world.ok(&["reminders", "closing-line", "on"]);
    ends_with_it(&world, &["pods"], 0);
    world.ok(&["pod", "terminate", &pod]);
    let ran = reminding(&world, &["pods"]).expect(0);
    assert!(!ran.err.contains("so far"), "{}", ran.err);
    world.finish();
}

#[test]
fn the_next_command_shows_a_reminder_once() {
    let Some(world) = World::new() else { return };
    let pod = world.pod(&["--name", "box"]);
    // Settling something has what is due looked for at once.
    world.ok(&["reminders", "first", "1h"]);
    until("it waits", PATIENCE, || {
        let ran = reminding(&world, &["runs"]).expect(0);
        let waits = "reminder: 1 waits for you: livery reminders";
        ran.err.lines().any(|line| line == waits).then_some(())
    });
    // Who drops what commands say has not been shown it.
    let ran = until("a command shows it at a terminal", PATIENCE, || {
        let ran = at_a_terminal(&world, &["runs"]);
        ran.out.contains("reminder: ").then_some(ran)
    });
    let line = ran.out.lines().find(|line| line.starts_with("reminder: "));
    let line = line.unwrap();
    assert!(
        line.starts_with("reminder: pod box is running on "),
        "{line}"
    );
    assert!(line.ends_with(&format!("livery pod stop {pod}")), "{line}");
    let again = at_a_terminal(&world, &["runs"]);
    assert!(!again.out.contains("reminder: "), "{}", again.out);
    let again = reminding(&world, &["runs"]).expect(0);
    assert!(!again.err.contains("reminder: "), "{}", again.err);
    let listed = world.ok(&["reminders", "--json"]);
    let listed: serde_json::Value = serde_json::from_str(&listed).unwrap();
    assert_eq!(listed[0]["kind"], "started");
    assert!(listed[0]["shown"].is_i64(), "{listed}");
    world.finish();
}

/// Takes requests on a port, and hands on each body with its id.
fn take_requests(port: u16) -> Receiver<String> {
    let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
    let (send, got) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            take(stream, &send);
        }
    });
    got
}

fn take(mut stream: TcpStream, send: &Sender<String>) {
    let mut text = String::new();
    let mut piece = [0_u8; 4_096];
    while !text.contains("\"timestamp\"") {
        match stream.read(&mut piece) {
            Ok(0) | Err(_) => return,
            Ok(count) => text.push_str(&String::from_utf8_lossy(&piece[..count])),
        }
    }
    let _ = stream.write_all(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n");
    let _ = send.send(text);
}

#[test]
fn a_reminder_outlives_a_killed_control_plane_and_arrives_once() {
    let Some(world) = World::new() else { return };
    let port = free_port();
    let url = format!("http://127.0.0.1:{port}/hook");
    world.ok(&["reminders", "add", "webhook", &url]);
    let pod = world.pod(&["--name", "box"]);
    world.ok(&["reminders", "first", "1h"]);
    let listed = || {
        let text = world.ok(&["reminders", "--json"]);
        let listed: serde_json::Value = serde_json::from_str(&text).unwrap();
        listed
    };
    until("the delivery has failed", PATIENCE, || {
        let listed = listed();
        let problem = &listed[0]["deliveries"][0]["problem"];
        problem.as_str()?.contains("refused").then_some(())
    });
    until("a command says so", PATIENCE, || {
        let ran = reminding(&world, &["pods"]).expect(0);
        let says = "1 reminder could not be delivered: webhook: cannot connect to the server";
        ran.err.contains(says).then_some(())
    });

    world.kill(Victim::ControlPlane);
    let got = take_requests(port);
    world.bring_up();
    let text = got.recv_timeout(PATIENCE).unwrap();
    assert!(text.starts_with("POST /hook HTTP/1.1\r\n"), "{text}");
    assert!(text.contains("\"type\":\"started\""), "{text}");
    assert!(text.contains(&pod), "{text}");
    until("it is noted", PATIENCE, || {
        (listed()[0]["deliveries"][0]["state"] == "sent").then_some(())
    });
    let ran = reminding(&world, &["pods"]).expect(0);
    assert!(!ran.err.contains("could not be delivered"), "{}", ran.err);
    // Killed again: it was taken, so it does not come again, and what comes next is another.
    world.kill(Victim::ControlPlane);
    world.bring_up();
    world.ok(&["pod", "stop", &pod]);
    world.ok(&["pod", "start", &pod]);
    world.ok(&["reminders", "first", "2h"]);
    let next = got.recv_timeout(PATIENCE).unwrap();
    let id = |text: &str| {
        let line = text.lines().find(|line| line.starts_with("webhook-id: "));
        line.unwrap().to_owned()
    };
    assert_ne!(id(&text), id(&next));
    assert!(got.try_recv().is_err());
    world.finish();
}
