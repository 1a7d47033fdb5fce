//! Where things are: the control plane to talk to, this machine's data and sockets.

use crate::failure::Failure;
use livery_api::Target;
use livery_content::hash_bytes;
use livery_units::Secret;
use rustix::process::{Uid, getuid};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Options that every command takes.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Where")]
pub struct Globals {
    /// The control plane to talk to: `https://host`, `http://host:port` or the path of a unix
    /// socket [default: this machine's own, started when needed]
    #[arg(
        long,
        global = true,
        value_name = "URL",
        env = "LIVERY_SERVER",
        hide_env = true
    )]
    pub server: Option<Target>,
    /// The token for a control plane reached over TCP; better given as LIVERY_TOKEN
    #[arg(
        long,
        global = true,
        value_name = "TOKEN",
        env = "LIVERY_TOKEN",
        hide = true,
        hide_env_values = true
    )]
    pub token: Option<String>,
    /// Where this machine's control plane keeps its data
    #[arg(
        long,
        global = true,
        value_name = "DIR",
        env = "LIVERY_DATA_DIR",
        hide_env = true
    )]
    pub data_dir: Option<PathBuf>,
    /// The unix socket of this machine's control plane [default: in the data directory, if one is
    /// given]
    #[arg(
        long,
        global = true,
        value_name = "PATH",
        env = "LIVERY_SOCKET",
        hide_env = true
    )]
    pub socket: Option<PathBuf>,
    /// Fail when no control plane answers, instead of starting one
    #[arg(long, global = true, env = "LIVERY_NO_START", hide_env = true)]
    pub no_start: bool,
}

/// What the options and the environment come to.
#[derive(Debug, Clone)]
pub struct Settings {
    /// A control plane that is not started when it does not answer.
    pub server: Option<Target>,
    /// The token for it.
    pub token: Option<Secret<String>>,
    /// This machine's own control plane.
    pub place: Place,
    /// The socket that was given by name: the host agent's own, for `livery host`.
    pub given_socket: Option<PathBuf>,
    /// Whether it is started when it does not answer.
    pub start: Start,
}

/// Whether a control plane is started when none answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// Yes.
    WhenNeeded,
    /// No: that is an error.
    Never,
}

/// Where this machine's control plane and host agent are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The control plane's data.
    pub data_dir: PathBuf,
    /// The control plane's socket.
    pub socket: PathBuf,
    /// The data of a host agent that runs as a process of its own.
    pub host_data_dir: PathBuf,
    /// The socket of such a host agent.
    pub host_socket: PathBuf,
}

/// Longest path that a unix socket may have; the kernel's limit, less the final zero.
const SOCKET_PATH_MAX: usize = 107;

impl Settings {
    /// Works out what the options come to.
    pub fn new(globals: &Globals) -> anyhow::Result<Self> {
        let place = Place::new(globals.data_dir.as_deref(), globals.socket.as_deref())?;
        let start = if globals.no_start {
            Start::Never
        } else {
            Start::WhenNeeded
        };
        Ok(Self {
            server: globals.server.clone(),
            token: globals.token.clone().map(Secret::new),
            place,
            given_socket: globals
                .socket
                .as_deref()
                .map(std::path::absolute)
                .transpose()?,
            start,
        })
    }
}

impl Place {
    /// Works out the places from what was given; root has the system's directories, anybody else
    /// their own.
    pub fn new(data_dir: Option<&Path>, socket: Option<&Path>) -> anyhow::Result<Self> {
        Self::of_user(getuid(), data_dir, socket)
    }

    fn of_user(uid: Uid, data_dir: Option<&Path>, socket: Option<&Path>) -> anyhow::Result<Self> {
        let given = data_dir.map(std::path::absolute).transpose()?;
        let is_own = given.is_some();
        let data_dir = match given {
            Some(dir) => dir,
            None if uid.is_root() => PathBuf::from("/var/lib/livery"),
            None => user_data_dir()?,
        };
        let socket = match socket {
            Some(path) => std::path::absolute(path)?,
            None if is_own => data_dir.join("livery.sock"),
            None if uid.is_root() => PathBuf::from("/run/livery/livery.sock"),
            None => user_socket(&data_dir),
        };
        check_socket(&socket)?;
        let (host_data_dir, host_socket) = if uid.is_root() {
            (data_dir.clone(), data_dir.join("host.sock"))
        } else {
            // The agent runs as root: nothing of it may lie where the user could swap it.
            let name = match is_own {
                true => format!("{uid}-{}", short_hash(&data_dir)),
                false => uid.to_string(),
            };
            let data = Path::new("/var/lib/livery/users").join(&name);
            let run = Path::new("/run/livery/users").join(&name);
            (data, run.join("host.sock"))
        };
        Ok(Self {
            data_dir,
            socket,
            host_data_dir,
            host_socket,
        })
    }
}

/// Tells the host agents of one user's data directories apart.
fn short_hash(dir: &Path) -> String {
    let hash = hash_bytes(dir.as_os_str().as_bytes());
    let bytes = hash.as_bytes().iter().take(4);
    bytes.map(|byte| format!("{byte:02x}")).collect()
}

/// Writes a command of `livery` so that it finds this data directory again when the user copies it.
pub fn command_line(data_dir: &Path, words: &str) -> String {
    let from_environment = std::env::var_os("LIVERY_DATA_DIR");
    let usual = Place::new(from_environment.as_deref().map(Path::new), None);
    match usual {
        Ok(place) if place.data_dir == data_dir => format!("livery {words}"),
        Ok(_) | Err(_) => format!("livery --data-dir {} {words}", data_dir.display()),
    }
}

/// Says so clearly when a socket's path is longer than the kernel takes.
pub fn check_socket(path: &Path) -> anyhow::Result<()> {
    let length = path.as_os_str().len();
    if length <= SOCKET_PATH_MAX {
        return Ok(());
    }
    let message = format!(
        "the socket's path has {length} bytes and may have {SOCKET_PATH_MAX} at most: {}",
        path.display()
    );
    Err(Failure::mistake(message)
        .hint("give a shorter one with `--socket`")
        .into())
}

fn user_data_dir() -> anyhow::Result<PathBuf> {
    if let Some(dir) = dir_from(std::env::var_os("XDG_DATA_HOME")) {
        return Ok(dir.join("livery"));
    }
    match dir_from(std::env::var_os("HOME")) {
        Some(home) => Ok(home.join(".local/share/livery")),
        None => Err(
            Failure::mistake("HOME is not set, so there is no place for Livery's data")
                .hint("give one with `--data-dir`")
                .into(),
        ),
    }
}

/// Returns where hashes of files that were read before are kept, if there is such a place.
pub fn cache_dir() -> Option<PathBuf> {
    if let Some(dir) = dir_from(std::env::var_os("XDG_CACHE_HOME")) {
        return Some(dir.join("livery"));
    }
    dir_from(std::env::var_os("HOME")).map(|home| home.join(".cache/livery"))
}

fn user_socket(data_dir: &Path) -> PathBuf {
    match dir_from(std::env::var_os("XDG_RUNTIME_DIR")) {
        Some(dir) => dir.join("livery.sock"),
        None => data_dir.join("livery.sock"),
    }
}

/// The XDG specification has relative paths ignored.
fn dir_from(value: Option<std::ffi::OsString>) -> Option<PathBuf> {
    value.map(PathBuf::from).filter(|path| path.is_absolute())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(uid: u32, dir: Option<&str>) -> Place {
        Place::of_user(Uid::from_raw(uid), dir.map(Path::new), None).unwrap()
    }

    #[test]
    fn nothing_of_roots_agent_lies_where_a_user_could_swap_it() {
        let (one, two) = (
            place(1_000, Some("/home/ada/a")),
            place(1_000, Some("/home/ada/b")),
        );
        for place in [&one, &two] {
            assert!(place.host_data_dir.starts_with("/var/lib/livery/users"));
            assert!(place.host_socket.starts_with("/run/livery/users"));
        }
        // Two control planes of one user have an agent each.
        assert_ne!(one.host_data_dir, two.host_data_dir);
        assert_eq!(one, place(1_000, Some("/home/ada/a")));
        let root = place(0, Some("/srv/livery"));
        assert_eq!(root.host_data_dir, root.data_dir);
    }
}
