//! Ends a control plane or a host agent and waits until it is gone. Pods go on.

use super::lock::{self, Lock};
use super::sudo;
use crate::connect;
use crate::failure::{Ending, Failure};
use crate::settings::Settings;
use crate::ui::{say, warn};
use livery_api::Error;
use livery_api::dto::Health;
use livery_units::counted;
use rustix::process::{Pid, Signal, geteuid, kill_process};
use std::path::Path;
use std::time::{Duration, Instant};

/// How long a process that was asked to end may take: more than all that it waits for itself.
const END_PATIENCE: Duration = Duration::from_secs(30);

const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Ends this machine's control plane.
pub async fn control_plane(settings: &Settings) -> anyhow::Result<Ending> {
    let place = &settings.place;
    let lock = lock::control_plane(&place.data_dir);
    let holder = Lock::holder(&lock)?;
    let asked = connect::own(settings).shutdown().await;
    let health = match (asked, holder) {
        (Ok(shutdown), _) => Some(shutdown.health),
        (Err(Error::NoServer { .. }), None) => {
            say("no control plane runs here");
            return Ok(Ending::Done);
        }
        // It hangs, is just starting, or speaks another version: a signal says the same.
        (Err(_), Some(pid)) => {
            terminate(pid)?;
            None
        }
        (Err(error), None) => return Err(error.into()),
    };
    gone(&lock, holder).await?;
    say("the control plane has ended");
    if let Some(health) = health {
        tell_what_goes_on(&health);
    }
    if !geteuid().is_root() && place.host_socket.exists() && !sudo::stop_host(place)? {
        warn("the host agent goes on: it is root's, and sudo asks for a password");
    }
    Ok(Ending::Done)
}

/// Ends the separate host agent of a data directory.
pub async fn host_agent(data_dir: &Path) -> anyhow::Result<Ending> {
    let lock = lock::host_agent(data_dir);
    let Some(pid) = Lock::holder(&lock)? else {
        say("no host agent runs here");
        return Ok(Ending::Done);
    };
    terminate(pid)?;
    gone(&lock, Some(pid)).await?;
    say("the host agent has ended; pods go on");
    Ok(Ending::Done)
}

fn tell_what_goes_on(health: &Health) {
    if health.pods_live > 0 {
        warn(&format!(
            "{} {}/h. Until a control plane runs again no limit, idle rule or empty \
             balance ends pods, and nobody is reminded of them; `livery pods` starts one and shows them",
            counted(
                health.pods_live,
                "pod goes on and costs",
                "pods go on and cost"
            ),
            health.hourly.shown()
        ));
    }
    if health.runs_live > 0 {
        warn(&format!(
            "{} not over; the next control plane goes on from there",
            counted(health.runs_live, "run is", "runs are")
        ));
    }
}

fn terminate(pid: u32) -> anyhow::Result<()> {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    if let Some(pid) = pid {
        match kill_process(pid, Signal::TERM) {
            Ok(()) | Err(rustix::io::Errno::SRCH) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Waits until the lock is free and the process that had it has ended.
async fn gone(lock: &Path, had: Option<u32>) -> anyhow::Result<()> {
    let began = Instant::now();
    while let Some(pid) = Lock::holder(lock)?.or(had.filter(|pid| lives(*pid))) {
        if began.elapsed() > END_PATIENCE {
            let seconds = END_PATIENCE.as_secs();
            let message =
                format!("process {pid} was asked to end and still runs {seconds} seconds later");
            let hint = format!("`kill -9 {pid}` ends it; nothing is lost by that");
            return Err(Failure::failed(message).hint(hint).into());
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
    Ok(())
}

/// Returns whether a process has not ended; one that only waits to be collected has.
fn lives(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The name before the state is in parentheses and may hold anything.
    let state = stat
        .rsplit_once(") ")
        .and_then(|(_, rest)| rest.chars().next());
    state.is_some_and(|state| state != 'Z' && state != 'X')
}
