//! `livery shell` on a real terminal: keys, size, Ctrl-C, and the terminal as it was afterwards.

use crate::support::{Ran, World, until};
use rustix::fs::{Mode, OFlags};
use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize};
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(20);

/// A user at a terminal.
pub struct Terminal {
    keys: File,
    screen: Arc<Mutex<String>>,
    child: Child,
    /// The far end stays open, so that its settings can be looked at afterwards.
    far: OwnedFd,
}

impl Terminal {
    /// Starts a command on a terminal of 100 by 30.
    pub fn start(world: &World, arguments: &[&str]) -> Self {
        Self::start_command(world.command(arguments))
    }

    /// Starts a command that was made already on such a terminal.
    pub fn start_command(mut command: Command) -> Self {
        let near = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&near).unwrap();
        unlockpt(&near).unwrap();
        let name = ptsname(&near, Vec::new()).unwrap();
        let far = rustix::fs::open(name, OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).unwrap();
        resize(&near, 100, 30);
        let end = || Stdio::from(far.try_clone().unwrap());
        command
            .stdin(end())
            .stdout(end())
            .stderr(end())
            .env("TERM", "xterm");
        // SAFETY: both calls are safe between fork and exec: they are plain system calls.
        unsafe {
            command.pre_exec(|| {
                rustix::process::setsid()?;
                rustix::process::ioctl_tiocsctty(rustix::stdio::stdin())?;
                Ok(())
            });
        }
        let child = command.spawn().unwrap();
        let screen = Arc::new(Mutex::new(String::new()));
        let (mut reader, shown) = (File::from(near.try_clone().unwrap()), screen.clone());
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(count @ 1..) = reader.read(&mut bytes) {
                shown
                    .lock()
                    .unwrap()
                    .push_str(&String::from_utf8_lossy(&bytes[..count]));
            }
        });
        Self {
            keys: File::from(near),
            screen,
            child,
            far,
        }
    }

    pub fn types(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
    }

    /// Waits until a text is on the screen, and forgets what came before it.
    pub fn shows(&self, text: &str) {
        until(&format!("`{text}` on the screen"), PATIENCE, || {
            let mut screen = self.screen.lock().unwrap();
            let at = screen.find(text)?;
            *screen = screen.split_off(at + text.len());
            Some(())
        });
    }

    pub fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id()).unwrap();
        kill_process(Pid::from_raw(pid).unwrap(), signal).unwrap();
    }

    /// Waits until the command has ended.
    pub fn finish(mut self) -> (Ran, bool) {
        let status = until("the command ends", PATIENCE, || {
            self.child.try_wait().unwrap()
        });
        let echoes = tcgetattr(&self.far)
            .unwrap()
            .local_modes
            .contains(LocalModes::ECHO | LocalModes::ICANON);
        // What the command wrote last may be on its way still; this comes behind it.
        let mut far = File::from(self.far.try_clone().unwrap());
        far.write_all(b"\x01").unwrap();
        let out = until("all that it wrote", PATIENCE, || {
            let screen = self.screen.lock().unwrap();
            Some(screen.strip_suffix('\x01')?.to_owned())
        });
        let ran = Ran {
            code: status.code(),
            out,
            err: String::new(),
        };
        (ran, echoes)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // It has ended in every test that went well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn resize(terminal: &impl std::os::fd::AsFd, columns: u16, rows: u16) {
    let size = Winsize {
        ws_row: rows,
        ws_col: columns,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    tcsetwinsize(terminal, size).unwrap();
}

#[test]
fn a_shell_has_a_terminal_that_follows_the_users() {
    let Some(world) = World::new() else { return };
    let pod = world.pod(&[]);
    let mut terminal = Terminal::start(&world, &["shell", &pod]);
    terminal.types("PS1='ready> '; echo $((40 + 2)) on $TERM\n");
    terminal.shows("42 on xterm");
    terminal.types("stty size\n");
    terminal.shows("30 100");
    resize(&terminal.keys, 77, 22);
    // The size travels on its own way: it is asked for until it has come.
    terminal.types(
        "while [ \"$(stty size)\" != '22 77' ]; do sleep 0.1; done; echo grown $((20 + 2))\n",
    );
    terminal.shows("grown 22");
    terminal.types("sleep 1000\n");
    terminal.shows("sleep 1000");
    until("the command runs", PATIENCE, || {
        let listed = world.sh(&pod, "cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' '");
        listed.out.contains("sleep 1000").then_some(())
    });
    terminal.types("\u{3}");
    terminal.types("echo code $?\n");
    terminal.shows("code 130");
    terminal.types("exit 7\n");
    let (ran, echoes) = terminal.finish();
    ran.expect(7);
    assert!(echoes, "the terminal is as it was");
    world.finish();
}

#[test]
fn a_command_with_a_terminal_is_told_when_the_user_is_gone() {
    let Some(world) = World::new() else { return };
    let pod = world.pod(&[]);
    let script = "trap 'echo hung up > /workspace/fate; exit' HUP; echo waiting; while true; do sleep 0.1; done";
    let terminal = Terminal::start(&world, &["exec", "--tty", &pod, "--", "sh", "-c", script]);
    terminal.shows("waiting");
    drop(terminal);
    until("the command heard of it", PATIENCE, || {
        let fate = world.sh(&pod, "cat /workspace/fate");
        (fate.out == "hung up\n").then_some(())
    });
    world.finish();
}

#[test]
fn a_signal_goes_to_the_command_and_a_second_one_leaves_it() {
    let Some(world) = World::new() else { return };
    let pod = world.pod(&[]);
    let exec = |script: &str| {
        let mut running = world.spawn(&["exec", "--no-tty", &pod, "--", "sh", "-c", script]);
        running.until_out("waiting");
        running
    };
    let polite = "trap 'echo asked; exit 7' TERM; echo waiting; while true; do sleep 0.1; done";
    let polite = exec(polite);
    polite.signal(Signal::TERM);
    assert_eq!(polite.finish().expect(7).out, "waiting\nasked\n");

    // One that says that it heard is waited for; the second signal is not for it.
    let deaf = "trap 'echo heard' INT TERM HUP; echo waiting; while true; do sleep 0.1; done";
    let mut deaf = exec(deaf);
    deaf.signal(Signal::INT);
    deaf.until_out("heard");
    deaf.signal(Signal::HUP);
    deaf.finish().expect(128 + 1);
    world.finish();
}

#[test]
fn a_command_is_left_whose_host_hangs() {
    let Some(world) = World::in_two_processes() else {
        return;
    };
    let pod = world.pod(&[]);
    let sleep = "echo waiting; sleep 1000";
    let mut running = world.spawn(&["exec", "--no-tty", &pod, "--", "sh", "-c", sleep]);
    running.until_out("waiting");
    let terminal = Terminal::start(&world, &["exec", "--tty", &pod, "--", "sh", "-c", sleep]);
    terminal.shows("waiting");
    world.signal_agent(Signal::STOP);
    running.signal(Signal::TERM);
    terminal.signal(Signal::TERM);
    let (ran, echoes) = terminal.finish();
    ran.expect(128 + 15);
    assert!(echoes, "the terminal is as it was");
    let ran = running.finish().expect(128 + 15);
    ran.says(&["did not answer the signal"]);
    world.signal_agent(Signal::CONT);
    world.finish();
}

#[test]
fn a_shell_without_a_terminal_says_what_to_use() {
    let Some(world) = World::new() else { return };
    let pod = world.pod(&[]);
    world
        .livery(&["shell", &pod])
        .expect(2)
        .says(&["needs a terminal", "livery exec"]);
    world.finish();
}
