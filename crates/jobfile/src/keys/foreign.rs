//! What SkyPilot knows and Livery does not, and words that people write for our keys.

type Advice = &'static [(&'static str, &'static str)];

pub(super) const JOB: Advice = &[
    (
        "service",
        "a job file describes one job that ends; serving is not part of it",
    ),
    (
        "pool",
        "take the key away; every run gets a machine of its own",
    ),
    (
        "config",
        "take the key away; what is left to choose stands under `resources`, `budget` and `suppliers`",
    ),
    (
        "storage_mounts",
        "copy files in with `file_mounts` and bring them home with `outputs`",
    ),
    (
        "inputs",
        "take the key away; name the files to send under `file_mounts`",
    ),
    (
        "volume_mounts",
        "name a network volume under `volumes`: `/mnt/data: my-volume`",
    ),
    (
        "event_callback",
        "take the key away; `livery logs -f` follows a run",
    ),
    ("experimental", "take the key away"),
    (
        "api_server",
        "take the key away; `--server` or LIVERY_SERVER names the control plane",
    ),
    (
        "file_mounts_mapping",
        "take the key away; SkyPilot writes it for itself",
    ),
    (
        "_metadata",
        "take the key away; SkyPilot writes it for itself",
    ),
];

pub(super) const JOB_MEANT: Advice = &[
    ("command", "run"),
    ("cmd", "run"),
    ("commands", "run"),
    ("script", "run"),
    ("environment", "envs"),
    ("env_vars", "envs"),
    ("mounts", "file_mounts"),
    ("volume", "volumes"),
    ("network_volume", "volumes"),
    ("network_volumes", "volumes"),
    ("networkVolume", "volumes"),
    ("networkVolumeId", "volumes"),
    ("network_volume_id", "volumes"),
    ("files", "file_mounts"),
    ("working_dir", "workdir"),
    ("working_directory", "workdir"),
    ("nodes", "num_nodes"),
    ("artifacts", "outputs"),
    ("results", "outputs"),
    ("checks", "validate"),
];

const PLACE: &str = "take the key away; `suppliers` and `tier` say where a job may run";

pub(super) const RESOURCES: Advice = &[
    ("infra", PLACE),
    ("cloud", PLACE),
    ("region", PLACE),
    ("zone", PLACE),
    (
        "accelerator_args",
        "take the key away; TPUs are not offered",
    ),
    (
        "instance_type",
        "say what the machine must have: `accelerators`, `cpus`, `memory`",
    ),
    ("disk_tier", "take the key away; disks have one speed"),
    ("local_disk", "use `disk_size` and `volume_size`"),
    (
        "network_tier",
        "take the key away; a job runs on one machine",
    ),
    (
        "max_hourly_cost",
        "use `budget.max_hourly` at the top of the file",
    ),
    (
        "labels",
        "take the key away; every machine carries the name of its run",
    ),
    (
        "autostop",
        "take the key away; a run always ends with teardown, and `budget` limits it",
    ),
    (
        "autodown",
        "take the key away; a run always ends with teardown, and `budget` limits it",
    ),
    (
        "job_recovery",
        "take the key away; write checkpoints, and start the job again from the last",
    ),
    (
        "spot_recovery",
        "take the key away; write checkpoints, and start the job again from the last",
    ),
    (
        "priority",
        "take the key away; runs do not wait for each other",
    ),
    (
        "volumes",
        "name a network volume under `volumes` at the top of the file; `volume_size` is the size of \
         /workspace",
    ),
];

pub(super) const RESOURCES_MEANT: Advice = &[
    ("gpu", "accelerators"),
    ("gpus", "accelerators"),
    ("cpu", "cpus"),
    ("vcpus", "cpus"),
    ("ram", "memory"),
    ("mem", "memory"),
    ("disk", "disk_size"),
    ("storage", "disk_size"),
    ("volume", "volume_size"),
    ("image", "image_id"),
    ("docker", "image_id"),
    ("container", "image_id"),
    ("spot", "use_spot"),
    ("vram", "min_vram"),
    ("gpu_memory", "min_vram"),
    ("port", "ports"),
];

pub(super) const BUDGET_MEANT: Advice = &[
    ("max_cost", "max_total"),
    ("max_price", "max_hourly"),
    ("total", "max_total"),
    ("hourly", "max_hourly"),
    ("hours", "max_hours"),
    ("max_time", "max_hours"),
    ("timeout", "max_hours"),
];

pub(super) const IDLE_MEANT: Advice = &[
    ("minutes", "after"),
    ("timeout", "after"),
    ("idle_after", "after"),
    ("idle_action", "action"),
];

pub(super) const CHECKPOINT_MEANT: Advice = &[
    ("path", "dir"),
    ("directory", "dir"),
    ("every", "interval"),
    ("period", "interval"),
];

pub(super) const GATE_MEANT: Advice = &[("command", "run"), ("cmd", "run")];
