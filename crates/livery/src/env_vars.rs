//! Every environment variable that Livery reads, or sets for a job, in one list.
//!
//! A test compares this list with the sources and with `docs/reference/environment.md`.

/// An environment variable and what it is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EnvVar {
    /// Its name.
    pub name: &'static str,
    /// What it does, in one sentence.
    pub doc: &'static str,
}

/// All of them, in the order in which help shows them.
pub const ALL: &[EnvVar] = &[
    EnvVar {
        name: "LIVERY_SERVER",
        doc: "The control plane to talk to: a URL, or the path of a unix socket.",
    },
    EnvVar {
        name: "LIVERY_TOKEN",
        doc: "The token that a control plane reached over TCP wants.",
    },
    EnvVar {
        name: "LIVERY_DATA_DIR",
        doc: "Where this machine's control plane keeps its data.",
    },
    EnvVar {
        name: "LIVERY_SOCKET",
        doc: "The unix socket on which this machine's control plane listens.",
    },
    EnvVar {
        name: "LIVERY_NO_START",
        doc: "When set to true, no control plane is started for a command that finds none.",
    },
    EnvVar {
        name: "LIVERY_LOG",
        doc: "What `serve` and `host` log, such as `info` or `livery_engine=debug`.",
    },
    EnvVar {
        name: "LIVERY_REMIND",
        doc: "When off, no words on what runs; when always, reminders in logs too.",
    },
    EnvVar {
        name: "LIVERY_RUN_ID",
        doc: "Set for a job's commands: the id of their run.",
    },
    EnvVar {
        name: "LIVERY_POD_ID",
        doc: "Set for a job's commands: the id of the pod that they are in.",
    },
    EnvVar {
        name: "LIVERY_CHECKPOINT_DIR",
        doc: "Set for a job's commands: the job file's `checkpoint.dir`.",
    },
    EnvVar {
        name: "LIVERY_TEST_POSTGRES",
        doc: "A PostgreSQL server on which the store's tests make databases of their own.",
    },
    EnvVar {
        name: "LIVERY_TEST_SEED",
        doc: "The number of the year that the simulation of a year lives through.",
    },
    EnvVar {
        name: "LIVERY_SOAK_SEED",
        doc: "The number that the soak draws its kills from.",
    },
    EnvVar {
        name: "NO_COLOR",
        doc: "When set and not empty, nothing is printed in colour.",
    },
    EnvVar {
        name: "HOME",
        doc: "The caller's home: an ordinary user's data is under it.",
    },
    EnvVar {
        name: "XDG_DATA_HOME",
        doc: "Where an ordinary user's data is instead of `~/.local/share`.",
    },
    EnvVar {
        name: "XDG_CACHE_HOME",
        doc: "Where hashes of files that were read before are kept, instead of `~/.cache`.",
    },
    EnvVar {
        name: "XDG_RUNTIME_DIR",
        doc: "Where an ordinary user's socket is.",
    },
    EnvVar {
        name: "DBUS_SESSION_BUS_ADDRESS",
        doc: "The desktop session on which a control plane shows reminders.",
    },
    EnvVar {
        name: "PATH",
        doc: "Where `livery doctor` looks for the programs that a host needs.",
    },
    EnvVar {
        name: "VISUAL",
        doc: "The editor that `livery config edit` opens.",
    },
    EnvVar {
        name: "EDITOR",
        doc: "The same, when VISUAL is not set.",
    },
    EnvVar {
        name: "TERM",
        doc: "The kind of terminal, handed on to commands that get one in a pod.",
    },
];
