//! A PostgreSQL database of a test's own, which several control planes share.

use std::path::PathBuf;
use std::process::Command;

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

/// Debian keeps every version apart; the newest is taken.
fn psql() -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql");
    let versions = versions.into_iter().flatten().flatten();
    let all = versions.map(|version| version.path().join("bin/psql"));
    let newest = all.filter(|path| path.exists()).max();
    newest.unwrap_or_else(|| PathBuf::from("psql"))
}
