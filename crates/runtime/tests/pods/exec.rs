//! Interactive commands: streams, codes, signals, terminals.

use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::Stdio;

use livery_runtime::{CommandSpec, ExecSpec, Streams};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::pty::OpenptFlags;
use rustix::termios::{Winsize, tcsetwinsize};

use crate::bench::{Bench, idle_pod, until};

fn exec(line: &str, streams: Streams) -> ExecSpec {
    ExecSpec {
        command: CommandSpec::new(["/bin/sh", "-c", line]),
        streams,
    }
}

#[test]
fn streams_and_codes_go_through() {
    let Some(bench) = Bench::new() else { return };
    let pod = bench.pod(&idle_pod(1));
    let mut command = bench
        .runtime()
        .exec_command(&pod, &exec("cat; exit 5", Streams::Pipes))
        .unwrap();
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let megabyte = vec![b'x'; 1 << 20];
    let writer = std::thread::spawn(move || stdin.write_all(&megabyte).map(|()| stdin));
    let mut echoed = vec![0; 1 << 20];
    child
        .stdout
        .as_mut()
        .unwrap()
        .read_exact(&mut echoed)
        .unwrap();
    assert!(echoed.iter().all(|byte| *byte == b'x'));
    // Closing the standard input is how `cat` learns that it is over.
    drop(writer.join().unwrap().unwrap());
    assert_eq!(child.wait().unwrap().code(), Some(5));

    assert_eq!(bench.shell(&pod, "kill -9 $$").status.code(), Some(137));
    assert_eq!(
        bench.shell(&pod, "exec no-such-program").status.code(),
        Some(127)
    );
    let mut spec = exec("id -u; id -g; pwd; echo $ONE", Streams::Pipes);
    spec.command.user = Some("1234:56".to_owned());
    spec.command.workdir = Some("/tmp".into());
    spec.command.env = vec![("ONE".to_owned(), "1".to_owned())];
    let output = bench
        .runtime()
        .exec_command(&pod, &spec)
        .unwrap()
        .output()
        .unwrap();
    assert_eq!(
        String::from_utf8(output.stdout).unwrap(),
        "1234\n56\n/tmp\n1\n"
    );
}

#[test]
fn a_command_gets_signals_and_dies_with_its_shim() {
    let Some(bench) = Bench::new() else { return };
    let pod = bench.pod(&idle_pod(1));
    let line = "trap 'exit 42' TERM; touch /workspace/ready; while :; do sleep 0.01; done";
    let mut command = bench
        .runtime()
        .exec_command(&pod, &exec(line, Streams::Pipes))
        .unwrap();
    let mut child = command.stdin(Stdio::null()).spawn().unwrap();
    until("the trap is set", || {
        bench
            .shell(&pod, "test -e /workspace/ready")
            .status
            .success()
            .then_some(())
    });
    signal(child.id(), rustix::process::Signal::TERM);
    assert_eq!(child.wait().unwrap().code(), Some(42));

    let mut command = bench
        .runtime()
        .exec_command(&pod, &exec("exec sleep 1000", Streams::Pipes))
        .unwrap();
    let mut child = command.stdin(Stdio::null()).spawn().unwrap();
    let count = "grep -lx sleep /proc/[0-9]*/comm 2>/dev/null | wc -l";
    until("it runs", || (bench.says(&pod, count) == "1").then_some(()));
    child.kill().unwrap();
    assert_eq!(child.wait().unwrap().signal(), Some(9));
    until("it is gone", || {
        (bench.says(&pod, count) == "0").then_some(())
    });
}

#[test]
fn a_terminal_has_a_name_and_a_size_inside() {
    let Some(bench) = Bench::new() else { return };
    let pod = bench.pod(&idle_pod(1));
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
    let outer = rustix::pty::openpt(flags).unwrap();
    rustix::pty::unlockpt(&outer).unwrap();
    let terminal = File::from(rustix::pty::ioctl_tiocgptpeer(&outer, flags).unwrap());
    let size = |rows| Winsize {
        ws_row: rows,
        ws_col: 99,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    tcsetwinsize(&outer, size(33)).unwrap();

    let line = "tty; stty size; read word; echo got $word; stty size; exit 9";
    let mut command = bench
        .runtime()
        .exec_command(&pod, &exec(line, Streams::Terminal))
        .unwrap();
    command.stdin(terminal.try_clone().unwrap());
    command.stdout(terminal.try_clone().unwrap());
    command.stderr(terminal);
    let mut child = command.spawn().unwrap();
    drop(command);
    let mut outer = File::from(outer);
    let mut shown = String::new();
    read_until(&mut outer, &mut shown, "33 99");
    assert!(shown.contains("/dev/pts/"), "{shown}");
    tcsetwinsize(&outer, size(44)).unwrap();
    outer.write_all(b"word\r").unwrap();
    read_until(&mut outer, &mut shown, "got word");
    read_until(&mut outer, &mut shown, "44 99");
    assert_eq!(child.wait().unwrap().code(), Some(9));
}

/// Reads until something is shown; the end of the terminal is a failure.
fn read_until(terminal: &mut File, shown: &mut String, wanted: &str) {
    let mut part = [0; 1024];
    let patience = Timespec {
        tv_sec: 60,
        tv_nsec: 0,
    };
    while !shown.contains(wanted) {
        let mut polled = [PollFd::new(&*terminal, PollFlags::IN)];
        let ready = poll(&mut polled, Some(&patience)).unwrap();
        assert!(ready > 0, "`{wanted}` did not follow {shown}");
        let length = terminal.read(&mut part).unwrap_or(0);
        assert!(length > 0, "`{wanted}` was not in {shown}");
        shown.push_str(&String::from_utf8_lossy(&part[..length]));
    }
}

fn signal(pid: u32, signal: rustix::process::Signal) {
    let pid = rustix::process::Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
    rustix::process::kill_process(pid, signal).unwrap();
}
