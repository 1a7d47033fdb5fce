//! The job that faults strike, and what must hold of it whatever was struck.

use super::{Job, RunView, World, digest, numbers, tree_of};
use livery_api::dto::Run;
use livery_domain::run::Outcome;
use std::fs;

/// How much of the machine the job takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Share {
    /// A whole processor, and many files to move.
    Large,
    /// Little, so that several run at once.
    Small,
}

/// Writes a job of which every step takes long enough to be met in its middle.
pub fn write_fault_job(world: &World, share: Share) {
    let (files, resources) = match share {
        Share::Large => (1_000, "cpus: 1, memory: 512MB, disk_size: 256MB"),
        Share::Small => (300, "cpus: 0.5, memory: 256MB, disk_size: 128MB"),
    };
    tree_of(&world.work().join("data"), files);
    tree_of(&world.work().join("code"), 20);
    let script = "echo ran >> /workspace/out/trainings\necho train began\n\
                  for i in 1 2 3 4 5 6 7 8 9 10; do echo tick $i; sleep 0.2; done\n\
                  seq 200000 > /workspace/out/numbers\ncp -a /workspace/data /workspace/out/";
    let setup = "mkdir -p /workspace/out\necho ran >> /workspace/out/setups\necho setup began\n\
                 sleep 1\necho setup done";
    Job::with_resources(resources, "fault", script)
        .script("setup", setup)
        .with("workdir: ./code\nvalidate: [sleep 1]\noutputs: ['out/**']")
        .with("file_mounts: {/workspace/data: ./data}")
        .write(world);
}

/// What the job of [`write_fault_job`] prints.
fn whole_log() -> String {
    let ticks: String = (1..=10).map(|number| format!("tick {number}\n")).collect();
    format!("setup began\nsetup done\ntrain began\n{ticks}")
}

/// Checks everything that must hold of a run that is over; its results are put into a directory of
/// that name.
pub fn check_over(world: &World, run: &RunView, over: &Run, place: &str) {
    let shown = world.ok(&["run", "show", &run.id]);
    assert!(shown.contains("total"), "a receipt is there:\n{shown}");
    if over.outcome == Outcome::Succeeded {
        let log = world.ok(&["logs", &run.id]);
        // A pod that was lost before training began had a predecessor, whose words are kept too.
        assert!(log.ends_with(&whole_log()), "{log}");
        assert!(over.results.is_some());
    }
    if over.results.is_some() {
        world.ok(&["results", &run.id, place]);
        let wanted = match over.outcome {
            Outcome::Succeeded => Wanted::Everything,
            Outcome::Pending | Outcome::Failed => Wanted::OnlyWhole,
            Outcome::Cancelled | Outcome::OverBudget => Wanted::OnlyWhole,
        };
        check_results(world, place, wanted);
    }
}

/// What results must hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    Everything,
    /// What is there must be whole, and need not be all.
    OnlyWhole,
}

/// Whatever came home is whole, and every command ran once.
pub fn check_results(world: &World, place: &str, wanted: Wanted) {
    let home = world.work().join(place).join("out");
    let is_there = |name: &str| wanted == Wanted::Everything || home.join(name).exists();
    for once in ["setups", "trainings"]
        .into_iter()
        .filter(|name| is_there(name))
    {
        assert_eq!(
            fs::read_to_string(home.join(once)).unwrap(),
            "ran\n",
            "{once}"
        );
    }
    if is_there("numbers") {
        let found = fs::read_to_string(home.join("numbers")).unwrap();
        assert!(found == numbers(200_000), "{} bytes", found.len());
    }
    if is_there("data") {
        let mut sent = digest(&world.work().join("data"));
        let found = digest(&home.join("data"));
        match wanted {
            Wanted::Everything => {}
            Wanted::OnlyWhole => sent.retain(|name, _| found.contains_key(name)),
        }
        assert_eq!(found, sent);
    }
}
