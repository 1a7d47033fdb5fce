//! A PostgreSQL server of a round's own, which can stand still and stop.

use std::fs;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::{Pid, Signal, kill_process};

/// The server, in a directory of its own, listening on a unix socket in it; gone when it is dropped.
pub struct Server {
    directory: tempfile::TempDir,
    programs: PathBuf,
}

impl Server {
    /// Makes a server and starts it.
    pub fn start() -> Self {
        let programs = fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
        let programs = programs.flatten().map(|version| version.path().join("bin"));
        let programs = programs.filter(|dir| dir.join("initdb").exists()).max();
        // The socket's path may have at most 107 bytes.
        let directory = tempfile::Builder::new()
            .prefix("livery-soak.")
            .tempdir_in("/tmp")
            .unwrap();
        let server = Self {
            directory,
            programs: programs.expect("PostgreSQL is missing: run scripts/install test"),
        };
        // The server refuses to run as root.
        done(Command::new("chown").arg("postgres").arg(server.path()));
        let init = [
            "--pgdata=data",
            "--username=livery",
            "--auth=trust",
            "--encoding=UTF8",
            "--no-sync",
        ];
        done(server.program("initdb").args(init));
        server.go_on();
        server
    }

    /// How a control plane names it.
    pub fn url(&self) -> String {
        format!(
            "postgres://livery@localhost/postgres?host={}",
            self.path().display()
        )
    }

    /// Starts it after it has stopped.
    pub fn go_on(&self) {
        let directory = self.path().display();
        let options = format!(
            "-c listen_addresses='' -c unix_socket_directories='{directory}' -c max_connections=50 \
             -c fsync=off -c synchronous_commit=off -c full_page_writes=off"
        );
        let mut start = self.program("pg_ctl");
        start.args([
            "--pgdata=data",
            "--log=log",
            "--wait",
            "--options",
            &options,
            "start",
        ]);
        done(&mut start);
    }

    /// Stops it: connections are cut off, and what was committed is there afterwards.
    pub fn stop(&self) {
        let mut stop = self.program("pg_ctl");
        done(stop.args(["--pgdata=data", "--mode=fast", "--wait", "stop"]));
    }

    /// Has all its processes stand still: a client gets no answer, and no error either.
    pub fn freeze(&self) {
        self.signal(Signal::STOP);
    }

    /// Has them go on.
    pub fn thaw(&self) {
        self.signal(Signal::CONT);
    }

    fn path(&self) -> &Path {
        self.directory.path()
    }

    fn signal(&self, signal: Signal) {
        for pid in self.processes() {
            // One that ended meanwhile stands still enough.
            let _ = kill_process(pid, signal);
        }
    }

    /// The first process, which makes the others, comes first.
    fn processes(&self) -> Vec<Pid> {
        let text = fs::read_to_string(self.path().join("data/postmaster.pid")).unwrap_or_default();
        let Some(first) = text
            .lines()
            .next()
            .and_then(|line| line.parse::<i32>().ok())
        else {
            return Vec::new();
        };
        let children = format!("/proc/{first}/task/{first}/children");
        let children = fs::read_to_string(children).unwrap_or_default();
        let children = children
            .split_whitespace()
            .filter_map(|text| text.parse().ok());
        let all = std::iter::once(first).chain(children);
        all.filter_map(Pid::from_raw).collect()
    }

    /// Makes a command that runs as the server's user in its directory.
    fn program(&self, name: &str) -> Command {
        let mut command = Command::new("setpriv");
        command
            .args(["--reuid=postgres", "--regid=postgres", "--init-groups"])
            .arg(self.programs.join(name))
            .current_dir(self.path());
        command
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.thaw();
        let mut stop = self.program("pg_ctl");
        stop.args(["--pgdata=data", "--mode=immediate", "--wait", "stop"]);
        // It may have been stopped already.
        let _ = stop.output();
    }
}

/// Runs a command that has to succeed. Its output goes to files: a server keeps what it inherits.
fn done(command: &mut Command) {
    let mut said = tempfile::tempfile().unwrap();
    let theirs = || said.try_clone().unwrap();
    command.stdin(std::process::Stdio::null());
    let status = command.stdout(theirs()).stderr(theirs()).status().unwrap();
    if !status.success() {
        let mut text = String::new();
        said.seek(SeekFrom::Start(0)).unwrap();
        said.read_to_string(&mut text).unwrap();
        panic!("{command:?}: {status}: {text}");
    }
}
