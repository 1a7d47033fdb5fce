//! Pods by hand: create, exec, stop, start, terminate, forward.

use crate::support::{World, free_port, until};
use std::fs::File;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::process::Stdio;
use std::time::Duration;

#[test]
fn commands_in_a_pod_have_their_streams_and_their_exit_codes() {
    let Some(world) = World::new() else { return };
    let pod = world.pod(&["--name", "box", "--env", "COLOUR=green"]);
    let ran = world
        .sh("box", "echo $COLOUR; echo aside >&2; exit 42")
        .expect(42);
    assert_eq!((ran.out.as_str(), ran.err.as_str()), ("green\n", "aside\n"));
    world.sh(&pod, "kill -9 $$").expect(137);
    world
        .livery(&["exec", "-n", &pod, "--", "no-such-command"])
        .expect(127);

    let input = world.work().join("input");
    let bytes: Vec<u8> = (0..3_000_000_u32)
        .map(|number| (number % 251) as u8)
        .collect();
    std::fs::write(&input, &bytes).unwrap();
    let command = world.command(&[
        "exec",
        &pod,
        "--",
        "sh",
        "-c",
        "cat > /workspace/copy; md5sum /workspace/copy; wc -c < /workspace/copy",
    ]);
    let stdin = Stdio::from(File::open(&input).unwrap());
    let ran = world.run_command(command, stdin).finish().expect(0);
    assert!(ran.out.ends_with("3000000\n"), "{}", ran.out);
    // And back out, byte for byte.
    let command = world.command(&["exec", "-n", &pod, "--", "cat", "/workspace/copy"]);
    let output = { command }.output().unwrap();
    assert!(
        output.stdout == bytes,
        "{} bytes came back",
        output.stdout.len()
    );
    world.finish();
}

#[test]
fn what_a_pod_costs_is_shown_as_it_is_now() {
    // A dollar an hour for each GB while it is up, four for what is kept while it is down.
    let prices = ["--storage-price", "720", "--stopped-storage-price", "2880"];
    let Some(world) = World::with(&prices) else {
        return;
    };
    let pod = world.pod(&[]);
    let listed = || {
        let text = world.ok(&["pods", "--json"]);
        let listed: serde_json::Value = serde_json::from_str(&text).unwrap();
        listed[0].clone()
    };
    let dollars = |text: &serde_json::Value| -> f64 { text.as_str().unwrap().parse().unwrap() };
    let up = listed();
    let disks = dollars(&up["hourly"]) - dollars(&up["price"]["hourly"]);
    assert!((disks - 0.25).abs() < 1e-6, "both disks of 128 MB: {up}");
    world.ok(&["pod", "stop", &pod]);
    let down = listed();
    assert_eq!(
        (&down["phase"], &down["hourly"]),
        (&"stopped".into(), &"0.50".into())
    );
    let table = world.ok(&["pods"]);
    assert!(table.contains(" $0.50/h "), "{table}");
    let shown = world.ok(&["pods", "show", &pod]);
    let costs = |line: &str| line.starts_with("costs now") && line.ends_with("$0.50/h");
    assert!(shown.lines().any(costs), "{shown}");
    world.ok(&["pod", "terminate", &pod]);
    world.finish();
}

#[test]
fn a_stopped_pod_keeps_its_workspace_and_nothing_else() {
    let Some(world) = World::new() else { return };
    let pod = world.pod(&[]);
    world
        .sh(&pod, "echo kept > /workspace/file; echo gone > /root/file")
        .expect(0);
    world.ok(&["pod", "stop", &pod]);
    world.sh(&pod, "true").expect(2).says(&["stopped"]);
    let listed: serde_json::Value = serde_json::from_str(&world.ok(&["pods", "--json"])).unwrap();
    assert_eq!(listed[0]["phase"], "stopped");
    world.ok(&["pod", "start", &pod]);
    let ran = world
        .sh(
            &pod,
            "cat /workspace/file; test -e /root/file || echo fresh",
        )
        .expect(0);
    assert_eq!(ran.out, "kept\nfresh\n");
    world.ok(&["pod", "terminate", &pod]);
    world.sh(&pod, "true").expect(2);
    assert_eq!(world.ok(&["pods", "--json"]).trim(), "[]");
    // Doing it again is no error.
    world.ok(&["pod", "terminate", &pod]);
    world.finish();
}

#[test]
fn pods_are_small_machines_of_the_size_that_was_asked_for() {
    let Some(world) = World::new() else { return };
    let pod = world.pod(&[]);
    let ran = world
        .sh(
            &pod,
            "df -m /workspace | tail -1 | awk '{print $2}'; id -u; cat /etc/hostname; hostname",
        )
        .expect(0);
    let lines: Vec<&str> = ran.out.lines().collect();
    let mebibytes: u32 = lines[0].parse().unwrap();
    assert!((90..=128).contains(&mebibytes), "{}", ran.out);
    assert_eq!((lines[1], lines[2]), ("0", lines[3]));
    // More than it has is killed inside, and the pod goes on.
    let hog = "python3 -c 'x = bytearray(600 << 20)'; echo ended with $?";
    let ran = world.sh(&pod, hog).expect(0);
    assert!(
        ran.out.contains("137") || ran.out.contains("ended with 1"),
        "{}",
        ran.out
    );
    assert_eq!(world.sh(&pod, "echo well").expect(0).out, "well\n");
    let shown: serde_json::Value =
        serde_json::from_str(&world.ok(&["pods", "show", &pod, "--json"])).unwrap();
    assert!(shown.to_string().contains("running"), "{shown}");
    world.finish();
}

#[test]
fn a_pod_whose_command_ends_is_down_and_still_its_owners() {
    let Some(world) = World::new() else { return };
    let arguments = [
        "pod",
        "create",
        "--memory",
        "128MB",
        "--disk",
        "64MB",
        "--volume",
        "64MB",
        "--no-wait",
    ];
    let command = ["--", "sh", "-c", "echo bye; exit 5"];
    let pod = world.ok(&[&arguments[..], &command].concat());
    let shown = until("the pod is down", Duration::from_secs(20), || {
        let shown = world.ok(&["pods", "--json"]);
        shown.contains("\"exited\"").then_some(shown)
    });
    assert!(shown.contains("5"), "{shown}");
    world.sh(pod.trim(), "true").expect(2);
    world.finish();
}

#[test]
fn a_pod_is_billed_until_its_command_ended_however_seldom_it_is_looked_at() {
    let Some(world) = World::new() else { return };
    let small = ["--memory", "128MB", "--disk", "64MB", "--volume", "64MB"];
    let command = ["--", "sleep", "2.5"];
    let pod = world.ok(&[&["pod", "create"], &small[..], &command].concat());
    let shown = until("its command has ended", Duration::from_secs(20), || {
        let shown: serde_json::Value =
            serde_json::from_str(&world.ok(&["pods", "--json"])).unwrap();
        (shown[0]["phase"] == "exited").then_some(shown)
    });
    let hourly: f64 = shown[0]["price"]["hourly"]
        .as_str()
        .unwrap()
        .parse()
        .unwrap();
    let charged = until("it is charged", Duration::from_secs(20), || {
        let bill = world.ok(&["bill", "--by", "pod", "--json"]);
        let bill: serde_json::Value = serde_json::from_str(&bill).unwrap();
        let line = bill["lines"].as_array()?.first()?;
        line["amount"].as_str()?.parse::<f64>().ok()
    });
    let seconds = charged / (hourly / 3_600.0);
    assert!(
        seconds > 1.99,
        "{seconds} s of a command of 2.5 s were charged"
    );
    world.ok(&["pod", "terminate", pod.trim()]);
    world.finish();
}

#[test]
fn ports_inside_are_reached_by_forwarding() {
    let Some(world) = World::new() else { return };
    let pod = world.pod(&[]);
    let serve = "mkdir /workspace/www; echo from inside > /workspace/www/page; cd /workspace/www; \
                 exec python3 -m http.server 8000 --bind 127.0.0.1";
    let server = world.spawn(&["exec", "-n", &pod, "--", "sh", "-c", serve]);
    let port = free_port();
    let forward = world.spawn(&["forward", &pod, &format!("{port}:8000")]);
    let page = until("the page comes", Duration::from_secs(20), || {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).ok()?;
        stream.write_all(b"GET /page HTTP/1.0\r\n\r\n").ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        answer.contains("200 OK").then_some(answer)
    });
    assert!(page.ends_with("from inside\n"), "{page}");
    forward.kill();
    server.kill();
    // A command whose client was killed does not go on in the pod for ever.
    until(
        "the server in the pod is gone",
        Duration::from_secs(20),
        || {
            let listed = world.sh(&pod, "cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' '");
            (!listed.out.contains("http.server 8000")).then_some(())
        },
    );
    world.finish();
}

#[test]
fn pods_go_on_while_the_control_plane_is_away() {
    let Some(world) = World::new() else {
        return;
    };
    let pod = world.pod(&[]);
    let script = "for i in $(seq 200); do echo $i > /workspace/count; sleep 0.05; done";
    let background = format!("setsid sh -c '{script}' > /dev/null 2>&1 < /dev/null & echo begun");
    assert_eq!(world.sh(&pod, &background).expect(0).out, "begun\n");
    let count = |world: &World| -> u32 {
        until("the count is written", Duration::from_secs(10), || {
            world
                .sh(&pod, "cat /workspace/count")
                .out
                .trim()
                .parse()
                .ok()
        })
    };
    let before = count(&world);
    world.kill(crate::support::Victim::ControlPlane);
    world
        .livery(&["pods"])
        .expect(1)
        .says(&["no control plane answers"]);
    world.bring_up();
    until("it counted on", Duration::from_secs(10), || {
        (count(&world) > before).then_some(())
    });
    world.finish();
}
