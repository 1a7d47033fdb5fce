//! Commands in pods: durable tasks and interactive ones.

use std::ffi::CString;
use std::fs;
use std::io::{self, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use livery_units::{PodId, TaskId};
use rustix::fs::MemfdFlags;

use super::Runtime;
use crate::error::{Context, Error};
use crate::layout::{TaskDir, TaskRecord, read_json, write_json};
use crate::process::ProcessRef;
use crate::shim::{self, SPEC_DESCRIPTOR, Unbegun};
use crate::spec::{ExecSpec, Streams, TaskSpec};
use crate::state::TaskState;
use crate::wire::{self, Reply, Request};

/// How long a shim may take to start a command: longer than the pod's first process may take.
const START_PATIENCE: Duration = Duration::from_secs(30);

impl Runtime {
    /// Starts a durable command, once, however often it is asked for.
    ///
    /// It goes on when this process dies. A program that is not there is no error here but a task
    /// that ended with code 127.
    pub fn task_start(&self, pod: &PodId, task: &TaskSpec) -> Result<TaskState, Error> {
        let dir = self.dir(pod).task(&task.id);
        if !dir.spec().exists() {
            self.pid_of(pod)?;
            fs::create_dir_all(dir.path()).on("create", dir.path())?;
            write_json(&dir.spec(), task)?;
        }
        if !dir.claim().exists() {
            self.pid_of(pod)?;
            let log = self.dir(pod).shim_log();
            let word = shim::start(&self.options.shim, "task", dir.path(), &log, START_PATIENCE);
            let word = word.on("start the shim", &self.options.shim)?;
            word.map_err(|why| match why {
                Unbegun::NoCommand(reason) => Error::NoCommand(reason),
                Unbegun::Failed(detail) => Error::NotStarted {
                    task: task.id.clone(),
                    detail,
                },
            })?;
        }
        self.task_state(pod, &task.id)
    }

    /// Looks at a task.
    pub fn task_state(&self, pod: &PodId, task: &TaskId) -> Result<TaskState, Error> {
        let dir = self.task_dir(pod, task)?;
        let Some(record) = read_json::<TaskRecord>(&dir.status())? else {
            let claim: Option<ProcessRef> = read_json(&dir.claim())?;
            return Ok(match claim {
                Some(shim) if !shim.is_alive() => TaskState::Lost,
                Some(_) | None => TaskState::Pending,
            });
        };
        let alive = record.end.is_none() && record.shim.is_alive();
        // It may have ended between the two looks.
        let record = if record.end.is_none() && !alive {
            read_json::<TaskRecord>(&dir.status())?.unwrap_or(record)
        } else {
            record
        };
        let since = record.since;
        Ok(match record.end {
            Some(end) => TaskState::Ended { since, end },
            None if alive => TaskState::Running { since },
            None => TaskState::Lost,
        })
    }

    /// Lists the tasks of a pod, those that ended included.
    pub fn tasks(&self, pod: &PodId) -> Result<Vec<(TaskId, TaskState)>, Error> {
        let path = self.dir(pod).tasks();
        let entries = match fs::read_dir(&path) {
            Ok(entries) => entries,
            Err(_) => return Err(Error::NoSuchPod(pod.clone())),
        };
        let mut tasks = Vec::new();
        for entry in entries {
            let name = entry.on("list", &path)?.file_name();
            if let Some(task) = name.to_str().and_then(|name| name.parse::<TaskId>().ok())
                && self.dir(pod).task(&task).spec().exists()
            {
                let state = self.task_state(pod, &task)?;
                tasks.push((task, state));
            }
        }
        Ok(tasks)
    }

    /// Tells where a task's output is kept: both streams, as they were written.
    pub fn task_log_path(&self, pod: &PodId, task: &TaskId) -> Result<PathBuf, Error> {
        Ok(self.task_dir(pod, task)?.log())
    }

    /// Sends a signal to everything a task started; a task that ended is left as it is.
    pub fn task_signal(&self, pod: &PodId, task: &TaskId, signal: i32) -> Result<(), Error> {
        match self.task_state(pod, task)? {
            TaskState::Pending | TaskState::Running { .. } => {}
            TaskState::Ended { .. } | TaskState::Lost => return Ok(()),
        }
        self.pid_of(pod)?;
        let request = Request::SignalTask {
            task: task.to_string(),
            signal,
        };
        let passed = wire::connect(&self.dir(pod).socket()).and_then(|stream| {
            wire::send(&stream, &request, &[])?;
            wire::receive::<Reply>(&stream)
        });
        wire::with_init(passed, "pass a signal into the pod").map(drop)
    }

    /// Prepares an interactive command.
    ///
    /// The caller puts pipes or, for [`Streams::Terminal`], a terminal on the three streams and
    /// spawns it; its exit code is the command's (128 and the number for a signal). Signals sent to
    /// it reach the command, a changed window size too. The command is killed when the process that
    /// spawned it dies or kills it.
    pub fn exec_command(&self, pod: &PodId, exec: &ExecSpec) -> Result<Command, Error> {
        self.pid_of(pod)?;
        let spec = leave(exec).during("leave a command for its shim")?;
        let mut command = Command::new(&self.options.shim);
        command
            .args(["shim", "exec"])
            .arg(self.dir(pod).path())
            // So that the shim can tell whether the one who spawned it still lives.
            .arg(std::process::id().to_string())
            .env_clear()
            .current_dir("/");
        let streams = exec.streams;
        let prepare = move || {
            // SAFETY: plain system calls; the descriptor lives as long as the closure.
            unsafe {
                // Copying a descriptor onto itself would leave it closed on exec.
                let same = spec.as_raw_fd() == SPEC_DESCRIPTOR;
                let left = if same {
                    libc::fcntl(SPEC_DESCRIPTOR, libc::F_SETFD, 0)
                } else {
                    libc::dup2(spec.as_raw_fd(), SPEC_DESCRIPTOR)
                };
                if left < 0 || libc::setsid() < 0 {
                    return Err(io::Error::last_os_error());
                }
                // The terminal's size changes are told to the one whose terminal it is.
                if streams == Streams::Terminal && libc::ioctl(0, libc::TIOCSCTTY, 0) != 0 {
                    return Err(io::Error::last_os_error());
                }
            }
            Ok(())
        };
        // SAFETY: the closure only makes system calls and allocates nothing.
        unsafe { command.pre_exec(prepare) };
        Ok(command)
    }

    fn task_dir(&self, pod: &PodId, task: &TaskId) -> Result<TaskDir, Error> {
        let dir = self.dir(pod).task(task);
        if dir.spec().exists() {
            return Ok(dir);
        }
        if self.state(pod)?.is_none() {
            return Err(Error::NoSuchPod(pod.clone()));
        }
        Err(Error::NoSuchTask {
            pod: pod.clone(),
            task: task.clone(),
        })
    }
}

/// Leaves a command where nobody else can read it: its variables may be secrets.
fn leave(exec: &ExecSpec) -> io::Result<OwnedFd> {
    let name = CString::from(c"livery-exec");
    let descriptor = rustix::fs::memfd_create(name, MemfdFlags::CLOEXEC)?;
    let mut file = fs::File::from(descriptor);
    file.write_all(&serde_json::to_vec(exec)?)?;
    rustix::fs::seek(&file, rustix::fs::SeekFrom::Start(0))?;
    Ok(file.into())
}
