//! `livery serve`

use crate::cli::on_one_thread;
use crate::config::{ConfigFile, Draft, Given, Resolved, Setting, keys, path, resolve};
use crate::connect;
use crate::failure::{Ending, Failure};
use crate::serve::background::{self, Asked};
use crate::serve::control_plane::{self, ControlPlane, HostChoice};
use crate::serve::host_agent::MachineArgs;
use crate::serve::log_args::LogArgs;
use crate::serve::process::Stance;
use crate::serve::{stop, sudo};
use crate::settings::Settings;
use crate::ui::{say, warn};
use rustix::process::geteuid;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

/// Run a control plane, with a host agent for this machine unless told otherwise.
///
/// It is reached over a unix socket by its owner and root. Over TCP it is reached only where
/// --listen says so, and only with a token (`livery token create`); it does not speak TLS itself. What is
/// not given here comes from livery.toml in the data directory (`livery config`).
#[derive(Debug, clap::Args)]
pub struct ServeArgs {
    /// Start it behind this terminal and return once it answers
    #[arg(short, long)]
    detach: bool,
    /// End the one that runs; pods go on
    #[arg(long, conflicts_with_all = ["detach", "save", "ServeSettings", "LogArgs", "MachineArgs", "RegistryArgs"])]
    stop: bool,
    /// Keep the flags of this start in livery.toml, for every later one
    #[arg(long)]
    save: bool,
    #[arg(long, hide = true, conflicts_with_all = ["detach", "save"])]
    background: bool,
    #[command(flatten)]
    given: Given<ServeSettings>,
}

/// What a control plane goes by; each is a key of livery.toml too.
#[derive(Debug, Clone, clap::Args)]
pub struct ServeSettings {
    /// Also listen on TCP: PORT on the loopback, or ADDRESS:PORT; may be given several times
    #[arg(long, value_name = "[ADDRESS:]PORT", value_parser = listen_address)]
    listen: Vec<SocketAddr>,
    /// Let --listen name addresses that other machines reach. What is said there is not encrypted: whoever
    /// is on the way reads tokens and data. Without this they must be loopback addresses, before which a
    /// proxy may speak TLS
    #[arg(long, requires = "listen")]
    plain_http: bool,
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
    logs: LogArgs,
    #[command(flatten)]
    machine: MachineArgs,
}

impl ServeArgs {
    /// Returns the settings that were given.
    pub fn settings(&self) -> &[Setting] {
        self.given.settings()
    }
}

impl ServeSettings {
    /// Returns whether the control plane comes with a host agent that was not named.
    pub fn brings_host(&self) -> bool {
        !self.no_host && self.host_socket.is_none()
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
    let data_dir = &settings.place.data_dir;
    let file = ConfigFile::read(data_dir)?;
    let resolved = resolve(&args.given, &file)?;
    refuse_idle_flags(&args.given, &resolved.settings)?;
    check_listen(&resolved.settings)?;
    let kept = match args.save {
        true => {
            let mut draft = Draft::of(&file);
            draft.keep(&args.given)?;
            draft.check()?;
            Some(draft)
        }
        false => None,
    };
    if args.detach {
        return on_one_thread(detach(&args.given, kept, settings));
    }
    if args.background {
        return control_plane::serve(plane(resolved, settings), None, Stance::Background);
    }
    if !geteuid().is_root() && resolved.settings.brings_host() {
        let brought = on_one_thread(sudo::ensure_host(&settings.place, &args.given, &resolved));
        if let Err(error) = brought {
            // It may come later, and is found then.
            warn(&format!(
                "{error}; going on without a host until there is one"
            ));
        }
    }
    if kept.is_none() {
        tell_what_is_not_kept(&args.given, data_dir);
    }
    control_plane::serve(plane(resolved, settings), kept, Stance::Foreground)
}

fn plane(resolved: Resolved<ServeSettings>, settings: &Settings) -> ControlPlane {
    let ServeSettings {
        listen,
        plain_http: _,
        database,
        no_host,
        host_socket,
        logs,
        machine,
    } = resolved.settings;
    let place = settings.place.clone();
    let host = match (no_host, host_socket) {
        (true, _) => HostChoice::None,
        (false, Some(socket)) => HostChoice::Separate(socket),
        (false, None) if geteuid().is_root() => HostChoice::InProcess(Box::new(machine)),
        // An ordinary user's agent runs as root, in a process of its own.
        (false, None) => HostChoice::Separate(place.host_socket.clone()),
    };
    ControlPlane {
        place,
        database,
        listen,
        log_limit: logs.limit(),
        host,
    }
}

async fn detach(
    given: &Given<ServeSettings>,
    kept: Option<Draft>,
    settings: &Settings,
) -> anyhow::Result<Ending> {
    if let Ok(version) = connect::own(settings).version().await {
        let runs = format!(
            "a control plane runs here already (process {})",
            version.pid
        );
        if kept.is_some() {
            let hint = "`livery config set` changes what the next one starts with; `livery serve --stop` \
                        ends this one";
            return Err(Failure::mistake(format!("{runs}, so nothing was saved"))
                .hint(hint)
                .into());
        }
        say(&runs);
        return Ok(Ending::Done);
    }
    background::start_with(settings, given, Asked::ByUser).await?;
    match kept {
        Some(draft) => {
            let path = draft.install()?;
            say(&format!(
                "the next one starts with the same: {}",
                path.display()
            ));
        }
        None => tell_what_is_not_kept(given, &settings.place.data_dir),
    }
    Ok(Ending::Done)
}

/// Refuses to speak plain HTTP to other machines unless that is wanted.
fn check_listen(serve: &ServeSettings) -> anyhow::Result<()> {
    let far = |address: &&SocketAddr| !address.ip().to_canonical().is_loopback();
    let Some(address) = serve.listen.iter().find(far).filter(|_| !serve.plain_http) else {
        return Ok(());
    };
    let message = format!(
        "--listen {address} would be plain HTTP to other machines: tokens and data would cross the \
         network unencrypted"
    );
    let hint = format!(
        "listen on the loopback and put a proxy with TLS before it (`--listen {}`), or give \
         `--plain-http` where everybody on the network may read along",
        address.port()
    );
    Err(Failure::mistake(message).hint(hint).into())
}

/// A flag that would do nothing is a mistake.
fn refuse_idle_flags(given: &Given<ServeSettings>, settings: &ServeSettings) -> anyhow::Result<()> {
    if settings.brings_host() {
        return Ok(());
    }
    let machine = keys::command::<MachineArgs>();
    let mut given = given.settings().iter();
    match given.find(|one| keys::find(&machine, &one.key).is_some()) {
        None => Ok(()),
        Some(one) => {
            let message = format!(
                "--{} is for the host agent of this control plane, and it has none of its own",
                one.key
            );
            let hint = "give it to `livery host`, or leave out `--no-host` and `--host-socket`";
            Err(Failure::mistake(message).hint(hint).into())
        }
    }
}

fn tell_what_is_not_kept(given: &Given<ServeSettings>, data_dir: &Path) {
    if !given.settings().is_empty() {
        let path = path(data_dir);
        say(&format!(
            "for this start alone: {}; `--save` keeps that in {}",
            given.flags(),
            path.display()
        ));
    }
}

fn listen_address(text: &str) -> Result<SocketAddr, String> {
    if let Ok(port) = text.parse::<u16>() {
        return Ok((Ipv4Addr::LOCALHOST, port).into());
    }
    text.parse().map_err(|_| {
        format!("`{text}` is not PORT or ADDRESS:PORT, such as 7070 or 192.168.1.4:7070")
    })
}
