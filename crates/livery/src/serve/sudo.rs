//! The host agent needs root. An ordinary user gets one through `sudo`, on a socket of their own.

use crate::commands::host::HostSettings;
use crate::commands::serve::ServeSettings;
use crate::config::{Given, Resolved, Setting, keys};
use crate::failure::Failure;
use crate::settings::Place;
use crate::ui::{say, warn};
use rustix::process::getuid;
use std::ffi::OsString;
use std::io::IsTerminal;
use std::process::{Command, ExitStatus, Stdio};
use tokio::net::UnixStream;

/// The key of who may use the agent: here it is always the user who starts it.
const OWNER: &str = "owner";

/// Makes sure that a host agent answers this user; one that has to be started gets those of the
/// settings that are for a host. What was given for this start and comes too late is said.
pub async fn ensure_host(
    place: &Place,
    given: &Given<ServeSettings>,
    resolved: &Resolved<ServeSettings>,
) -> anyhow::Result<()> {
    let host = keys::command::<HostSettings>();
    let of_host = |one: &&Setting| one.key != OWNER && keys::find(&host, &one.key).is_some();
    if UnixStream::connect(&place.host_socket).await.is_ok() {
        if let Some(late) = given.settings().iter().find(of_host) {
            warn(&format!(
                "the host agent runs already, and --{} comes too late for it; `livery serve --stop` ends \
                 it too, as far as sudo lets it",
                late.key
            ));
        }
        return Ok(());
    }
    let mut arguments = host_arguments(place, "--detach")?;
    arguments.extend(resolved.set.iter().filter(of_host).flat_map(Setting::words));
    let status = quietly(&arguments)?;
    if status.is_some_and(|status| status.success()) {
        return Ok(());
    }
    if status.is_some() && std::io::stdin().is_terminal() {
        say("the host agent makes containers and needs root: sudo may ask for your password");
        if Command::new("sudo")
            .arg("--")
            .args(&arguments)
            .status()?
            .success()
        {
            return Ok(());
        }
    }
    let hint = format!(
        "run `sudo {line}`, or have root run it without sudo; or run `livery serve --no-host` for a control \
         plane without a host on this machine",
        line = line(&arguments)
    );
    Err(
        Failure::failed("the host agent needs root, and sudo did not start it")
            .hint(hint)
            .into(),
    )
}

/// Returns the command by which root starts this user's host agent.
pub fn host_line(place: &Place) -> anyhow::Result<String> {
    Ok(line(&host_arguments(place, "--detach")?))
}

fn line(arguments: &[OsString]) -> String {
    let words = arguments.iter().map(|word| word.to_string_lossy());
    words.collect::<Vec<_>>().join(" ")
}

/// Ends this user's host agent, as far as sudo does that without a question; returns whether it
/// did.
pub fn stop_host(place: &Place) -> anyhow::Result<bool> {
    let status = quietly(&host_arguments(place, "--stop")?)?;
    Ok(status.is_some_and(|status| status.success()))
}

fn host_arguments(place: &Place, what: &str) -> anyhow::Result<Vec<OsString>> {
    let mut arguments: Vec<OsString> = vec![std::env::current_exe()?.into(), "host".into()];
    arguments.extend([what.into(), "--data-dir".into()]);
    arguments.push(place.host_data_dir.clone().into());
    arguments.extend(["--socket".into(), place.host_socket.clone().into()]);
    arguments.extend(["--owner".into(), getuid().as_raw().to_string().into()]);
    Ok(arguments)
}

/// Runs a command as root if that needs no password; none when there is no sudo.
fn quietly(arguments: &[OsString]) -> anyhow::Result<Option<ExitStatus>> {
    let mut command = Command::new("sudo");
    command.args(["-n", "--"]).args(arguments);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    match command.status() {
        Ok(status) => Ok(Some(status)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.into()),
    }
}
