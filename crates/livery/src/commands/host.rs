//! `livery host`

use crate::cli::on_one_thread;
use crate::failure::Ending;
use crate::serve::background::Daemon;
use crate::serve::host_agent::{self, HostPlace, MachineArgs};
use crate::serve::process::{Stance, private_dir};
use crate::serve::stop;
use crate::settings::{Settings, check_socket};
use crate::ui::say;
use std::path::Path;

/// Run a host agent alone: it runs pods on this machine for a control plane in another process
/// (`livery serve --host-socket PATH`).
///
/// It needs root. --data-dir and --socket are the agent's own here.
#[derive(Debug, clap::Args)]
pub struct HostArgs {
    /// Start it behind this terminal and return once it listens
    #[arg(short, long)]
    detach: bool,
    /// End the one that runs; pods go on
    #[arg(long, conflicts_with = "detach")]
    stop: bool,
    #[arg(long, hide = true, conflicts_with = "detach")]
    background: bool,
    /// The user, by number, who may use the socket [default: who runs the agent]
    #[arg(long, value_name = "UID")]
    owner: Option<u32>,
    #[command(flatten)]
    machine: MachineArgs,
}

/// Runs the command.
pub fn run(args: HostArgs, settings: &Settings) -> anyhow::Result<Ending> {
    let place = HostPlace {
        data_dir: settings.place.host_data_dir.clone(),
        socket: settings
            .given_socket
            .clone()
            .unwrap_or_else(|| settings.place.host_socket.clone()),
        owner: args.owner,
    };
    check_socket(&place.socket)?;
    if args.stop {
        return on_one_thread(stop::host_agent(&place.data_dir));
    }
    if args.detach {
        return on_one_thread(detach(&args, &place));
    }
    let stance = if args.background {
        Stance::Background
    } else {
        Stance::Foreground
    };
    host_agent::serve(&args.machine, &place, stance)
}

async fn detach(args: &HostArgs, place: &HostPlace) -> anyhow::Result<Ending> {
    if listens(&place.socket).await {
        say("a host agent runs here already");
        return Ok(Ending::Done);
    }
    private_dir(&place.data_dir)?;
    let mut arguments = vec!["host".into(), "--background".into(), "--data-dir".into()];
    arguments.push(place.data_dir.clone().into());
    arguments.extend(["--socket".into(), place.socket.clone().into()]);
    if let Some(owner) = args.owner {
        arguments.extend(["--owner".into(), owner.to_string().into()]);
    }
    arguments.extend(args.machine.to_arguments());
    let log = place.data_dir.join("host.log");
    let what = "host agent";
    let daemon = Daemon {
        what,
        arguments,
        log,
    };
    let socket = place.socket.clone();
    let lock = place.data_dir.join("host.lock");
    let answers = async || {
        let answers = listens(&socket).await;
        let pid = std::fs::read_to_string(&lock).ok();
        let pid = pid.and_then(|text| text.trim().parse().ok());
        Ok(pid.filter(|_| answers))
    };
    let pid = daemon.start(answers).await?;
    say(&format!(
        "started a host agent (process {pid}, log {})",
        daemon.log.display()
    ));
    Ok(Ending::Done)
}

async fn listens(socket: &Path) -> bool {
    tokio::net::UnixStream::connect(socket).await.is_ok()
}
