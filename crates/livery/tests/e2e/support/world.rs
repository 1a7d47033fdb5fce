//! A control plane and a host agent of the test's own.

use super::command::{Ran, Running};
use super::leftovers::Traces;
use super::number::reserve;
use super::until;
use super::watch::ask;
use livery_api::dto::Which;
use rustix::process::Signal;
use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

pub(super) const START_PATIENCE: Duration = Duration::from_secs(30);

/// Dollars per hour that the machine costs: every test has a bill.
const PRICE: &str = "0.36";

/// A process of a world that can be killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Victim {
    /// The control plane; with its agent when they share a process.
    ControlPlane,
    /// The host agent of a process of its own.
    Agent,
}

/// Which processes a world has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    OneProcess,
    TwoProcesses,
}

/// A control plane with its host agent, in a directory with addresses and names that no other test
/// has. Dropping it takes everything away, whatever state it is in.
pub struct World {
    directory: PathBuf,
    pub(super) shape: Shape,
    number: u8,
    options: Vec<String>,
    /// What the control plane is started with besides.
    serve: Vec<String>,
    /// Where the agent keeps its data; the control plane's own place when they share a disk.
    pub(super) agent_data: PathBuf,
    pub(super) control_plane: RefCell<Option<Running>>,
    pub(super) agent: RefCell<Option<Running>>,
    /// Counts commands, to name the files of their output.
    commands: Cell<u32>,
    pods: RefCell<BTreeSet<String>>,
    /// Bound as long as the test runs: it reserves the number.
    _reserved: UnixListener,
}

impl World {
    /// Starts a control plane with its agent in one process, or says why this test cannot run.
    pub fn new() -> Option<Self> {
        Self::start(Shape::OneProcess, &[])
    }

    /// The same, with the agent in a process of its own.
    pub fn in_two_processes() -> Option<Self> {
        Self::start(Shape::TwoProcesses, &[])
    }

    /// In one process, with more options.
    pub fn with(options: &[&str]) -> Option<Self> {
        Self::start(Shape::OneProcess, options)
    }

    /// In two processes, on a database that it may share with other worlds.
    pub fn on_database(url: &str) -> Option<Self> {
        let mut world = Self::prepare(Shape::TwoProcesses, &[])?;
        world.serve = vec!["--database".to_owned(), url.to_owned()];
        world.bring_up();
        Some(world)
    }

    fn start(shape: Shape, options: &[&str]) -> Option<Self> {
        let world = Self::prepare(shape, options)?;
        world.bring_up();
        Some(world)
    }

    pub(super) fn prepare(shape: Shape, options: &[&str]) -> Option<Self> {
        if !rustix::process::geteuid().is_root() {
            println!("skipped: pods need root");
            return None;
        }
        let (number, reserved) = reserve();
        let directory = std::env::temp_dir().join(format!("livery-e2e-{number}"));
        let world = Self {
            agent_data: directory.join(match shape {
                Shape::OneProcess => "data",
                Shape::TwoProcesses => "host",
            }),
            directory,
            shape,
            number,
            options: options.iter().map(|text| (*text).to_owned()).collect(),
            serve: Vec::new(),
            control_plane: RefCell::default(),
            agent: RefCell::default(),
            commands: Cell::new(0),
            pods: RefCell::default(),
            _reserved: reserved,
        };
        // A test of this number that was itself killed could not take its things away.
        world.traces().clear_away();
        for dir in ["home", "work", "talk"] {
            fs::create_dir_all(world.path().join(dir)).unwrap();
        }
        Some(world)
    }

    pub fn path(&self) -> &Path {
        &self.directory
    }

    /// Where commands are run from.
    pub fn work(&self) -> PathBuf {
        self.path().join("work")
    }

    /// The home of the user who runs the commands.
    pub fn home(&self) -> PathBuf {
        self.path().join("home")
    }

    pub fn data(&self) -> PathBuf {
        self.path().join("data")
    }

    pub fn socket(&self) -> PathBuf {
        self.data().join("livery.sock")
    }

    /// Where the agent keeps pods.
    pub fn runtime_dir(&self) -> PathBuf {
        self.agent_data().join("host/runtime")
    }

    /// Where an agent in a process of its own listens.
    pub fn agent_socket(&self) -> PathBuf {
        self.agent_data().join("host.sock")
    }

    fn agent_data(&self) -> PathBuf {
        self.agent_data.clone()
    }

    /// The first three numbers of every pod's address.
    pub fn network(&self) -> String {
        format!("10.222.{}", self.number)
    }

    /// What the control plane and the agent logged.
    pub fn log(&self) -> String {
        let read = |name: &str| fs::read_to_string(self.path().join(name)).unwrap_or_default();
        ["serve.err", "host.err"].map(read).join("\n")
    }

    /// Starts whatever of the two does not run.
    pub fn bring_up(&self) {
        self.start_processes();
        until(
            "the control plane answers and has its host",
            START_PATIENCE,
            || {
                let health = ask(self, async |client| client.health().await)?;
                (health.hosts_connected == 1).then_some(())
            },
        );
    }

    pub(super) fn start_processes(&self) {
        if self.shape == Shape::TwoProcesses && self.agent.borrow().is_none() {
            self.start_agent();
            let socket = self.agent_socket();
            until("the agent answers", START_PATIENCE, || {
                std::os::unix::net::UnixStream::connect(&socket).ok()
            });
        }
        if self.control_plane.borrow().is_none() {
            self.start_control_plane();
        }
    }

    /// Starts the agent and waits for nothing.
    pub fn start_agent(&self) {
        let mut command = self.command(&["host"]);
        command.env("LIVERY_DATA_DIR", self.agent_data());
        self.machine_options(&mut command);
        self.agent.replace(Some(self.daemon(command, "host")));
    }

    /// Starts the control plane and waits for nothing.
    pub fn start_control_plane(&self) {
        let mut command = self.command(&["serve"]);
        command.args(&self.serve);
        match self.shape {
            Shape::OneProcess => self.machine_options(&mut command),
            Shape::TwoProcesses => {
                command.arg("--host-socket").arg(self.agent_socket());
            }
        }
        self.control_plane
            .replace(Some(self.daemon(command, "serve")));
    }

    fn machine_options(&self, command: &mut Command) {
        let uids = (1_u32 << 30) + (u32::from(self.number) << 20);
        command
            .args(["--price", PRICE])
            .args(["--pod-subnet", &format!("{}.0/24", self.network())])
            .args(["--pod-interfaces", &self.interfaces()])
            .args(["--pod-uids", &uids.to_string()])
            .args(&self.options);
    }

    fn interfaces(&self) -> String {
        format!("le{}", self.number)
    }

    /// Starts a long-lived process; its log goes on after those of its predecessors.
    fn daemon(&self, command: Command, name: &str) -> Running {
        let before = fs::read(self.path().join(format!("{name}.err"))).unwrap_or_default();
        if !before.is_empty() {
            let number = self.commands.replace(self.commands.get() + 1);
            fs::write(
                self.path().join(format!("talk/{number}.{name}.log")),
                before,
            )
            .unwrap();
        }
        Running::start(command, self.path(), name, Stdio::null())
    }

    /// Kills a process with SIGKILL.
    pub fn kill(&self, victim: Victim) {
        let process = match victim {
            Victim::ControlPlane => self.control_plane.take(),
            Victim::Agent => self.agent.take(),
        };
        process.unwrap().kill();
    }

    /// Sends a signal to the agent's process.
    pub fn signal_agent(&self, signal: Signal) {
        self.agent.borrow().as_ref().unwrap().signal(signal);
    }

    /// Makes a command of the binary with an environment of the test's own.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_livery"));
        command
            .args(arguments)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.home())
            .env("NO_COLOR", "1")
            .env("LIVERY_NO_START", "true")
            // What is running is said where a test asks for it.
            .env("LIVERY_REMIND", "off")
            .env("LIVERY_DATA_DIR", self.data())
            .current_dir(self.work());
        command
    }

    /// Runs a command to its end.
    pub fn livery(&self, arguments: &[&str]) -> Ran {
        self.spawn(arguments).finish()
    }

    /// Runs a command that has to succeed; returns what it printed.
    #[track_caller]
    pub fn ok(&self, arguments: &[&str]) -> String {
        self.livery(arguments).expect(0).out
    }

    /// Starts a command.
    pub fn spawn(&self, arguments: &[&str]) -> Running {
        self.run_command(self.command(arguments), Stdio::null())
    }

    /// Starts a prepared command.
    pub fn run_command(&self, command: Command, stdin: Stdio) -> Running {
        let number = self.commands.replace(self.commands.get() + 1);
        Running::start(
            command,
            &self.path().join("talk"),
            &number.to_string(),
            stdin,
        )
    }

    /// Creates a small pod on this machine's own programs; returns its id.
    #[track_caller]
    pub fn pod(&self, more: &[&str]) -> String {
        let small = ["pod", "create", "--memory", "256MB", "--cpus", "0.5"];
        let disks = ["--disk", "128MB", "--volume", "128MB"];
        self.ok(&[&small[..], &disks, more].concat())
            .trim()
            .to_owned()
    }

    /// Runs a script in a pod.
    pub fn sh(&self, pod: &str, script: &str) -> Ran {
        self.livery(&["exec", "--no-stdin", pod, "--", "sh", "-c", script])
    }

    /// Ends the test: terminates what lives, checks the books, ends the processes, and fails if
    /// anything is left on the machine.
    #[track_caller]
    pub fn finish(self) {
        let left = self.wind_up();
        assert_eq!(
            left,
            Vec::<String>::new(),
            "something is left on the machine"
        );
    }

    /// Does what [`World::finish`] does and returns what is left.
    pub fn wind_up(&self) -> Vec<String> {
        self.bring_up();
        let live = ask(self, async |client| client.pods(Which::Live).await).unwrap();
        for pod in live.pods {
            self.ok(&["pod", "terminate", pod.id.as_str()]);
        }
        self.remember_pods();
        let text = self.ok(&["debug", "ledger", "--json"]);
        let ledger: serde_json::Value = serde_json::from_str(&text).unwrap();
        let mut left = Vec::new();
        if ledger["held"] != "0.00" {
            left.push(format!("a hold in the ledger: {text}"));
        }
        self.ok(&["serve", "--stop"]);
        assert_eq!(self.control_plane.take().unwrap().finish().code, Some(0));
        if let Some(agent) = self.agent.take() {
            agent.signal(Signal::TERM);
            assert_eq!(agent.finish().code, Some(0));
        }
        left.extend(self.traces().look());
        left
    }

    /// Notes every pod there ever was, for looking for what is left of them.
    pub fn remember_pods(&self) {
        let all = ask(self, async |client| client.pods(Which::All).await);
        let ids = all.unwrap_or_default().pods.into_iter();
        self.pods
            .borrow_mut()
            .extend(ids.map(|pod| pod.id.to_string()));
    }

    /// What the world's things are known by.
    pub fn traces(&self) -> Traces {
        Traces {
            directory: self.path().to_owned(),
            agent_data: self.agent_data(),
            interfaces: self.interfaces(),
            pods: self.pods.borrow().clone(),
        }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = self.log();
            let tail: Vec<&str> = log.lines().rev().take(40).collect();
            println!("the end of the log:");
            tail.into_iter().rev().for_each(|line| println!("  {line}"));
        }
        self.control_plane.take();
        self.agent.take();
        self.traces().clear_away();
    }
}
