//! The shim of a pod: makes the container, stays beside it, writes down how it ended.

use std::fs;
use std::io::{self, Read as _};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use libcontainer::container::builder::ContainerBuilder;
use libcontainer::syscall::syscall::SyscallType;
use livery_units::text::{self, chain};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Pid, PidfdFlags, WaitOptions, waitpid};

use super::daemon::Rest;
use super::log::{Flow, Log};
use crate::cgroup::Cgroup;
use crate::error::{Context, Error};
use crate::init::{Chores, Defaults, Init};
use crate::layout::{
    EndRecord, PodDir, PodRecord, RunRecord, now, read_json, write_end, write_json,
};
use crate::mounts::{self, STAGE, Stage};
use crate::process::ProcessRef;
use crate::spec::{PodSpec, Rootfs};
use crate::state::{End, Exit};
use crate::uptime::Uptime;
use crate::{oci, wire};

/// What is read of why a start command was not started, in bytes, and shown of it, in characters.
const REASON_MAX: u64 = 4 << 10;
const REASON_SHOWN: usize = 300;

/// Makes the pod whose directory is given; the rest is to wait for its end.
pub(super) fn run(directory: PathBuf) -> Result<Rest, Error> {
    let dir = PodDir::from_path(directory);
    let path = dir.record();
    let record: PodRecord = read_json(&path)?
        .ok_or_else(|| Error::BadSpec(format!("{} is missing", path.display())))?;
    // Held open from now on: the stage may cover the place where they lie.
    let records = Records::hold(&dir)?;
    let (log, log_end) = Log::open(&records.path("log"), record.spec.log_limit)?;
    let listener = listen(&dir.socket())?;
    raise_limits();
    // The stage must be open to the pod's users; what is written down besides is nobody's but ours.
    let ours = rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o022));
    let stage = mounts::build(&dir, &record)?;
    let init = make_container(&record.spec, &stage, &listener, log_end)?;
    rustix::process::umask(ours);
    drop(listener);
    drop(stage);

    let gone = || Error::Shim {
        pod: record.spec.id.clone(),
        detail: "its first process ended at once; see its log".to_owned(),
    };
    let run = RunRecord {
        shim: ProcessRef::this().ok_or_else(gone)?,
        init: ProcessRef::of(init.as_raw_pid()).ok_or_else(gone)?,
        began: Uptime::now(),
    };
    write_json(&records.path("run.json"), &run)?;
    Ok(Box::new(move || attend(init, log, &records, &record.spec)))
}

/// The pod's directory by descriptor, for when its name leads elsewhere.
struct Records(OwnedFd);

impl Records {
    fn hold(dir: &PodDir) -> Result<Self, Error> {
        let held = fs::File::open(dir.path()).on("open", dir.path())?;
        Ok(Self(held.into()))
    }

    fn path(&self, name: &str) -> PathBuf {
        Path::new("/proc/self/fd")
            .join(self.0.as_raw_fd().to_string())
            .join(name)
    }
}

fn listen(socket: &Path) -> Result<UnixListener, Error> {
    crate::layout::remove_file(socket)?;
    wire::short_name(socket, |name| UnixListener::bind(name)).on("listen on", socket)
}

/// Limits of the agent's session are not meant for pods; GPU drivers pin memory, servers open
/// many files. The control groups hold the pod, not these.
fn raise_limits() {
    use rustix::process::Resource;
    const FILES: u64 = 1_048_576;
    raise(Resource::Nofile, Some(FILES));
    raise(Resource::Memlock, None);
    raise(Resource::Nproc, None);
}

/// Raises a limit to `wanted`, or to the ceiling where the machine allows no more.
fn raise(resource: rustix::process::Resource, wanted: Option<u64>) {
    use rustix::process::{Rlimit, getrlimit, setrlimit};
    let limit = Rlimit {
        current: wanted,
        maximum: wanted,
    };
    if setrlimit(resource, limit).is_err() {
        let maximum = getrlimit(resource).maximum;
        let ceiling = Rlimit {
            current: maximum,
            maximum,
        };
        // Nothing more can be done, and a pod with fewer files is still a pod.
        let _ = setrlimit(resource, ceiling);
    }
}

fn make_container(
    spec: &PodSpec,
    stage: &Stage,
    listener: &UnixListener,
    log_end: OwnedFd,
) -> Result<Pid, Error> {
    let failed = |error: &dyn std::error::Error| Error::Shim {
        pod: spec.id.clone(),
        detail: format!("{}{}", chain(error), with_volume(spec)),
    };
    let bundle = Stage::bundle();
    fs::create_dir(&bundle).on("create", &bundle)?;
    let config = oci::for_libcontainer(oci::config(spec, stage));
    write_json(&bundle.join("config.json"), &config)?;

    let (report, report_end) = io::pipe().during("make a pipe")?;
    let nowhere = fs::File::open("/dev/null").on("open", "/dev/null")?;
    let second_end = log_end.try_clone().during("copy a pipe")?;
    let init = Init {
        listener: listener.as_raw_fd(),
        report: report_end.as_raw_fd(),
        defaults: Defaults {
            env: spec.devices.env.iter().chain(&spec.env).cloned().collect(),
            workdir: workdir(spec),
            user: spec.user.clone(),
            hostname: spec.hostname.clone(),
        },
        chores: chores(spec),
        start: spec.command.clone(),
    };
    let builder = ContainerBuilder::new(spec.id.to_string(), SyscallType::default())
        .with_root_path(Path::new(STAGE).join("state"))
        .map_err(|error| failed(&error))?
        .with_executor(init)
        .with_stdin(nowhere)
        .with_stdout(log_end)
        .with_stderr(second_end);
    let mut container = builder
        .as_init(&bundle)
        .with_systemd(false)
        .build()
        .map_err(|error| failed(&error))?;
    container.start().map_err(|error| failed(&error))?;
    drop(report_end);
    hear(report)?;
    let pid = container.pid().and_then(|pid| Pid::from_raw(pid.as_raw()));
    pid.ok_or_else(|| Error::Shim {
        pod: spec.id.clone(),
        detail: "the container has no first process".to_owned(),
    })
}

/// Waits until the pod's first process has started the start command, or says why it did not.
fn hear(report: io::PipeReader) -> Result<(), Error> {
    let mut reason = Vec::new();
    let reading = report.take(REASON_MAX).read_to_end(&mut reason);
    reading.during("hear of the start command")?;
    match reason.is_empty() {
        true => Ok(()),
        false => {
            let reason = String::from_utf8_lossy(&reason);
            Err(Error::NoCommand(text::clean(&reason, REASON_SHOWN)))
        }
    }
}

/// Names the place of a network volume, the one place in a pod's root that its user chooses: what
/// failed when the root was made says neither what nor where.
fn with_volume(spec: &PodSpec) -> String {
    spec.network_volume().map_or(String::new(), |volume| {
        let path = volume.mount_path.display();
        format!(" (with its network volume at {path}, where there must be room for a directory)")
    })
}

/// This machine's own root has the driver's links and loader directories already.
fn chores(spec: &PodSpec) -> Chores {
    match &spec.rootfs {
        Rootfs::Host => Chores::default(),
        Rootfs::Layers(_) => Chores {
            links: spec.devices.links.clone(),
            library_dirs: spec.devices.library_dirs.clone(),
        },
    }
}

/// Where commands start when nobody says.
fn workdir(spec: &PodSpec) -> PathBuf {
    match (&spec.workdir, &spec.volume) {
        (Some(path), _) => path.clone(),
        (None, Some(volume)) => volume.mount_path.clone(),
        (None, None) => PathBuf::from("/"),
    }
}

/// Waits for the pod's end and writes it down.
fn attend(init: Pid, mut log: Log, records: &Records, spec: &PodSpec) -> Result<(), Error> {
    let watched = rustix::process::pidfd_open(init, PidfdFlags::empty());
    let watched = watched.during("watch the pod's first process")?;
    let mut flow = Flow::Open;
    loop {
        let ended = {
            let mut polled = vec![PollFd::new(&watched, PollFlags::IN)];
            if flow == Flow::Open {
                polled.push(PollFd::from_borrowed_fd(log.pipe().as_fd(), PollFlags::IN));
            }
            match poll(&mut polled, None) {
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error).during("wait for the pod"),
            }
            !polled[0].revents().is_empty()
        };
        if flow == Flow::Open {
            flow = log.copy();
        }
        if ended {
            break;
        }
    }
    let exit = match waitpid(Some(init), WaitOptions::empty()).during("wait for the pod")? {
        Some((_, status)) => match (status.exit_status(), status.terminating_signal()) {
            (Some(code), _) => Exit::Code(code),
            (None, Some(signal)) => Exit::Signal(signal),
            (None, None) => Exit::PodEnded,
        },
        None => Exit::PodEnded,
    };
    let ended = Uptime::now();
    log.copy();
    let end = End {
        exit,
        at: now(),
        oom_kills: Cgroup::of(&spec.id)
            .map(|group| group.oom_kills())
            .unwrap_or(0),
    };
    write_end(&records.path("end.json"), &EndRecord { end, ended })
}
