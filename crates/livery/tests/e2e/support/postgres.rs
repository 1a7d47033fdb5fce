//! A PostgreSQL database of a test's own, which several control planes share.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// A database on the server that the tests were given; gone when it is dropped.
pub struct Database {
    server: String,
    name: String,
}

impl Database {
    /// Makes one, or says why this test cannot run.
    pub fn new(name: &str) -> Option<Self> {
        let Ok(server) = std::env::var("LIVERY_TEST_POSTGRES") else {
            println!("skipped: LIVERY_TEST_POSTGRES names no server; `make test` starts one");
            return None;
        };
        let name = format!("{name}_{}", std::process::id());
        let database = Self { server, name };
        assert!(database.sql(&format!("CREATE DATABASE {}", database.name)));
        Some(database)
    }

    /// How control planes name it.
    pub fn url(&self) -> String {
        let (before, options) = self.server.split_once('?').unwrap_or((&self.server, ""));
        let (place, _) = before.rsplit_once('/').unwrap();
        format!("{place}/{}?{options}", self.name)
    }

    fn sql(&self, text: &str) -> bool {
        let mut command = Command::new(psql());
        command.args(["--quiet", "--dbname", &self.server, "--command", text]);
        command.status().is_ok_and(|status| status.success())
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        self.sql(&format!("DROP DATABASE {} WITH (FORCE)", self.name));
    }
}

fn psql() -> PathBuf {
    program("psql")
}

/// Debian keeps every version apart; the newest is taken.
fn program(name: &str) -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql");
    let versions = versions.into_iter().flatten().flatten();
    let all = versions.map(|version| version.path().join("bin").join(name));
    let newest = all.filter(|path| path.exists()).max();
    newest.unwrap_or_else(|| PathBuf::from(name))
}

/// A PostgreSQL server that a test may stop and start; it ends with it.
pub struct Server {
    /// The script that made it and takes it away when its input ends.
    script: Child,
    directory: PathBuf,
}

impl Server {
    /// Starts one, or says why this test cannot run.
    pub fn start() -> Option<Self> {
        if std::env::var_os("LIVERY_TEST_POSTGRES").is_none() {
            println!("skipped: LIVERY_TEST_POSTGRES names no server; `make test` starts one");
            return None;
        }
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/with-postgres");
        let mut script = Command::new(script)
            .args(["sh", "-c", "echo \"$LIVERY_TEST_POSTGRES\"; cat >/dev/null"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut url = String::new();
        let mut said = BufReader::new(script.stdout.take().unwrap());
        said.read_line(&mut url).unwrap();
        let (_, directory) = url.trim().split_once("?host=").expect("a server started");
        let directory = PathBuf::from(directory);
        Some(Self { script, directory })
    }

    /// How control planes name it.
    pub fn url(&self) -> String {
        format!(
            "postgres://livery@localhost/postgres?host={}",
            self.directory.display()
        )
    }

    /// Stops it as a crash does.
    pub fn stop(&self) {
        self.control(&["--mode", "immediate", "stop"]);
    }

    /// Starts it again.
    pub fn start_again(&self) {
        let place = self.directory.display();
        let options = format!("-c listen_addresses='' -c unix_socket_directories='{place}'");
        self.control(&["--log", "log", "--wait", "--options", &options, "start"]);
    }

    fn control(&self, arguments: &[&str]) {
        // It does not run as root.
        let mut command = Command::new("setpriv");
        command
            .args(["--reuid=postgres", "--regid=postgres", "--init-groups"])
            .arg(program("pg_ctl"))
            .args(["--silent", "--pgdata", "data"])
            .args(arguments)
            .current_dir(&self.directory)
            .stdin(Stdio::null());
        assert!(command.status().unwrap().success(), "{command:?}");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.script.stdin.take());
        let _ = self.script.wait();
    }
}
