//! Debian's `docker-registry`, in a directory and on a port of the test's own.

use super::watch::look;
use std::fs;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

pub const USER: &str = "ada";
pub const PASSWORD: &str = "correct horse";

/// Whether the registry wants a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    Open,
    Locked,
}

/// A registry; killed when dropped.
pub struct Registry {
    process: Child,
    pub port: u16,
    _directory: tempfile::TempDir,
}

impl Registry {
    /// Starts a registry, or says what is missing.
    pub fn start(door: Door) -> Option<Self> {
        let directory = tempfile::tempdir().unwrap();
        let auth = match door {
            Door::Open => String::new(),
            Door::Locked => lock(directory.path())?,
        };
        // A port that was free may be taken before the registry has it; then another is tried.
        for _ in 0..10 {
            let port = free_port();
            let config = directory.path().join("config.yml");
            let text = format!(
                "version: 0.1\nstorage: {{filesystem: {{rootdirectory: {0}/storage}}}}\n\
                 http: {{addr: '127.0.0.1:{port}', secret: test}}\n{auth}",
                directory.path().display()
            );
            fs::write(&config, text).unwrap();
            let started = Command::new("docker-registry")
                .arg("serve")
                .arg(&config)
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn();
            let Ok(mut process) = started else {
                println!("skipped: `docker-registry` is not installed (package docker-registry)");
                return None;
            };
            if answers(&mut process, port) {
                return Some(Self {
                    process,
                    port,
                    _directory: directory,
                });
            }
            // It neither answers nor ends, or has ended.
            let _ = process.kill();
            let _ = process.wait();
        }
        panic!("docker-registry does not start");
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        // It may be gone already, which is as good.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Writes the password's file; returns what the registry's settings say of it.
fn lock(directory: &Path) -> Option<String> {
    let passwords = directory.join("htpasswd");
    let made = Command::new("htpasswd")
        .args(["-Bbn", "-C", "4", USER, PASSWORD])
        .output();
    let Ok(made) = made else {
        println!("skipped: `htpasswd` is not installed (package apache2-utils)");
        return None;
    };
    fs::write(&passwords, made.stdout).unwrap();
    let path = passwords.display();
    Some(format!(
        "auth: {{htpasswd: {{realm: test, path: {path}}}}}\n"
    ))
}

/// Returns a port on which nobody listens right now.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.local_addr().unwrap().port()
}

fn answers(process: &mut Child, port: u16) -> bool {
    let answer = look(Duration::from_secs(10), || {
        if process.try_wait().unwrap().is_some() {
            return Some(false);
        }
        let connected = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok();
        connected.then_some(true)
    });
    answer.unwrap_or(false)
}
