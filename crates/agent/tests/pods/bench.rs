//! An agent of its own for every test, reached as a control plane reaches it.

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use livery_agent::{Agent, AgentOptions, OpenError};
use livery_host_api::dto::{ExecSpec, PodSpec, PodState, Tenant};
use livery_host_api::frame::Frame;
use livery_host_api::{ByteStream, Error, Host, HostClient};
use livery_runtime::net::{self, Subnet};
use livery_units::{PodId, Span, TaskId};
use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

/// An agent with a directory, addresses, names and user ids that no other test has.
pub struct Bench {
    pub options: AgentOptions,
    agent: Option<Arc<Agent>>,
    client: Option<Arc<HostClient>>,
    directory: tempfile::TempDir,
    before: Vec<String>,
    /// Bound as long as the test runs: it reserves the number.
    _number: UnixListener,
}

/// Longest wait for anything in a test.
pub const PATIENCE: Span = Span::from_secs(60);

impl Bench {
    pub async fn new() -> Self {
        let (number, reserved) = reserve();
        let directory = tempfile::tempdir().unwrap();
        let before = traces(directory.path());
        let data = directory.path().join("data");
        let mut options = AgentOptions::new(data, std::env::current_exe().unwrap());
        options.id_base = (1 << 29) + (u32::from(number) << 20);
        options.network = net::Options {
            subnet: Subnet::new(Ipv4Addr::new(10, 215, number, 0), 24).unwrap(),
            name: format!("la{number}"),
            run_dir: directory.path().join("netns"),
            resolvers: resolvers(),
        };
        options.simulated_gpus = vec!["RTX 4090:2".parse().unwrap()];
        let mut bench = Self {
            options,
            agent: None,
            client: None,
            directory,
            before,
            _number: reserved,
        };
        bench.open().await;
        bench
    }

    async fn open(&mut self) {
        let began = Instant::now();
        let agent = loop {
            match Agent::open(self.options.clone()).await {
                Ok(agent) => break agent,
                // The one before lets go of its directory when its last task has ended.
                Err(
                    OpenError::Runtime(livery_runtime::Error::RootInUse(_))
                    | OpenError::Images(livery_images::Error::InUse { .. })
                    | OpenError::Content(livery_content::ContentError::StoreBusy { .. }),
                ) if began.elapsed() < PATIENCE.to_std() => {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                Err(error) => panic!("{error}: {:?}", std::error::Error::source(&error)),
            }
        };
        self.client = Some(Arc::new(HostClient::in_process(agent.clone())));
        self.agent = Some(agent);
    }

    /// What a crash does to the agent: it is gone, and another one begins.
    pub async fn restart(&mut self) {
        (self.client, self.agent) = (None, None);
        self.open().await;
    }

    pub fn host(&self) -> &HostClient {
        self.client.as_deref().unwrap()
    }

    pub fn shared_host(&self) -> Arc<HostClient> {
        self.client.clone().unwrap()
    }

    pub fn agent(&self) -> &Agent {
        self.agent.as_deref().unwrap()
    }

    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Makes a pod and waits until it is up.
    pub async fn pod(&self, number: u128) -> PodId {
        let id = pod_id(number);
        let made = self.host().pod_create(&id, &pod_spec(), PATIENCE).await;
        let status = made.unwrap();
        assert_eq!(status.state, PodState::Up, "{status:?}");
        id
    }

    /// Runs a shell line that must succeed and returns its output.
    pub async fn says(&self, pod: &PodId, line: &str) -> String {
        let mut session = self.exec(pod, &shell(line)).await;
        session.send(Frame::StdinEnd).await;
        let (output, code) = session.finish().await;
        assert_eq!(code, 0, "`{line}`: {output}");
        output.trim().to_owned()
    }

    pub async fn exec(&self, pod: &PodId, spec: &ExecSpec) -> Session {
        let (input, receiver) = mpsc::channel(4);
        let stream = ReceiverStream::new(receiver).boxed();
        let output = self.host().exec(pod, spec, stream).await.unwrap();
        Session {
            input,
            output,
            buffer: BytesMut::new(),
        }
    }

    /// Ends the test: removes every pod and checks that nothing is left on the machine.
    pub async fn end(self) {
        for pod in self.host().pods().await.unwrap() {
            let id: PodId = pod.pod.parse().unwrap();
            self.host().pod_remove(&id).await.unwrap();
        }
        self.agent().close().await.unwrap();
        let name = &self.options.network.name;
        let after = traces(self.path());
        assert_eq!(self.before, after, "left behind by {name}");
        let links = std::fs::read_dir("/sys/class/net").unwrap();
        let links = links.map(|link| link.unwrap().file_name().into_string().unwrap());
        let left: Vec<_> = links
            .filter(|link| link.starts_with(&format!("{name}-")))
            .collect();
        assert!(left.is_empty(), "{left:?}");
    }
}

/// An interactive command as a client holds it.
pub struct Session {
    input: mpsc::Sender<Result<Bytes, Error>>,
    output: ByteStream,
    buffer: BytesMut,
}

impl Session {
    pub async fn send(&mut self, frame: Frame) {
        self.input.send(Ok(frame.to_bytes())).await.unwrap();
    }

    pub async fn next(&mut self) -> Option<Frame> {
        loop {
            if let Some(frame) = Frame::decode(&mut self.buffer).unwrap() {
                return Some(frame);
            }
            self.buffer
                .extend_from_slice(&self.output.next().await?.unwrap());
        }
    }

    /// Waits until the output contains some text.
    pub async fn until(&mut self, wanted: &str) -> String {
        let mut text = String::new();
        while !text.contains(wanted) {
            match self.next().await {
                Some(Frame::Stdout(bytes) | Frame::Stderr(bytes)) => {
                    text.push_str(&String::from_utf8_lossy(&bytes));
                }
                other => panic!("`{wanted}` did not come in `{text}`: {other:?}"),
            }
        }
        text
    }

    /// Reads to the end and returns all output and the exit code.
    pub async fn finish(mut self) -> (String, i32) {
        let mut text = Vec::new();
        loop {
            match self.next().await {
                Some(Frame::Stdout(bytes) | Frame::Stderr(bytes)) => text.extend_from_slice(&bytes),
                Some(Frame::Exit(code)) => {
                    return (String::from_utf8(text).unwrap(), code);
                }
                other => panic!("{other:?}"),
            }
        }
    }
}

pub fn shell(line: &str) -> ExecSpec {
    ExecSpec {
        argv: ["sh", "-c", line].map(str::to_owned).to_vec(),
        env: BTreeMap::new(),
        workdir: None,
        tty: None,
    }
}

/// A small pod of this machine's own root, idling.
pub fn pod_spec() -> PodSpec {
    PodSpec {
        tenant: Tenant::Owner,
        launch_key: "key_0001".into(),
        name: "Test pod".into(),
        image: "host".into(),
        credentials: None,
        command: None,
        env: BTreeMap::from([("GREETING".to_owned(), "hello there".to_owned())]),
        gpu_count: 0,
        gpu_model: None,
        vcpu_milli: 500,
        memory: 256 << 20,
        container_disk: 64 << 20,
        volume_disk: 64 << 20,
        network_volume: None,
        network_path: None,
        pids: 64,
    }
}

pub fn pod_id(number: u128) -> PodId {
    PodId::from_entropy((u128::from(std::process::id()) << 32) | number)
}

pub fn task_id(number: u128) -> TaskId {
    TaskId::from_entropy(number)
}

/// Everything on the machine that speaks of a directory, and loop devices whose file is gone.
fn traces(directory: &Path) -> Vec<String> {
    let name = directory.to_str().unwrap();
    let mounts = std::fs::read_to_string("/proc/self/mounts").unwrap();
    let mut found: Vec<String> = mounts
        .lines()
        .filter(|line| line.contains(name))
        .map(str::to_owned)
        .collect();
    for device in std::fs::read_dir("/sys/block").unwrap().flatten() {
        let file = device.path().join("loop/backing_file");
        let backing = std::fs::read_to_string(file).unwrap_or_default();
        found.extend(backing.contains(name).then_some(backing));
    }
    for process in std::fs::read_dir("/proc").unwrap().flatten() {
        let line = std::fs::read(process.path().join("cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line).into_owned();
        found.extend(line.contains(name).then_some(line));
    }
    found
}

/// The machine's own name servers, or a known one where it has none that pods could use.
fn resolvers() -> Vec<std::net::IpAddr> {
    let text = std::fs::read_to_string("/etc/resolv.conf").unwrap_or_default();
    let usable = text
        .lines()
        .filter_map(|line| line.strip_prefix("nameserver ")?.trim().parse().ok())
        .any(|address: std::net::IpAddr| !address.is_loopback());
    match usable {
        true => Vec::new(),
        false => vec![Ipv4Addr::new(9, 9, 9, 9).into()],
    }
}

/// Takes a number that no other test on this machine has, nor left behind when it was killed.
fn reserve() -> (u8, UnixListener) {
    for number in 1..=u8::MAX {
        if Path::new(&format!("/sys/class/net/la{number}-0")).exists() {
            continue;
        }
        let name = format!("livery-agent-test-{number}");
        let address = SocketAddr::from_abstract_name(name).unwrap();
        if let Ok(listener) = UnixListener::bind_addr(&address) {
            return (number, listener);
        }
    }
    panic!("all test numbers are taken");
}
