//! Commands of the binary: run to their end, or started and followed.

use super::until;
use rustix::process::{Pid, Signal, kill_process};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

/// No command of these tests may take longer.
const PATIENCE: Duration = Duration::from_secs(100);

/// A command that has ended.
#[derive(Debug)]
pub struct Ran {
    /// Its exit code; none if a signal ended it.
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

/// A command under way. Its output goes to files, so that it never waits for a reader.
#[derive(Debug)]
pub struct Running {
    child: Child,
    what: String,
    out: PathBuf,
    err: PathBuf,
}

impl Running {
    /// Starts a command whose output goes to `name.out` and `name.err` in a directory.
    pub fn start(mut command: Command, dir: &Path, name: &str, stdin: Stdio) -> Self {
        let (out, err) = (
            dir.join(format!("{name}.out")),
            dir.join(format!("{name}.err")),
        );
        let what = format!("{command:?}");
        let child = command
            .stdin(stdin)
            .stdout(File::create(&out).unwrap())
            .stderr(File::create(&err).unwrap())
            .spawn()
            .unwrap();
        Self {
            child,
            what,
            out,
            err,
        }
    }

    pub fn out(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.out).unwrap()).into_owned()
    }

    pub fn err(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.err).unwrap()).into_owned()
    }

    /// Waits until the output holds a text.
    pub fn until_out(&mut self, text: &str) {
        self.until_holds(text, |running| running.out());
    }

    /// Waits until the talk on standard error holds a text.
    pub fn until_err(&mut self, text: &str) {
        self.until_holds(text, |running| running.err());
    }

    fn until_holds(&mut self, text: &str, read: impl Fn(&Self) -> String) {
        until(&format!("`{text}` from {}", self.what), PATIENCE, || {
            if read(self).contains(text) {
                return Some(());
            }
            if self.child.try_wait().unwrap().is_some() && !read(self).contains(text) {
                panic!(
                    "{} ended without `{text}`:\n{}{}",
                    self.what,
                    self.out(),
                    self.err()
                );
            }
            None
        });
    }

    pub fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id()).unwrap();
        kill_process(Pid::from_raw(pid).unwrap(), signal).unwrap();
    }

    /// Returns whether it has ended.
    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Kills it with SIGKILL.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Waits until it has ended.
    pub fn finish(mut self) -> Ran {
        let status = self.wait();
        Ran {
            code: status.code(),
            out: self.out(),
            err: self.err(),
        }
    }

    fn wait(&mut self) -> ExitStatus {
        let ended = super::watch::look(PATIENCE, || self.child.try_wait().unwrap());
        ended.unwrap_or_else(|| {
            panic!("{} does not end:\n{}{}", self.what, self.out(), self.err());
        })
    }
}

/// A test that fails leaves no command of its own behind.
impl Drop for Running {
    fn drop(&mut self) {
        // It has ended in every test that went well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Ran {
    /// Fails unless the exit code is this one.
    #[track_caller]
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{}\n{}", self.out, self.err);
        self
    }

    /// Fails unless standard error holds all these texts.
    #[track_caller]
    pub fn says(self, texts: &[&str]) -> Self {
        for text in texts {
            assert!(self.err.contains(text), "no `{text}` in:\n{}", self.err);
        }
        self
    }
}
