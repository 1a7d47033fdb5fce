//! Mistakes and failures: what is said, and with which exit code.

use super::plane::{Plane, Ran};
use std::io::Read;
use std::process::Stdio;

#[test]
fn a_command_line_that_makes_no_sense_exits_with_2() {
    let plane = Plane::new();
    for arguments in [
        &["no-such-command"][..],
        &["pods", "--no-such-option"],
        &["run"],
        &["exec", "pod"],
        &["pod", "create", "--memory", "lots"],
        &["pod", "create", "--cpus", "0"],
        &["offers", "--sort", "colour"],
        &["offers", "--tier", "moon"],
        &["serve", "--listen", "everywhere"],
        &["serve", "--listen", "0.0.0.0:0"],
        &[
            "serve", "--detach", "--listen", "7070", "--listen", "[::]:0",
        ],
        &["serve", "--plain-http"],
        &["serve", "--simulate-gpus", "RTX 4090:zero", "--no-host"],
        &["serve", "--price=-5"],
        &["serve", "--price=9000000000"],
        &["run", "/dev/zero"],
        &["estimate", "/dev/zero"],
        &["serve", "--volume-price=-0.01", "--detach"],
        &["forward", "pod", "80:http"],
        &["pods", "--server", "ftp://somewhere"],
        &["completions", "cmd"],
    ] {
        let ran = plane.run(arguments).expect(2);
        assert!(
            ran.out.is_empty(),
            "{arguments:?} printed data: {}",
            ran.out
        );
        assert!(ran.err.contains("error"), "{arguments:?}: {}", ran.err);
    }
}

#[test]
fn a_misspelt_command_is_answered_with_the_one_meant() {
    Plane::new().run(&["ofers"]).expect(2).says(&["offers"]);
}

#[test]
fn no_control_plane_is_a_failure_that_says_how_to_start_one() {
    let plane = Plane::new();
    let ran = plane.run(&["pods"]).expect(1);
    ran.says(&[
        "error[CLI001]",
        "no control plane answers",
        "livery serve --detach",
    ]);
    let server = ["pods", "--server", "http://127.0.0.1:1"];
    let ran = plane.run(&server).expect(1);
    ran.says(&["http://127.0.0.1:1", "--listen", "LIVERY_SERVER"]);
}

#[test]
fn something_else_on_the_socket_is_told_from_a_control_plane() {
    let plane = Plane::new();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let answering = std::thread::spawn(move || {
        use std::io::Write;
        let (mut stream, _) = listener.accept().unwrap();
        stream
            .write_all(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n")
            .unwrap();
        // The client hangs up once it has seen that.
        let _ = stream.read_to_end(&mut Vec::new());
    });
    let ran = plane.run(&["pods", "--server", &address]).expect(1);
    assert!(ran.err.contains(&address), "{}", ran.err);
    answering.join().unwrap();
}

#[test]
fn what_is_not_there_is_the_users_mistake_with_a_code_and_a_hint() {
    let plane = Plane::started();
    for (arguments, code) in [
        (&["pods", "show", "nothing"][..], "POD001"),
        (&["pod", "stop", "nothing"], "POD001"),
        (&["pod", "terminate", "nothing"], "POD001"),
        (&["exec", "nothing", "--", "true"], "POD001"),
        (&["run", "show", "nothing"], "RUN001"),
        (&["logs", "nothing"], "RUN001"),
        (&["results", "nothing"], "RUN001"),
        (&["cancel", "nothing"], "RUN001"),
        (&["token", "revoke", "nothing"], "API001"),
    ] {
        plane
            .run(arguments)
            .expect(2)
            .says(&[code, "nothing", "hint"]);
    }
}

#[test]
fn a_pod_that_nothing_can_run_says_what_is_missing() {
    let plane = Plane::started();
    let ran = plane.run(&["pod", "create", "--gpu", "RTX 4090"]).expect(2);
    ran.says(&["POD004", "livery offers"]);
    plane
        .run(&["offers"])
        .expect(0)
        .says(&["nothing is on offer"]);
}

#[test]
fn ids_and_names_cannot_leave_their_path() {
    let plane = Plane::started();
    for name in ["../tokens", "a/b", "%2e%2e", "?x=y", "#", "ä ö", "."] {
        plane
            .run(&["pods", "show", name])
            .expect(2)
            .says(&["POD001", name]);
    }
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    let plane = Plane::new();
    let mut command = plane.command(&["completions", "bash"]);
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let ran = Ran::new(child.wait_with_output().unwrap()).expect(0);
    assert_eq!(ran.err, "");
}

#[test]
fn a_socket_path_that_is_too_long_is_a_clear_mistake() {
    let plane = Plane::new();
    let long = format!("/tmp/{}", "x".repeat(120));
    plane
        .run(&["pods", "--socket", &long])
        .expect(2)
        .says(&["107", "--socket"]);
}

#[test]
fn nothing_is_coloured_where_no_terminal_reads() {
    let plane = Plane::new();
    let doctor = plane.run(&["doctor"]);
    assert!(!doctor.out.contains('\x1b') && !doctor.err.contains('\x1b'));
    assert!(!plane.run(&["pods"]).err.contains('\x1b'));
}

#[test]
fn names_that_steer_terminals_are_refused_and_not_repeated_as_they_are() {
    let plane = Plane::started();
    let odd = "a\u{1b}[31mb\u{202e}c";
    for arguments in [
        &["pod", "create", "--name", odd][..],
        &["token", "create", odd],
        &["account", "create", odd],
        &["voucher", "create", "10", "--label", odd],
        &["volume", "create", odd, "--size", "1GB"],
        &["registry", "login", odd, "-u", "ada"],
        &["pods", "show", odd],
        &["logs", odd],
        &["run", "--name", odd, "job.yaml"],
    ] {
        plane.write("job.yaml", "run: echo\n");
        let ran = plane.run(arguments).expect(2);
        let steers = |c: char| livery_units::text::is_control(c) && c != '\n';
        assert!(!ran.err.contains(steers), "{arguments:?}: {:?}", ran.err);
        assert!(ran.err.contains("error"), "{arguments:?}: {}", ran.err);
    }
    for listing in [
        &["token", "list", "--json"][..],
        &["voucher", "list", "--json"],
    ] {
        assert_eq!(plane.run(listing).expect(0).json(), serde_json::json!([]));
    }
    // A file may be called anything; its job is not taken under such a name.
    let name = format!("{odd}.yaml");
    plane.write(&name, "run: echo\n");
    let ran = plane.run(&["run", &name]);
    assert!(!ran.err.contains('\u{1b}'), "{:?}", ran.err);
}
