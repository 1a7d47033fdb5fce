//! `livery serve`

use crate::cli::on_one_thread;
use crate::connect;
use crate::failure::{Ending, Failure};
use crate::serve::background::{self, Asked};
use crate::serve::control_plane::{self, ControlPlane, HostChoice};
use crate::serve::host_agent::MachineArgs;
use crate::serve::process::Stance;
use crate::serve::stop;
use crate::settings::Settings;
use crate::ui::say;
use rustix::process::geteuid;
use std::ffi::OsString;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

/// Run a control plane, with a host agent for this machine unless told otherwise.
///
/// It is reached over a unix socket by its owner and root. Over TCP it is reached only where
/// --listen says so, and only with a token (`livery token create`).
#[derive(Debug, Clone, clap::Args)]
pub struct ServeArgs {
    /// Start it behind this terminal and return once it answers
    #[arg(short, long)]
    detach: bool,
    /// End the one that runs; pods go on
    #[arg(long, conflicts_with_all = ["detach", "listen", "database"])]
    stop: bool,
    #[arg(long, hide = true, conflicts_with = "detach")]
    background: bool,
    /// Also listen on TCP: PORT on the loopback, or ADDRESS:PORT; may be given several times
    #[arg(long, value_name = "[ADDRESS:]PORT", value_parser = listen_address)]
    listen: Vec<SocketAddr>,
    /// A database instead of the SQLite file in the data directory: postgres://…
    #[arg(long, value_name = "URL")]
    database: Option<String>,
    /// Run no host agent
    #[arg(long, conflicts_with = "host_socket")]
    no_host: bool,
    /// Use the host agent that listens on this socket (`livery host`)
    #[arg(long, value_name = "PATH")]
    host_socket: Option<PathBuf>,
    #[command(flatten)]
    machine: MachineArgs,
}

impl ServeArgs {
    /// Returns the settings of a control plane that nobody asked for by name.
    pub fn usual() -> Self {
        Self {
            detach: false,
            stop: false,
            background: true,
            listen: Vec::new(),
            database: None,
            no_host: false,
            host_socket: None,
            machine: MachineArgs::usual(),
        }
    }

    /// Returns whether the control plane comes with a host agent that was not named.
    pub fn brings_host(&self) -> bool {
        !self.no_host && self.host_socket.is_none()
    }

    /// Writes them as arguments again, for a daemon.
    pub fn to_arguments(&self) -> Vec<OsString> {
        let mut arguments = Vec::new();
        for address in &self.listen {
            arguments.extend(["--listen".into(), address.to_string().into()]);
        }
        if let Some(database) = &self.database {
            arguments.extend(["--database".into(), database.into()]);
        }
        if self.no_host {
            arguments.push("--no-host".into());
        }
        if let Some(socket) = &self.host_socket {
            // The daemon stands in another directory.
            let socket = std::path::absolute(socket).unwrap_or_else(|_| socket.clone());
            arguments.extend(["--host-socket".into(), socket.into()]);
        }
        arguments.extend(self.machine.to_arguments());
        arguments
    }
}

/// Runs the command.
pub fn run(args: ServeArgs, settings: &Settings) -> anyhow::Result<Ending> {
    if settings.server.is_some() {
        let message = "`serve` runs on this machine; `--server` and LIVERY_SERVER name another one";
        let hint = "leave them out, or use `--data-dir` and `--socket`";
        return Err(Failure::mistake(message).hint(hint).into());
    }
    if args.stop {
        return on_one_thread(stop::control_plane(settings));
    }
    if args.detach {
        return on_one_thread(detach(&args, settings));
    }
    let stance = if args.background {
        Stance::Background
    } else {
        Stance::Foreground
    };
    let place = settings.place.clone();
    let log_limit = args.machine.log_limit();
    let host = match (args.no_host, args.host_socket) {
        (true, _) => HostChoice::None,
        (false, Some(socket)) => HostChoice::Separate(std::path::absolute(socket)?),
        (false, None) if geteuid().is_root() => HostChoice::InProcess(args.machine),
        // An ordinary user's agent runs as root, beside this process.
        (false, None) => HostChoice::Separate(place.host_socket.clone()),
    };
    let plane = ControlPlane {
        place,
        database: args.database,
        listen: args.listen,
        log_limit,
        host,
    };
    control_plane::serve(&plane, stance)
}

async fn detach(args: &ServeArgs, settings: &Settings) -> anyhow::Result<Ending> {
    if let Ok(version) = connect::own(settings).version().await {
        say(&format!(
            "a control plane runs here already (process {})",
            version.pid
        ));
        return Ok(Ending::Done);
    }
    background::start_with(settings, args, Asked::ByUser).await?;
    Ok(Ending::Done)
}

fn listen_address(text: &str) -> Result<SocketAddr, String> {
    if let Ok(port) = text.parse::<u16>() {
        return Ok((Ipv4Addr::LOCALHOST, port).into());
    }
    text.parse()
        .map_err(|_| format!("`{text}` is not PORT or ADDRESS:PORT, such as 7070 or 0.0.0.0:7070"))
}
