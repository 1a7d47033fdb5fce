//! The keys of the job itself, and of its small mappings.

use super::resources::RESOURCES;
use super::{foreign, keys};
use crate::code::Code;
use crate::shape::{Shape, Table};

keys! {
    /// Keys at the top of a job file.
    JobKey as JOB_KEYS {
        Name = "name", Shape::Text, ["my-finetune"],
            "Name that listings show; the file's own name if there is none.";
        Workdir = "workdir", Shape::OneOf(&[Shape::Text, REPOSITORY]), [".", "~/my-code"],
            "Local directory that is copied into the pod; `setup` and `run` start in the copy.";
        NumNodes = "num_nodes", Shape::Integer(1, 1_000_000), ["1"],
            "Number of machines; only 1 is supported.";
        Resources = "resources", Shape::Table(|| &RESOURCES), ["\n  accelerators: RTX4090:1\n  memory: 32+"],
            "The machine that the job needs.";
        Envs = "envs", VALUES, ["\n  MODEL: llama\n  RANK: 8\n  RUN_TAG: null"],
            "Environment of `setup` and `run`. A name without a value must be given by `--env NAME=VALUE`.";
        Secrets = "secrets", VALUES, ["\n  HF_TOKEN: null"],
            "Environment of `setup` and `run` that is never shown. A name without a value must be given by `--secret NAME`.";
        FileMounts = "file_mounts", Shape::Map(&Shape::OneOf(&[Shape::Text, BUCKET])), ["\n  /data: ./data\n  ~/.cache/model: /models/base"],
            "Files and directories to copy into the pod: where they go, and the local path that they come from.";
        Volumes = "volumes", Shape::Map(&Shape::OneOf(&[Shape::Text, EPHEMERAL])), ["\n  /mnt/data: my-volume"],
            "The network volume that the pod has: where it is mounted, and its name or id. At /workspace it takes the place of the pod's own disk. What is on it stays when the run is over.";
        Setup = "setup", Shape::Text, ["pip install -r requirements.txt"],
            "Commands that prepare the pod; if they fail, `run` is not started.";
        Run = "run", Shape::Text, ["python train.py"],
            "Commands that do the work.";
        Outputs = "outputs", TEXTS, ["output/**", "[\"*.safetensors\", metrics.json]"],
            "Patterns under /workspace of files that are brought home, whether or not the job succeeded.";
        Checkpoint = "checkpoint", Shape::Table(|| &CHECKPOINT), ["\n  dir: /workspace/checkpoints\n  interval: 10m"],
            "Where the job leaves its checkpoints; the last one is brought home.";
        Budget = "budget", Shape::Table(|| &BUDGET), ["\n  max_hourly: 0.60\n  max_total: 5"],
            "What the run may cost; a run past it is stopped, pulled and torn down.";
        Idle = "idle", Shape::Table(|| &IDLE), ["\n  after: 30m\n  action: terminate"],
            "What happens when nothing goes on in the job's pod.";
        Validate = "validate", VALIDATE, ["python3 --version", "[nvidia-smi, python3 --version]", "\n  - name: disk is fast\n    run: dd if=/dev/zero of=/workspace/probe bs=1M count=500\n    timeout: 2m"],
            "Further checks of the fresh pod before anything is sent to it; each must end with 0.";
        Tier = "tier", Shape::OneOf(&[TIER, Shape::List(&TIER)]), ["secure", "[secure, local]"],
            "Where the machine may stand: a datacentre, somebody's home, this machine.";
        Suppliers = "suppliers", TEXTS, ["local", "[runpod, vast]"],
            "Suppliers that may be asked; all if none is named.";
    }
}

keys! {
    /// Keys of `budget`.
    #[expect(clippy::enum_variant_names, reason = "named after the keys, which share a prefix")]
    BudgetKey as BUDGET_KEYS {
        MaxHourly = "max_hourly", NUMBER_OR_TEXT, ["0.60", "$2.50"],
            "The highest price per hour, in dollars, that may be rented at.";
        MaxTotal = "max_total", NUMBER_OR_TEXT, ["5", "$12.50"],
            "The most that the whole run may cost, in dollars.";
        MaxHours = "max_hours", NUMBER_OR_TEXT, ["8", "0.5", "1h30m"],
            "The longest that the run may hold a machine, in hours or as a duration.";
    }
}

keys! {
    /// Keys of `idle`.
    IdleKey as IDLE_KEYS {
        After = "after", NUMBER_OR_TEXT, ["30m", "never"],
            "How long the pod must have done nothing: no CPU or GPU use, no session, no traffic, no writes; `never` if it is to be left alone although its account has a rule.";
        Action = "action", Shape::Word(&["remind", "terminate"]), ["remind", "terminate"],
            "Whether its user is reminded of it, or the run is ended; it is ended if not given.";
    }
}

keys! {
    /// Keys of `checkpoint`.
    CheckpointKey as CHECKPOINT_KEYS {
        Dir = "dir", Shape::Text, ["/workspace/checkpoints"],
            "Directory under /workspace that the job writes checkpoints to.";
        Interval = "interval", NUMBER_OR_TEXT, ["10m"],
            "How often a copy is taken while the job runs; only at its end if not given.";
    }
}

keys! {
    /// Keys of one of the checks under `validate`.
    GateKey as GATE_KEYS {
        Name = "name", Shape::Text, ["python is new enough"],
            "Name that the table of checks shows.";
        Run = "run", Shape::Text, ["python3 --version"],
            "Command that must end with 0.";
        Timeout = "timeout", NUMBER_OR_TEXT, ["2m"],
            "How long the command may take; one minute if not given.";
    }
}

const NUMBER_OR_TEXT: Shape = Shape::OneOf(&[Shape::Number, Shape::Text]);

const TEXTS: Shape = Shape::OneOf(&[Shape::Text, Shape::List(&Shape::Text)]);

/// Values of environment variables: whatever is no list, as it is written.
const VALUES: Shape = Shape::Map(&Shape::OneOf(&[
    Shape::Text,
    Shape::Number,
    Shape::Switch,
    Shape::Nothing,
]));

/// SkyPilot can clone a repository there.
const REPOSITORY: Shape = Shape::Refused(
    Code::ForeignKey,
    "SkyPilot's `workdir` of a repository is not supported by Livery",
    "clone the repository, and name the local directory",
);

/// SkyPilot can mount a bucket or a volume there.
const BUCKET: Shape = Shape::Refused(
    Code::RemoteSource,
    "SkyPilot's buckets and volumes are not supported under `file_mounts`",
    "name a local path, `/data: ./data`, or have a network volume: `volumes: {/data: NAME}`",
);

/// SkyPilot can have a volume made there for one job.
const EPHEMERAL: Shape = Shape::Refused(
    Code::ForeignKey,
    "SkyPilot's volumes that are made for one job are not supported by Livery",
    "make one with `livery volume create NAME --size 50GB`, and name it: `/mnt/data: NAME`",
);

const CHECK: Shape = Shape::OneOf(&[Shape::Text, Shape::Table(|| &GATE_COMMAND)]);

const VALIDATE: Shape = Shape::OneOf(&[Shape::Text, Shape::List(&CHECK)]);

const TIER: Shape = Shape::Word(&["secure", "community", "local"]);

pub(crate) static JOB: Table = Table {
    name: "job",
    doc: "A job that `livery run` takes through its eight steps.",
    keys: JOB_KEYS,
    needed: &["run"],
    foreign: foreign::JOB,
    meant: foreign::JOB_MEANT,
};

pub(crate) static BUDGET: Table = Table {
    name: "budget",
    doc: "What a run may cost.",
    keys: BUDGET_KEYS,
    needed: &[],
    foreign: &[],
    meant: foreign::BUDGET_MEANT,
};

pub(crate) static IDLE: Table = Table {
    name: "idle",
    doc: "What happens when nothing goes on in a job's pod.",
    keys: IDLE_KEYS,
    needed: &["after"],
    foreign: &[],
    meant: foreign::IDLE_MEANT,
};

pub(crate) static CHECKPOINT: Table = Table {
    name: "checkpoint",
    doc: "Where a job leaves its checkpoints.",
    keys: CHECKPOINT_KEYS,
    needed: &["dir"],
    foreign: &[],
    meant: foreign::CHECKPOINT_MEANT,
};

pub(crate) static GATE_COMMAND: Table = Table {
    name: "check",
    doc: "A check of the fresh pod.",
    keys: GATE_KEYS,
    needed: &["run"],
    foreign: &[],
    meant: foreign::GATE_MEANT,
};
