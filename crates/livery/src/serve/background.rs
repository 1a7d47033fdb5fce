//! Starts a control plane or a host agent behind the user, once, and waits until it answers.

use super::process::{EXIT_TAKEN, private_dir};
use super::sudo;
use crate::commands::serve::ServeSettings;
use crate::config::{ConfigFile, Given, resolve};
use crate::connect;
use crate::failure::Failure;
use crate::settings::{Settings, check_socket};
use crate::ui::say;
use anyhow::Context;
use livery_api::Error;
use rustix::process::geteuid;
use std::ffi::OsString;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long a daemon may take until it answers.
const START_PATIENCE: Duration = Duration::from_secs(60);

/// How often a starting daemon is asked whether it answers.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// How much of a log is shown when a daemon did not start.
const TAIL_BYTES: u64 = 4_000;

/// Who wanted the control plane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// The user, in so many words.
    ByUser,
    /// A command that found none.
    ByAnotherCommand,
}

/// Starts this machine's control plane with the settings that are kept for it.
pub async fn start(settings: &Settings, asked: Asked) -> anyhow::Result<()> {
    start_with(settings, &Given::nothing(), asked).await
}

/// Starts this machine's control plane with the settings that are kept for it, and these before them.
pub async fn start_with(
    settings: &Settings,
    given: &Given<ServeSettings>,
    asked: Asked,
) -> anyhow::Result<()> {
    let place = &settings.place;
    check_socket(&place.socket)?;
    // The daemon reads the file itself; a mistake in it is better said here.
    let resolved = resolve(given, &ConfigFile::read(&place.data_dir)?)?;
    let brings_host = resolved.settings.brings_host();
    if brings_host && !geteuid().is_root() {
        sudo::ensure_host(place, given, &resolved).await?;
    }
    private_dir(&place.data_dir)?;
    let mut arguments: Vec<OsString> = vec!["serve".into(), "--background".into()];
    arguments.extend(["--data-dir".into(), place.data_dir.clone().into()]);
    arguments.extend(["--socket".into(), place.socket.clone().into()]);
    arguments.extend(given.words());
    if brings_host && !geteuid().is_root() {
        arguments.extend(["--host-socket".into(), place.host_socket.clone().into()]);
    }
    let log = place.data_dir.join("serve.log");
    let daemon = Daemon {
        what: "control plane",
        arguments,
        log,
    };
    let client = connect::own(settings);
    let pid = daemon
        .start(async || match client.version().await {
            Ok(version) => Ok(Some(version.pid)),
            Err(Error::NoServer { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        })
        .await?;
    let what = if brings_host {
        "a control plane with a host agent for this machine"
    } else {
        "a control plane without a host agent"
    };
    let log = daemon.log.display();
    say(&match asked {
        Asked::ByUser => format!("started {what} (process {pid}, log {log})"),
        Asked::ByAnotherCommand => format!(
            "no control plane ran here: started {what} (process {pid}, log {log}); `livery serve \
             --stop` ends it"
        ),
    });
    Ok(())
}

/// A process of this program that goes on behind the user.
pub struct Daemon {
    /// What it is, for messages.
    pub what: &'static str,
    /// Its arguments.
    pub arguments: Vec<OsString>,
    /// Where its log goes.
    pub log: PathBuf,
}

impl Daemon {
    /// Starts it and waits until it answers; returns the process that does. When another one was
    /// faster, that one is waited for.
    pub async fn start(
        &self,
        answers: impl AsyncFn() -> anyhow::Result<Option<u32>>,
    ) -> anyhow::Result<u32> {
        let mut child = self.spawn()?;
        let mut another_was_faster = false;
        let began = Instant::now();
        while began.elapsed() < START_PATIENCE {
            if let Some(pid) = answers().await? {
                return Ok(pid);
            }
            if !another_was_faster && let Some(status) = child.try_wait()? {
                if status.code() != Some(i32::from(EXIT_TAKEN)) {
                    return Err(self.did_not_start(&format!("it ended with {status}")));
                }
                another_was_faster = true;
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        let seconds = START_PATIENCE.as_secs();
        Err(self.did_not_start(&format!("it does not answer after {seconds} seconds")))
    }

    fn spawn(&self) -> anyhow::Result<Child> {
        let cannot = || format!("cannot write the log {}", self.log.display());
        let mut options = File::options();
        let log = options
            .append(true)
            .create(true)
            .mode(0o600)
            .open(&self.log);
        let log = log.with_context(cannot)?;
        let program = std::env::current_exe().context("cannot find this program's own file")?;
        Command::new(program)
            .args(&self.arguments)
            .env_remove("LIVERY_TOKEN")
            .stdin(Stdio::null())
            .stdout(log.try_clone().with_context(cannot)?)
            .stderr(log)
            .spawn()
            .with_context(|| format!("cannot start the {}", self.what))
    }

    fn did_not_start(&self, why: &str) -> anyhow::Error {
        let tail = tail(&self.log).unwrap_or_default();
        let message = format!("the {} did not start: {why}", self.what);
        let message = match tail.trim() {
            "" => message,
            tail => format!("{message}; the end of its log:\n{tail}"),
        };
        let hint = format!(
            "the whole log is {}; `livery doctor` checks this machine",
            self.log.display()
        );
        Failure::failed(message).hint(hint).into()
    }
}

fn tail(path: &Path) -> std::io::Result<String> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL_BYTES)))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().rev().take(8).collect();
    Ok(lines.into_iter().rev().collect::<Vec<_>>().join("\n"))
}
