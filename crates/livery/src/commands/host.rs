//! `livery host`

use crate::cli::on_one_thread;
use crate::config::{ConfigFile, Draft, Given, Setting, resolve};
use crate::failure::{Ending, Failure};
use crate::serve::background::Daemon;
use crate::serve::host_agent::{self, HostPlace, MachineArgs};
use crate::serve::log_args::LogArgs;
use crate::serve::process::{Stance, private_dir};
use crate::serve::stop;
use crate::settings::{Settings, check_socket};
use crate::ui::say;
use std::path::Path;

/// Run a host agent alone: it runs pods on this machine for a control plane in another process
/// (`livery serve --host-socket PATH`).
///
/// It needs root. --data-dir and --socket are the agent's own here. What is not given comes from
/// livery.toml in that data directory (`livery config`).
#[derive(Debug, clap::Args)]
pub struct HostArgs {
    /// Start it behind this terminal and return once it listens
    #[arg(short, long)]
    detach: bool,
    /// End the one that runs; pods go on
    #[arg(long, conflicts_with_all = ["detach", "save", "HostSettings", "LogArgs", "MachineArgs", "RegistryArgs"])]
    stop: bool,
    /// Keep the flags of this start in livery.toml, for every later one
    #[arg(long)]
    save: bool,
    #[arg(long, hide = true, conflicts_with_all = ["detach", "save"])]
    background: bool,
    #[command(flatten)]
    given: Given<HostSettings>,
}

impl HostArgs {
    /// Returns the settings that were given.
    pub fn settings(&self) -> &[Setting] {
        self.given.settings()
    }
}

/// What a host agent goes by; each is a key of livery.toml too.
#[derive(Debug, Clone, clap::Args)]
pub struct HostSettings {
    /// The user, by number, who may use the socket [default: who runs the agent]
    #[arg(long, value_name = "UID")]
    owner: Option<u32>,
    #[command(flatten)]
    logs: LogArgs,
    #[command(flatten)]
    machine: MachineArgs,
}

/// Runs the command.
pub fn run(args: HostArgs, settings: &Settings) -> anyhow::Result<Ending> {
    let data_dir = settings.place.host_data_dir.clone();
    let own_socket = || settings.place.host_socket.clone();
    let socket = settings.given_socket.clone().unwrap_or_else(own_socket);
    check_socket(&socket)?;
    if args.stop {
        return on_one_thread(stop::host_agent(&data_dir));
    }
    let file = ConfigFile::read(&data_dir)?;
    let resolved = resolve(&args.given, &file)?.settings;
    let kept = match args.save {
        true => {
            let mut draft = Draft::of(&file);
            draft.keep(&args.given)?;
            draft.check()?;
            Some(draft)
        }
        false => None,
    };
    let place = HostPlace {
        data_dir,
        socket,
        owner: resolved.owner,
    };
    if args.detach {
        return on_one_thread(detach(&args.given, kept, &place));
    }
    let stance = if args.background {
        Stance::Background
    } else {
        Stance::Foreground
    };
    host_agent::serve(
        &resolved.machine,
        resolved.logs.limit(),
        &place,
        kept,
        stance,
    )
}

async fn detach(
    given: &Given<HostSettings>,
    kept: Option<Draft>,
    place: &HostPlace,
) -> anyhow::Result<Ending> {
    if listens(&place.socket).await {
        let runs = "a host agent runs here already";
        if kept.is_some() {
            let hint = "`livery config set` changes what the next one starts with; `livery host --stop` \
                        ends this one";
            return Err(Failure::mistake(format!("{runs}, so nothing was saved"))
                .hint(hint)
                .into());
        }
        say(runs);
        return Ok(Ending::Done);
    }
    private_dir(&place.data_dir)?;
    let mut arguments = vec!["host".into(), "--background".into(), "--data-dir".into()];
    arguments.push(place.data_dir.clone().into());
    arguments.extend(["--socket".into(), place.socket.clone().into()]);
    arguments.extend(given.words());
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
    if let Some(draft) = kept {
        let path = draft.install()?;
        say(&format!(
            "the next one starts with the same: {}",
            path.display()
        ));
    }
    Ok(Ending::Done)
}

async fn listens(socket: &Path) -> bool {
    tokio::net::UnixStream::connect(socket).await.is_ok()
}
