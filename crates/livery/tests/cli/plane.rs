//! A place of one's own for a control plane without a host, and commands that talk to it.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// A data directory and a working directory; what runs there is ended with it.
pub struct Plane {
    dir: tempfile::TempDir,
}

/// What a command printed, and how it ended.
pub struct Ran {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Plane {
    /// Makes the directories; nothing runs yet.
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("work")).unwrap();
        Self { dir }
    }

    /// Makes the directories and starts a control plane without a host.
    pub fn started() -> Self {
        let plane = Self::new();
        plane.run(&["serve", "--detach", "--no-host"]).expect(0);
        plane
    }

    /// Returns where commands are run.
    pub fn work(&self) -> PathBuf {
        self.dir.path().join("work")
    }

    /// Returns the control plane's data directory.
    pub fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    /// Returns a command of the binary in a clean environment.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_livery"));
        command
            .args(arguments)
            .current_dir(self.work())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.dir.path())
            .env("LIVERY_DATA_DIR", self.data())
            .env("LIVERY_NO_START", "true")
            .stdin(Stdio::null());
        command
    }

    /// Runs a command to its end.
    pub fn run(&self, arguments: &[&str]) -> Ran {
        Ran::new(self.command(arguments).output().unwrap())
    }

    /// Writes a file into the working directory.
    pub fn write(&self, name: &str, text: &str) {
        std::fs::write(self.work().join(name), text).unwrap();
    }

    /// Returns the process of the control plane, if one runs.
    pub fn pid(&self) -> Option<u32> {
        let text = std::fs::read_to_string(self.data().join("serve.lock")).ok()?;
        let pid = text.parse().ok()?;
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // One that nobody has collected yet has ended all the same.
        (!stat.contains(") Z ")).then_some(pid)
    }
}

/// Nothing that a test has started outlives it.
impl Drop for Plane {
    fn drop(&mut self) {
        let stopped = self.run(&["serve", "--stop"]);
        if self.data().join("host.lock").exists() {
            self.run(&["host", "--stop"]);
        }
        if let (Some(pid), false) = (self.pid(), std::thread::panicking()) {
            panic!("process {pid} is still there: {}", stopped.err);
        }
    }
}

impl Ran {
    pub fn new(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Self {
            code: output.status.code(),
            out: text(output.stdout),
            err: text(output.stderr),
        }
    }

    /// Fails unless the exit code is this one.
    #[track_caller]
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(
            self.code,
            Some(code),
            "out: {}\nerr: {}",
            self.out,
            self.err
        );
        self
    }

    /// Fails unless standard error holds these texts.
    #[track_caller]
    pub fn says(self, texts: &[&str]) -> Self {
        for text in texts {
            assert!(self.err.contains(text), "no `{text}` in: {}", self.err);
        }
        self
    }

    /// Reads standard output as JSON.
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_else(|why| panic!("{why}: {}", self.out))
    }
}

/// Compares a text with the one kept under a name; the new one is left beside the build's files, to
/// be copied over once it has been read.
#[track_caller]
pub fn same_as_kept(name: &str, text: &str) {
    let kept = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/cli/snapshots")
        .join(name);
    let before = std::fs::read_to_string(&kept).unwrap_or_default();
    if before == text {
        return;
    }
    let new = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&new, text).unwrap();
    panic!(
        "{name} has changed; if that is meant: cp {} {}\n--- now\n{text}",
        new.display(),
        kept.display()
    );
}
