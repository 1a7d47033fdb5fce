//! The pod's first process: it reaps, runs commands on request and passes signals on.
//!
//! It is this program itself, forked by the shim, so images need no init of their own. It runs as
//! the pod's root with the pod's capabilities and under its seccomp filter; whatever it starts
//! inherits all of that, so a command run later is confined exactly as the start command is.
//!
//! It never calls `execve`, so its memory belongs to the machine's user namespace. Being marked
//! undumpable as well, it can be neither traced nor inspected by root inside the pod: its open
//! descriptors, its memory and `/proc/1/exe` (this machine's program file) are closed to the pod.

mod devices;
mod files;
mod serve;
mod spawn;
mod users;

use std::collections::HashMap;
use std::fs::File;
use std::os::fd::{FromRawFd, OwnedFd, RawFd};
use std::os::unix::net::UnixListener;

use libcontainer::oci_spec::runtime::Spec;
use libcontainer::workload::{
    Executor, ExecutorError, ExecutorSetEnvsError, ExecutorValidationError,
};

pub(crate) use self::devices::Chores;
use crate::spec::CommandSpec;

/// First descriptor after the three streams, where the listener is put.
const LISTENER: RawFd = 3;

/// The one after it, where the shim hears whether the start command was started.
const REPORT: RawFd = 4;

/// What the first process has to know; it is carried over the fork.
#[derive(Debug, Clone)]
pub(crate) struct Init {
    /// The socket it serves, as a descriptor of the shim.
    pub listener: RawFd,
    /// Where to write why the start command was not started, as a descriptor of the shim. It is
    /// closed without a word once that is done.
    pub report: RawFd,
    /// The pod's own settings, on which every command builds.
    pub defaults: Defaults,
    /// What devices need done first.
    pub chores: Chores,
    /// The start command's arguments.
    pub start: Option<Vec<String>>,
}

/// What a command gets where it does not say otherwise.
#[derive(Debug, Clone)]
pub(crate) struct Defaults {
    pub env: Vec<(String, String)>,
    pub workdir: std::path::PathBuf,
    pub user: String,
    pub hostname: String,
}

impl Executor for Init {
    fn exec(&self, _: &Spec) -> Result<(), ExecutorError> {
        let (listener, report) = self
            .seal()
            .map_err(|error| ExecutorError::Execution(error.into()))?;
        self.chores.run();
        let start = self.start.clone().map(CommandSpec::new);
        let code = serve::run(listener, report, &self.defaults, start);
        std::process::exit(code);
    }

    fn validate(&self, _: &Spec) -> Result<(), ExecutorValidationError> {
        Ok(())
    }

    fn setup_envs(&self, _: HashMap<String, String>) -> Result<(), ExecutorSetEnvsError> {
        // Commands get variables of their own; this process needs none.
        Ok(())
    }
}

impl Init {
    /// Drops everything that came over from the shim and must not be near the pod.
    fn seal(&self) -> std::io::Result<(UnixListener, File)> {
        // SAFETY: plain system calls on numbers; after the fork this process has one thread, and
        // nothing below uses a descriptor that is closed here.
        unsafe {
            // The shim's death is the pod's: nobody would be left to record how it ended.
            if libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) != 0
                || libc::prctl(libc::PR_SET_DUMPABLE, 0) != 0
            {
                return Err(std::io::Error::last_os_error());
            }
            // First out of the way of each other, then to their places.
            let aside = |fd| libc::fcntl(fd, libc::F_DUPFD_CLOEXEC, REPORT + 1);
            let (listener, report) = (aside(self.listener), aside(self.report));
            if listener < 0
                || report < 0
                || libc::dup3(listener, LISTENER, libc::O_CLOEXEC) < 0
                || libc::dup3(report, REPORT, libc::O_CLOEXEC) < 0
            {
                return Err(std::io::Error::last_os_error());
            }
            // The other descriptors lead to directories and namespaces of the machine.
            if libc::syscall(libc::SYS_close_range, REPORT + 1, libc::c_uint::MAX, 0) != 0 {
                return Err(std::io::Error::last_os_error());
            }
            let name = c"livery-init";
            libc::prctl(libc::PR_SET_NAME, name.as_ptr());
            let report = OwnedFd::from_raw_fd(REPORT).into();
            Ok((OwnedFd::from_raw_fd(LISTENER).into(), report))
        }
    }
}
