//! Notifications on the desktop of the control plane's machine, through `notify-send`, the
//! freedesktop.org notification client that every desktop distribution has.

use crate::Error;
use crate::Reach;
use crate::hooks::escaped;
use crate::letter::{Letter, Weight};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tokio::process::Command;

const PROGRAM: &str = "notify-send";
const TIMEOUT: Duration = Duration::from_secs(10);

/// Where each logged-in user's session bus is, by the user's number.
const SESSIONS: &str = "/run/user";

/// Somebody's desktop session.
struct Session {
    /// The address of its message bus.
    bus: String,
    /// Whose it is, when it is somebody else's: a bus takes calls of its own user alone.
    user: Option<(u32, u32)>,
}

/// Refuses accounts that are not the machine's owner's.
pub(crate) fn check(reach: Reach) -> Result<(), Error> {
    match reach {
        Reach::Anywhere => Ok(()),
        Reach::Public => Err(Error::Forbidden(
            "the desktop is that of the control plane's machine, and only its owner's".to_owned(),
        )),
    }
}

/// Shows a letter on every desktop that can be reached; one is enough.
pub(crate) async fn show(letter: &Letter, reach: Reach) -> Result<String, Error> {
    check(reach)?;
    let sessions = sessions();
    if sessions.is_empty() {
        let why = "nobody is logged in at the desktop of the control plane's machine";
        return Err(Error::Unreachable(why.to_owned()));
    }
    let mut shown = 0;
    let mut last = Error::Unreachable("no desktop took it".to_owned());
    for session in &sessions {
        match show_in(session, letter).await {
            Ok(()) => shown += 1,
            Err(error) => last = error,
        }
    }
    match shown {
        0 => Err(last),
        1 => Ok("shown on the desktop".to_owned()),
        _ => Ok(format!("shown on {shown} desktops")),
    }
}

/// Finds this process's own session, or, for root, everybody's.
fn sessions() -> Vec<Session> {
    let own = rustix::process::geteuid().as_raw();
    if let Some(bus) = std::env::var_os("DBUS_SESSION_BUS_ADDRESS") {
        let bus = bus.to_string_lossy().into_owned();
        return vec![Session { bus, user: None }];
    }
    let session = |socket: PathBuf| {
        let owner = std::fs::metadata(&socket).ok()?;
        let user = (owner.uid() != own).then_some((owner.uid(), owner.gid()));
        let bus = format!("unix:path={}", socket.display());
        Some(Session { bus, user })
    };
    if own != 0 {
        let socket = Path::new(SESSIONS).join(own.to_string()).join("bus");
        return session(socket).into_iter().collect();
    }
    let users = std::fs::read_dir(SESSIONS).into_iter().flatten().flatten();
    users
        .filter_map(|user| session(user.path().join("bus")))
        .collect()
}

async fn show_in(session: &Session, letter: &Letter) -> Result<(), Error> {
    let urgency = match letter.weight {
        Weight::Normal => "normal",
        Weight::High | Weight::Urgent => "critical",
    };
    let mut command = Command::new(PROGRAM);
    command
        .args(["--app-name=Livery", "--icon=dialog-warning"])
        .arg(format!("--urgency={urgency}"))
        .args(["--", &letter.title, &escaped(&letter.message)])
        .env("DBUS_SESSION_BUS_ADDRESS", &session.bus)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    if let Some((user, group)) = session.user {
        command.uid(user).gid(group);
    }
    let output = match tokio::time::timeout(TIMEOUT, command.output()).await {
        Ok(Ok(output)) => output,
        Ok(Err(error)) => {
            let why = format!("`{PROGRAM}` cannot be run (install libnotify-bin): {error}");
            return Err(Error::Unreachable(why));
        }
        Err(_) => return Err(Error::Unreachable("the desktop gave no answer".to_owned())),
    };
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let why = format!("the desktop did not take it: {}", said.trim());
    Err(Error::Unreachable(why))
}
