//! Files that are right, and the jobs that they mean.

use livery_domain::gpu::GpuModel;
use livery_domain::job::{Alternatives, Bound, Job, Required, Resources, SMALLEST_DISK};
use livery_domain::offer::{Pricing, Tier};
use livery_domain::pod::{IdleAction, IdlePolicy};
use livery_jobfile::{JobFile, Overrides, parse, render_all};
use livery_units::{Bytes, Money, Span};

fn good(text: &str) -> Job {
    parse(text, "jobs/train.yaml").unwrap_or_else(|found| panic!("{}", render_all(&found)))
}

fn machines(resources: &str) -> Alternatives {
    good(&format!("run: x\nresources:\n{resources}")).resources
}

#[test]
fn the_smallest_job_has_a_name_and_takes_any_machine() {
    let job = good("run: echo hi");
    assert_eq!((job.name.as_str(), job.run.as_str()), ("train", "echo hi"));
    assert_eq!(job.resources, Alternatives::default());
    assert_eq!((job.required, job.num_nodes), (Required::default(), 1));
}

#[test]
fn every_key_has_its_meaning() {
    let job = good(include_str!("every-key.yaml"));
    assert_eq!(job.name, "llama-lora");
    assert_eq!(job.workdir.unwrap().to_str(), Some("./code"));
    let one = &job.resources.as_slice()[0];
    assert_eq!(one.accelerators[0].to_string(), "1x RTX 4090");
    assert_eq!(one.min_vram, Some(Bytes::gib(20)));
    assert_eq!(one.vcpu_milli, Some(Bound::AtLeast(4_000)));
    assert_eq!(one.memory, Some(Bound::AtLeast(Bytes::gib(16))));
    assert_eq!(
        (one.disk_size, one.volume_size),
        (Some(Bytes::gib(50)), Some(Bytes::gib(200)))
    );
    assert_eq!(one.ports, [22, 8080, 8081, 8082]);
    assert_eq!(one.image.as_deref(), Some("ubuntu:22.04"));
    assert_eq!(one.pricing, Pricing::Spot);
    assert_eq!(job.envs["LR"], "1e-4");
    assert_eq!(job.envs["FAST"], "true");
    assert_eq!(job.envs["EMPTY"], "");
    assert!(job.required.secrets.contains("HF_TOKEN"));
    let mounts: Vec<_> = job
        .file_mounts
        .iter()
        .map(|mount| mount.dest.as_str())
        .collect();
    assert_eq!(
        mounts,
        ["/data", "/root/.cache/model", "/workspace/workdir/config"]
    );
    assert_eq!(job.volume.unwrap().to_string(), "my-volume:/mnt/sets");
    let outputs: Vec<_> = job.outputs.iter().map(|output| output.as_str()).collect();
    assert_eq!(outputs, ["output/**", "logs/*.json"]);
    let checkpoint = job.checkpoint.unwrap();
    assert_eq!(checkpoint.dir.as_str(), "/workspace/checkpoints");
    assert_eq!(checkpoint.interval, Some(Span::from_secs(600)));
    assert_eq!(job.budget.max_hourly, Some(Money::from_nanos(600_000_000)));
    assert_eq!(
        job.budget.max_total,
        Some(Money::from_nanos(12_500_000_000))
    );
    assert_eq!(job.budget.max_hours, Some(Span::from_secs(5_400)));
    let checks: Vec<_> = job
        .validate
        .iter()
        .map(|c| (c.name.as_str(), c.timeout.secs()))
        .collect();
    assert_eq!(checks, [("nvidia-smi", 60), ("python is new", 120)]);
    assert_eq!(job.tiers, [Tier::Secure, Tier::Local]);
    assert_eq!(job.suppliers[0].as_str(), "local");
    assert_eq!(job.setup.unwrap(), "pip install -r requirements.txt\n");
    assert_eq!(job.run, "set -e\npython train.py\n");
}

#[test]
fn a_network_volume_is_the_one_that_the_command_line_names() {
    let text = "run: x\nvolumes: {/workspace: data}\nresources: {disk_size: 50}\n";
    let job = good(text);
    // The container disk, and no disk of its own at the workspace.
    let disks = job.disks_wanted(&job.resources.as_slice()[0]);
    assert_eq!(disks, (Some(Bytes::gib(50)), Some(SMALLEST_DISK)));

    let mut overrides = Overrides::default();
    overrides.add_volume("other:/mnt/data").unwrap();
    let file = JobFile::read(text, "job.yaml").unwrap();
    let job = file.complete(&overrides).unwrap();
    let disks = job.disks_wanted(&job.resources.as_slice()[0]);
    assert_eq!(disks, (Some(Bytes::gib(50)), Some(Bytes::gib(50))));
    assert_eq!(job.volume.unwrap().to_string(), "other:/mnt/data");
    let wrong = overrides.add_volume("data:/etc").unwrap_err().to_string();
    assert!(
        wrong.starts_with("--network-volume: a volume at /etc would hide"),
        "{wrong}"
    );
}

#[test]
fn files_where_the_command_line_puts_a_volume_are_pointed_at() {
    let text = "run: x\nfile_mounts:\n  /data/sets: .\n  /data: ./one\n";
    let complete = |volume: &str| {
        let mut overrides = Overrides::default();
        overrides.add_volume(volume).unwrap();
        JobFile::read(text, "job.yaml")
            .unwrap()
            .complete(&overrides)
    };
    let refused = complete("keep:/data/").unwrap_err();
    let [one] = refused.as_slice() else {
        panic!("{refused:?}");
    };
    assert_eq!((one.code.as_str(), one.line), ("JOB023", 4));
    assert!(
        one.message.starts_with("/data is the network volume"),
        "{one:?}"
    );
    // Below it, and beside it, they may be.
    for volume in ["keep", "keep:/mnt", "keep:/data/other"] {
        assert!(complete(volume).is_ok(), "{volume}");
    }
}

#[test]
fn accelerators_are_written_in_any_of_skypilots_ways() {
    let names = |resources: &Resources| {
        let names = resources.accelerators.iter().map(ToString::to_string);
        names.collect::<Vec<_>>().join(" or ")
    };
    let all = |text: &str| match machines(&format!("  accelerators: {text}\n")) {
        Alternatives::Any(list) => list.iter().map(names).collect::<Vec<_>>().join(", "),
        Alternatives::Ordered(list) => list.iter().map(names).collect::<Vec<_>>().join(", then "),
    };
    assert_eq!(all("RTX4090"), "1x RTX 4090");
    assert_eq!(all("NVIDIA GeForce RTX 4090:2"), "2x RTX 4090");
    assert_eq!(all("{A100: 8, V100: 4}"), "8x A100 or 4x V100");
    assert_eq!(all("{A100:8, V100:4}"), "8x A100 or 4x V100");
    assert_eq!(all("{'L4:1', 'H100:1'}"), "1x L4 or 1x H100");
    assert_eq!(all("[L4:1, 'H100:2']"), "1x L4, then 2x H100");
    assert_eq!(all("[L4]"), "1x L4");
}

#[test]
fn alternatives_add_to_what_stands_beside_them() {
    let any = machines(
        "  cpus: 4+\n  any_of:\n    - accelerators: L4\n    - {cpus: 8, use_spot: true}\n",
    );
    let Alternatives::Any(list) = any else {
        panic!("{any:?}")
    };
    assert_eq!(list[0].vcpu_milli, Some(Bound::AtLeast(4_000)));
    assert_eq!(list[0].accelerators[0].model, GpuModel::parse("L4"));
    assert_eq!(list[1].vcpu_milli, Some(Bound::Exactly(8_000)));
    assert_eq!(list[1].pricing, Pricing::Spot);

    let ordered =
        machines("  ordered:\n    - accelerators: [H100, A100]\n    - accelerators: T4\n");
    let Alternatives::Ordered(list) = ordered else {
        panic!("{ordered:?}")
    };
    let models: Vec<_> = list
        .iter()
        .map(|r| r.accelerators[0].model.as_str())
        .collect();
    assert_eq!(models, ["H100", "A100", "T4"]);
}

#[test]
fn the_file_may_come_from_any_system() {
    let job = good("\u{feff}run: |\r\n  a\r\n  b\r\nname: n\r\n");
    assert_eq!((job.run.as_str(), job.name.as_str()), ("a\nb\n", "n"));
    let job = good("---\nrun: a\n...\n");
    assert_eq!(job.run, "a");
}

#[test]
fn jobs_in_the_documentation_are_jobs() {
    for text in [
        include_str!("../../../docs/reference/job-file.md"),
        include_str!("../../../README.md"),
    ] {
        let begun = text.split("```yaml\n").nth(1).unwrap();
        let job = good(begun.split("```").next().unwrap());
        assert_eq!(job.name, "lora");
    }
}

#[test]
fn the_example_is_a_job() {
    let job = good(include_str!("../../../examples/lora-digits/job.yaml"));
    assert_eq!(job.name, "lora-digits");
    assert_eq!(job.file_mounts.len(), 1);
}

#[test]
fn a_run_can_be_left_alone_when_it_is_idle() {
    let idle = |text: &str| good(&format!("run: x\nidle: {text}")).idle;
    for text in ["{after: never}", "{action: terminate, after: never}"] {
        assert_eq!(idle(text), Some(IdlePolicy::NEVER), "{text}");
    }
    let ended = idle("{after: 30m}").unwrap();
    assert_eq!(
        (ended.after, ended.action),
        (Span::from_secs(1_800), IdleAction::Terminate)
    );
    let mut overrides = Overrides::default();
    overrides.set_idle("never", IdleAction::Terminate).unwrap();
    let mut job = good("run: x\nidle: {after: 30m}");
    overrides.apply(&mut job);
    assert_eq!(job.idle, Some(IdlePolicy::NEVER));
}
