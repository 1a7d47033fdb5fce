//! A real registry of the test's own, a store of its own, and a proxy that cuts connections.

use std::fs;
use std::io;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use livery_domain::account::Tenant;
use livery_domain::registry::Credentials;
use livery_images::{Error, ImageRef, Images, Options, Prepared, Progress, Puller, Registries};
use livery_units::{AccountId, Secret};
use tempfile::TempDir;
use tokio::sync::watch;

pub const USER: &str = "ada";
pub const PASSWORD: &str = "correct horse";

/// Whether the registry wants a password.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Door {
    Open,
    Locked,
}

/// Debian's `docker-registry`, in a directory and on a port of its own; killed when dropped.
pub struct Registry {
    process: Child,
    pub port: u16,
    dir: TempDir,
}

/// A store in a directory of its own.
pub struct Store {
    pub images: Images,
    pub dir: TempDir,
}

/// A file system of one mebibyte; unmounted when dropped.
pub struct SmallDisk {
    dir: TempDir,
}

/// Says why a test cannot run here, if it cannot.
pub fn cannot_run() -> bool {
    if rustix::process::geteuid().is_root() {
        return false;
    }
    eprintln!("skipped: unpacking layers sets owners and makes whiteouts, which needs root");
    true
}

impl Registry {
    /// Starts a registry, or says what is missing.
    pub fn start(door: Door) -> Option<Self> {
        if cannot_run() {
            return None;
        }
        let dir = tempfile::tempdir().unwrap();
        let auth = match door {
            Door::Open => String::new(),
            Door::Locked => {
                let made = Command::new("htpasswd")
                    .args(["-Bbn", "-C", "4", USER, PASSWORD])
                    .output();
                let Ok(made) = made else {
                    eprintln!("skipped: `htpasswd` is not installed (package apache2-utils)");
                    return None;
                };
                let path = dir.path().join("htpasswd");
                fs::write(&path, made.stdout).unwrap();
                format!(
                    "auth: {{htpasswd: {{realm: test, path: {}}}}}\n",
                    path.display()
                )
            }
        };
        // A port that was free may be taken before the registry has it; then another is tried.
        for _ in 0..10 {
            let port = free_port();
            let config = format!(
                "version: 0.1\nlog: {{level: info}}\nstorage: {{filesystem: {{rootdirectory: {}}}}}\n\
                 http: {{addr: '127.0.0.1:{port}', secret: test}}\n{auth}",
                dir.path().join("storage").display()
            );
            let path = dir.path().join("config.yml");
            fs::write(&path, config).unwrap();
            let log = fs::File::create(dir.path().join("log")).unwrap();
            let started = Command::new("docker-registry")
                .arg("serve")
                .arg(&path)
                .stdin(Stdio::null())
                .stdout(log.try_clone().unwrap())
                .stderr(log)
                .spawn();
            let Ok(mut process) = started else {
                eprintln!("skipped: `docker-registry` is not installed (package docker-registry)");
                return None;
            };
            if answers(&mut process, port) {
                return Some(Self { process, port, dir });
            }
        }
        panic!(
            "docker-registry does not start: {}",
            read(&dir.path().join("log"))
        );
    }

    pub fn name(&self, image: &str) -> String {
        format!("127.0.0.1:{}/{image}", self.port)
    }

    /// How often a text stands in the registry's log of requests.
    pub fn count_in_log(&self, text: &str) -> usize {
        let log = read(&self.dir.path().join("log"));
        let is_request = |line: &&str| line.contains("\"GET ") && line.contains(text);
        log.lines().filter(is_request).count()
    }

    /// Where the registry keeps a blob.
    pub fn blob_path(&self, digest: &str) -> PathBuf {
        let hex = digest.strip_prefix("sha256:").unwrap();
        let blobs = "storage/docker/registry/v2/blobs/sha256";
        let dir = self.dir.path().join(blobs).join(&hex[..2]);
        dir.join(hex).join("data")
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        // It may be gone already, which is as good.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl SmallDisk {
    pub fn mount() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let flags = rustix::mount::MountFlags::empty();
        rustix::mount::mount("tmpfs", dir.path(), "tmpfs", flags, c"size=1m").unwrap();
        Self { dir }
    }

    pub fn path(&self) -> &Path {
        self.dir.path()
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        rustix::mount::unmount(self.path(), rustix::mount::UnmountFlags::DETACH).unwrap();
    }
}

impl Store {
    pub fn new() -> Self {
        Self::with(Registries::default())
    }

    /// One whose owner said something about registries.
    pub fn with(registries: Registries) -> Self {
        Self::in_dir(tempfile::tempdir().unwrap(), registries)
    }

    pub fn at(place: &Path) -> Self {
        Self::in_dir(tempfile::tempdir_in(place).unwrap(), Registries::default())
    }

    fn in_dir(dir: TempDir, registries: Registries) -> Self {
        let images = Images::open(Options {
            root: dir.path().join("images"),
            registries,
        })
        .unwrap();
        Self { images, dir }
    }

    pub async fn prepare(&self, image: &str) -> Result<Prepared, Error> {
        self.prepare_as(image, None).await
    }

    pub async fn prepare_as(
        &self,
        image: &str,
        credentials: Option<&Credentials>,
    ) -> Result<Prepared, Error> {
        self.prepare_for(image, &owner(credentials)).await
    }

    pub async fn prepare_for(&self, image: &str, puller: &Puller) -> Result<Prepared, Error> {
        let image: ImageRef = image.parse()?;
        let (progress, _) = watch::channel(Progress::default());
        self.images.prepare(&image, puller, &progress).await
    }

    /// Names of what lies in a directory of the store.
    pub fn names(&self, dir: &str) -> Vec<String> {
        let entries = fs::read_dir(self.dir.path().join("images").join(dir)).unwrap();
        entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect()
    }

    /// Fails unless no image is there, and nothing half-made; layers that came whole may be.
    pub fn assert_no_image(&self) {
        for dir in ["scratch", "images"] {
            assert_eq!(self.names(dir), Vec::<String>::new(), "{dir}");
        }
    }

    /// Fails unless nothing half-made or finished is there.
    pub fn assert_empty(&self) {
        for dir in ["layers", "scratch", "images"] {
            assert_eq!(self.names(dir), Vec::<String>::new(), "{dir}");
        }
    }
}

/// The owner, as a registry is to know them.
pub fn owner(credentials: Option<&Credentials>) -> Puller {
    Puller {
        tenant: Tenant::Owner,
        credentials: credentials.cloned(),
    }
}

/// Another account, as a registry is to know it.
pub fn stranger(number: u128, credentials: Option<&Credentials>) -> Puller {
    Puller {
        tenant: Tenant::Account(AccountId::from_entropy(number)),
        credentials: credentials.cloned(),
    }
}

/// What an owner says who lets everybody use these registries.
pub fn allowing(registries: &[String]) -> Registries {
    Registries {
        allowed: registries
            .iter()
            .map(|name| name.parse().unwrap())
            .collect(),
        ..Registries::default()
    }
}

pub fn credentials(password: &str) -> Credentials {
    Credentials {
        username: USER.to_owned(),
        password: Secret::new(password.to_owned()),
    }
}

pub fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap()
}

pub fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.local_addr().unwrap().port()
}

/// Passes connections on to a port and cuts each of the first `cuts` that carry more than
/// `bytes` of answer; returns its own port. It ends with the test's process.
pub fn cutting_proxy(to: u16, bytes: u64, cuts: usize) -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        let left = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(cuts));
        for client in listener.incoming().flatten() {
            let server = TcpStream::connect((Ipv4Addr::LOCALHOST, to)).unwrap();
            let (from_client, to_server) =
                (client.try_clone().unwrap(), server.try_clone().unwrap());
            thread::spawn(move || pass(from_client, to_server, u64::MAX));
            let left = std::sync::Arc::clone(&left);
            thread::spawn(move || {
                use std::sync::atomic::Ordering::SeqCst;
                let limit = match left.load(SeqCst) {
                    0 => u64::MAX,
                    _ => bytes,
                };
                if pass(server, client, limit) == bytes && limit == bytes {
                    left.fetch_sub(1, SeqCst);
                }
            });
        }
    });
    port
}

/// Copies until the end or the limit, then closes both ways; returns how much went through.
fn pass(from: TcpStream, to: TcpStream, limit: u64) -> u64 {
    let mut source = io::Read::take(&from, limit);
    // An end by error is an end.
    let moved = io::copy(&mut source, &mut &to).unwrap_or(0);
    let _ = from.shutdown(std::net::Shutdown::Both);
    let _ = to.shutdown(std::net::Shutdown::Both);
    moved
}

fn answers(process: &mut Child, port: u16) -> bool {
    for _ in 0..500 {
        if process.try_wait().unwrap().is_some() {
            return false;
        }
        if TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return true;
        }
        thread::sleep(Duration::from_millis(20));
    }
    // It neither answers nor ends: not ours to wait for.
    let _ = process.kill();
    let _ = process.wait();
    false
}
