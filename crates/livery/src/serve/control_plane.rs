//! The control plane: puts the parts together and serves the API until it is asked to end.

use super::host_agent::{self, MachineArgs, taken};
use super::lock::{self, Lock, Taken};
use super::process::{self, EXIT_TAKEN, Stance};
use super::{host_link, logging, plane_id};
use crate::config::Draft;
use crate::failure::{Ending, Failure};
use crate::settings::{Place, check_socket};
use crate::ui::listing;
use anyhow::Context;
use livery_agent::{Agent, Content};
use livery_content::{Compression, OwnedContent};
use livery_disk::Reserve;
use livery_engine::{Engine, Options, Peers, SystemClock};
use livery_host_api::{HostClient, HostDirectory};
use livery_http::{App, AppOptions};
use livery_store::{Credit, Store};
use livery_supplier::SharedSupplier;
use livery_supplier::layers::{Retry, Timeout, Traced};
use livery_supplier_hosts::HostsSupplier;
use livery_units::{AccountId, Bytes, Span};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// How a control plane is put together.
pub struct ControlPlane {
    /// Where it is.
    pub place: Place,
    /// The database; a SQLite file in the data directory when absent.
    pub database: Option<String>,
    /// TCP addresses to listen on, beside the unix socket.
    pub listen: Vec<SocketAddr>,
    /// How much of the end of each task's output is kept.
    pub log_limit: Bytes,
    /// The host on this machine.
    pub host: HostChoice,
}

/// Which host a control plane has on this machine.
pub enum HostChoice {
    /// One in its own process.
    InProcess(Box<MachineArgs>),
    /// One in another process, on this socket.
    Separate(PathBuf),
    /// None.
    None,
}

/// The account of whoever owns the control plane; the same on every one, so that several on one
/// database agree.
const OWNER: &str = "acc_owner";

/// How long the background tasks get to end what they are at.
const ENDING_PATIENCE: Span = Span::from_secs(3);

/// How long a call to a supplier may take.
const SUPPLIER_PATIENCE: Span = Span::from_secs(120);

/// Held of the disk so that runs and pods can be ended when it is full. SQLite's log, which each change
/// is first written to, is folded into the file when it has about as much.
const RESERVE: Bytes = Bytes::mib(32);

/// Runs the control plane until it is asked to end. Settings to be kept are written once it listens.
pub fn serve(plane: ControlPlane, kept: Option<Draft>, stance: Stance) -> anyhow::Result<Ending> {
    process::keep_private();
    if stance == Stance::Background {
        process::leave_user()?;
    }
    check_socket(&plane.place.socket)?;
    process::private_dir(&plane.place.data_dir)?;
    let _lock = match Lock::take(&lock::control_plane(&plane.place.data_dir))? {
        Taken::Ours(lock) => lock,
        Taken::By { .. } if stance == Stance::Background => return Ok(Ending::Code(EXIT_TAKEN)),
        Taken::By { pid } => return Err(taken("control plane", pid, "livery serve --stop").into()),
    };
    logging::init();
    process::open_many_files();
    let runtime = process::runtime()?;
    let result = runtime.block_on(serve_until_asked(&plane, kept));
    // Streams that nobody reads any more must not hold the process.
    runtime.shutdown_timeout(std::time::Duration::from_secs(1));
    result
}

async fn serve_until_asked(plane: &ControlPlane, kept: Option<Draft>) -> anyhow::Result<Ending> {
    let stop = CancellationToken::new();
    process::stop_on_signals(&stop)?;
    let data = &plane.place.data_dir;
    let store = open_store(plane).await?;
    let owner = owner(&store).await?;
    let content = open_content(data)?;
    let hosts = HostDirectory::new();
    let agent = connect_host(plane, &hosts, &content, &stop).await?;
    let engine = Engine::start(Options {
        store,
        content,
        suppliers: vec![wrapped(Arc::new(HostsSupplier::new(hosts.clone())))],
        hosts: hosts.clone(),
        clock: Arc::new(SystemClock),
        logs_dir: data.join("logs"),
        docker_config: docker_config(),
        log_limit: plane.log_limit,
        // The lock on the data directory says so for a database that lies in it.
        peers: match plane.database {
            None => Peers::None,
            Some(_) => Peers::Several(plane_id::named(plane)?),
        },
    });
    let engine = engine.await?;
    let app = App::new(AppOptions {
        engine: engine.clone(),
        hosts,
        owner,
        owner_uid: rustix::process::geteuid().as_raw(),
        version: env!("CARGO_PKG_VERSION"),
        stop: stop.clone(),
    });
    let served = listen(plane, app, kept).await;
    engine.stop();
    // What is under way may end; what hangs is as after a crash.
    let _ = tokio::time::timeout(ENDING_PATIENCE.to_std(), engine.stopped()).await;
    if let Some(agent) = agent {
        host_agent::close(&agent).await;
    }
    // Nobody must wait on a socket that nobody listens on.
    let _ = std::fs::remove_file(&plane.place.socket);
    tracing::info!("ended; pods go on");
    served.map(|()| Ending::Done)
}

/// Where `docker login` of the control plane's owner keeps what it was given.
fn docker_config() -> Option<PathBuf> {
    let home = std::env::var_os("HOME").map(PathBuf::from);
    home.map(|home| home.join(".docker/config.json"))
}

async fn open_store(plane: &ControlPlane) -> anyhow::Result<Store> {
    let file = plane.place.data_dir.join("livery.db");
    let url = match &plane.database {
        Some(url) => url.clone(),
        None => format!("sqlite:{}", file.display()),
    };
    let store = Store::open(&url).await;
    let store = store.context("the database cannot be opened")?;
    let reserve = plane.place.data_dir.join("reserve");
    let reserve = Reserve::take(&reserve, RESERVE)
        .with_context(|| format!("the disk of {} cannot be looked at", reserve.display()))?;
    store.keep_reserve(reserve);
    Ok(store)
}

async fn owner(store: &Store) -> anyhow::Result<AccountId> {
    let id: AccountId = OWNER.parse()?;
    store.account_ensure(&id, "owner", listing::now()).await?;
    store.account_credit_set(&id, Credit::Owner).await?;
    Ok(id)
}

fn open_content(data: &Path) -> anyhow::Result<Arc<OwnedContent>> {
    let dir = data.join("content");
    let store = OwnedContent::open(&dir, Compression::WherePays);
    let store =
        store.with_context(|| format!("the content store {} cannot be opened", dir.display()))?;
    let recovery = store.store().recovery();
    if recovery.cut_bytes > 0 {
        tracing::info!(?recovery, "the content store was cut off and is mended");
    }
    Ok(Arc::new(store))
}

async fn connect_host(
    plane: &ControlPlane,
    hosts: &HostDirectory,
    content: &Arc<OwnedContent>,
    stop: &CancellationToken,
) -> anyhow::Result<Option<Arc<Agent>>> {
    match &plane.host {
        HostChoice::InProcess(args) => {
            let shared = Content::Shared(content.store().clone());
            let agent =
                host_agent::make(args, plane.log_limit, &plane.place.data_dir, shared).await?;
            let client = HostClient::in_process(agent.clone());
            hosts.add(agent.host_id().clone(), Arc::new(client));
            Ok(Some(agent))
        }
        HostChoice::Separate(socket) => {
            host_link::keep(socket.clone(), hosts.clone(), stop.clone()).await;
            Ok(None)
        }
        HostChoice::None => Ok(None),
    }
}

/// What every supplier gets: traced, retried, and bounded in time.
fn wrapped(supplier: SharedSupplier) -> SharedSupplier {
    let bounded = Arc::new(Timeout::new(supplier, SUPPLIER_PATIENCE));
    Arc::new(Traced::new(Arc::new(Retry::new(bounded))))
}

async fn listen(plane: &ControlPlane, app: App, kept: Option<Draft>) -> anyhow::Result<()> {
    let mut tcp = Vec::new();
    for address in &plane.listen {
        let listener = TcpListener::bind(address).await.map_err(|why| {
            Failure::mistake(format!("cannot listen on {address}: {why}"))
                .hint("choose another address with `--listen`")
        })?;
        let address = listener.local_addr()?;
        if !address.ip().is_loopback() {
            tracing::warn!(%address, "plain HTTP, as was asked for: tokens and data are not encrypted on the network");
        }
        tracing::info!(%address, "listening; callers need a token (`livery token create`)");
        tcp.push(tokio::spawn(livery_http::serve_tcp(app.clone(), listener)));
    }
    let socket = &plane.place.socket;
    let listener = process::listen(socket)?;
    if let Some(draft) = kept {
        let path = draft.install()?;
        tracing::info!(path = %path.display(), "the settings are kept");
    }
    tracing::info!(socket = %socket.display(), "listening");
    livery_http::serve_unix(app, listener).await;
    for served in tcp {
        served.await?;
    }
    Ok(())
}
