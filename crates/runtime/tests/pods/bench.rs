//! A runtime of its own for every test, and pods that are gone when the test is.

use std::net::Ipv4Addr;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::{Duration, Instant};

use livery_runtime::cdi::Devices;
use livery_runtime::net::{self, Subnet};
use livery_runtime::{
    CommandSpec, ExecSpec, NetworkMode, Options, PodSpec, PodState, Rootfs, Runtime, Status,
    Streams, TaskSpec, TaskState, Volume,
};
use livery_units::{Bytes, PodId, TaskId};

/// A runtime with a directory, addresses, names and user ids that no other test has.
pub struct Bench {
    runtime: Option<Runtime>,
    options: Options,
    directory: tempfile::TempDir,
    /// Bound as long as the test runs: it reserves the number.
    _number: UnixListener,
}

impl Bench {
    /// Makes a runtime, or says why this test cannot run here.
    pub fn new() -> Option<Self> {
        if !rustix::process::geteuid().is_root() {
            println!("skipped: pods need root");
            return None;
        }
        let (number, reserved) = reserve();
        let directory = tempfile::tempdir().unwrap();
        let base = Ipv4Addr::new(10, 214, number, 0);
        let options = Options {
            root: directory.path().join("pods-of-test"),
            shim: PathBuf::from(env!("CARGO_BIN_EXE_livery-shim")),
            id_base: (1 << 24) + (u32::from(number) << 20),
            hide: Vec::new(),
            network: net::Options {
                subnet: Subnet::new(base, 24).unwrap(),
                name: format!("lt{number}"),
                run_dir: directory.path().join("netns"),
                resolvers: vec![Ipv4Addr::new(9, 9, 9, 9).into()],
            },
        };
        let runtime = Runtime::open(options.clone()).unwrap();
        Some(Self {
            runtime: Some(runtime),
            options,
            directory,
            _number: reserved,
        })
    }

    /// A place for the test's own files; it is world-readable, as a careless owner's would be.
    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    pub fn root(&self) -> &Path {
        &self.options.root
    }

    /// The runtime as it is now; a restart replaces it.
    pub fn runtime(&self) -> &Runtime {
        self.runtime.as_ref().unwrap()
    }

    /// What an agent's restart does: everything in memory is gone.
    pub fn reopen(&mut self) {
        // The lock on the directory goes with the first runtime.
        self.runtime = None;
        self.runtime = Some(Runtime::open(self.options.clone()).unwrap());
    }

    /// Restarts and hides one more path from `host` images.
    pub fn hide(&mut self, path: PathBuf) {
        self.options.hide.push(path);
        self.reopen();
    }

    /// Uses another program as the shim from now on.
    pub fn set_shim(&mut self, shim: &Path) {
        self.options.shim = shim.to_owned();
        self.reopen();
    }

    /// Runs an agent that makes a pod with `shim`, which kills it in the middle of that.
    pub fn crash_in_create(&mut self, shim: &Path, spec: &PodSpec) {
        self.runtime = None;
        let mut options = self.options.clone();
        options.shim = shim.to_owned();
        // SAFETY: the child makes one pod and is killed by it, or ends without running anything
        // that belongs to this process; nothing else runs in this process meanwhile.
        let child = unsafe { libc::fork() };
        if child == 0 {
            let made = Runtime::open(options).and_then(|runtime| runtime.create(spec));
            // SAFETY: ends the child at once.
            unsafe { libc::_exit(i32::from(made.is_ok())) };
        }
        let child = rustix::process::Pid::from_raw(child).unwrap();
        let status = rustix::process::waitpid(Some(child), rustix::process::WaitOptions::empty());
        assert_eq!(status.unwrap().unwrap().1.terminating_signal(), Some(9));
        self.reopen();
    }

    /// Creates a pod of this machine's own root and checks that it is up.
    pub fn pod(&self, spec: &PodSpec) -> PodId {
        let state = self.runtime().create(spec).unwrap();
        assert!(matches!(state.status, Status::Up { .. }), "{state:?}");
        spec.id.clone()
    }

    /// Runs a shell line in a pod and returns what came out.
    pub fn shell(&self, pod: &PodId, line: &str) -> Output {
        let exec = ExecSpec {
            command: CommandSpec::new(["/bin/sh", "-c", line]),
            streams: Streams::Pipes,
        };
        let mut command = self.runtime().exec_command(pod, &exec).unwrap();
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command.spawn().unwrap().wait_with_output().unwrap()
    }

    /// Runs a shell line that must succeed and returns its output.
    pub fn says(&self, pod: &PodId, line: &str) -> String {
        let output = self.shell(pod, line);
        assert!(output.status.success(), "`{line}`: {output:?}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// Runs a shell line that must fail.
    pub fn fails(&self, pod: &PodId, line: &str) -> Output {
        let output = self.shell(pod, line);
        assert!(
            !output.status.success(),
            "`{line}` went through: {output:?}"
        );
        output
    }

    /// Waits until a task has ended.
    pub fn finish(&self, pod: &PodId, task: &TaskId) -> TaskState {
        until("the task ends", || {
            match self.runtime().task_state(pod, task).unwrap() {
                TaskState::Pending | TaskState::Running { .. } => None,
                ended @ (TaskState::Ended { .. } | TaskState::Lost) => Some(ended),
            }
        })
    }

    pub fn status(&self, pod: &PodId) -> Status {
        self.runtime().state(pod).unwrap().unwrap().status
    }

    pub fn log(&self, pod: &PodId, task: &TaskId) -> String {
        text_of(&self.runtime().task_log_path(pod, task).unwrap())
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        let failed = std::thread::panicking();
        for PodState { id, .. } in self.runtime().list().unwrap_or_default() {
            if failed {
                let dir = self.options.root.join("pods").join(id.as_str());
                let log = std::fs::read_to_string(dir.join("shim.log")).unwrap_or_default();
                println!("shim of {id} said: {log}");
            }
            let removed = self.runtime().remove(&id);
            assert!(failed || removed.is_ok(), "{removed:?}");
        }
        let closed = self.runtime().close();
        assert!(failed || closed.is_ok(), "{closed:?}");
    }
}

/// A small pod of this machine's own root, idling, with a volume and no network.
pub fn idle_pod(number: u128) -> PodSpec {
    PodSpec {
        id: PodId::from_entropy((u128::from(std::process::id()) << 32) | number),
        rootfs: Rootfs::Host,
        hostname: format!("pod-{number}"),
        command: None,
        env: vec![("LIVERY_TEST".to_owned(), "of the pod".to_owned())],
        workdir: None,
        user: String::new(),
        milli_cpus: 1_000,
        memory: Bytes::mib(256),
        pids: 64,
        container_disk: Bytes::mib(64),
        volume: Some(Volume {
            size: Bytes::mib(32),
            mount_path: PathBuf::from("/workspace"),
            network: None,
        }),
        beside: None,
        shm: Bytes::mib(16),
        devices: Devices::default(),
        network: NetworkMode::Loopback,
        dns: Vec::new(),
        log_limit: Bytes::mib(1),
    }
}

/// What there is of a log.
pub fn text_of(log: &std::path::Path) -> String {
    let mut reader = livery_disk::LogReader::new(log, 0);
    let mut text = Vec::new();
    let mut buffer = [0; 4 << 10];
    while let livery_disk::Piece::Bytes(count) = reader.read(&mut buffer).unwrap() {
        text.extend_from_slice(&buffer[..count]);
    }
    String::from_utf8(text).unwrap()
}

/// A task that runs a shell line.
pub fn task(number: u128, line: &str) -> TaskSpec {
    TaskSpec {
        id: TaskId::from_entropy(number),
        command: CommandSpec::new(["/bin/sh", "-c", line]),
        log_limit: Bytes::mib(1),
    }
}

/// Asks again and again until there is an answer; a test that never gets one fails.
pub fn until<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(Instant::now() < deadline, "gave up waiting until {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Reserves a number among all tests that run on this machine at the moment.
fn reserve() -> (u8, UnixListener) {
    let free = (0..=u8::MAX).find_map(|number| {
        let name = format!("livery-runtime-test-{number}");
        let address = SocketAddr::from_abstract_name(name).unwrap();
        UnixListener::bind_addr(&address)
            .ok()
            .map(|bound| (number, bound))
    });
    free.expect("fewer than 256 tests run at a time")
}
