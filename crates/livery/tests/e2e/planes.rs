//! Two control planes on one database, each with a host of its own: each sees to its own pods, and one
//! that joins the host of another which was killed goes on with the pods there.

use crate::support::{Database, Ran, Running, Victim, World, until};
use livery_domain::pod::Phase;
use rustix::process::Signal;
use serde_json::Value;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

/// How long anything may take here, on a machine that does much else.
const PATIENCE: Duration = Duration::from_secs(180);

/// Returns a pod as the command line shows it; every control plane of the database can.
fn shown(world: &World, pod: &str) -> Value {
    serde_json::from_str(&world.ok(&["pods", "show", "--json", pod])).unwrap()
}

fn comes_to(world: &World, pod: &str, wanted: Phase) -> Value {
    until(&format!("the pod is {wanted}"), PATIENCE, || {
        let shown = shown(world, pod);
        let is_there = shown["phase"] == wanted.as_str()
            && (wanted != Phase::Terminated || !shown["ended"].is_null());
        is_there.then_some(shown)
    })
}

/// One more control plane, which comes to the host of another.
struct Heir<'w> {
    world: &'w World,
    data: PathBuf,
    process: Running,
}

impl<'w> Heir<'w> {
    fn of(world: &'w World, database: &Database) -> Self {
        let data = world.path().join("heir");
        let mut serve = world.command(&["serve", "--database", &database.url()]);
        serve.arg("--host-socket").arg(world.agent_socket());
        serve.env("LIVERY_DATA_DIR", &data);
        Self {
            world,
            data,
            process: world.run_command(serve, Stdio::null()),
        }
    }

    fn livery(&self, arguments: &[&str]) -> Ran {
        let mut command = self.world.command(arguments);
        command.env("LIVERY_DATA_DIR", &self.data);
        self.world.run_command(command, Stdio::null()).finish()
    }

    fn end(self) {
        self.process.signal(Signal::TERM);
        assert_eq!(self.process.finish().code, Some(0));
    }
}

#[test]
fn each_sees_to_its_own_pods_and_an_heir_to_those_of_the_dead() {
    let Some(database) = Database::new("livery_e2e_planes") else {
        return;
    };
    let Some(first) = World::on_database(&database.url()) else {
        return;
    };
    let second = World::on_database(&database.url()).unwrap();

    let own = [&first, &second].map(|world| {
        let stays = world.pod(&["--name", &format!("stays-{}", world.network())]);
        world.sh(&stays, "echo kept > /workspace/file").expect(0);
        let stops = world.pod(&["--stop-after", "10s"]);
        (world, stays, stops)
    });
    for (world, stays, stops) in &own {
        let stopped = comes_to(world, stops, Phase::Stopped);
        let why = stopped["reason"].as_str().unwrap_or_default();
        assert!(why.starts_with("stopped by its policy"), "{why}");
        // What nobody who can reach it looks at is not charged.
        until("it is charged", PATIENCE, || {
            let bill = world.ok(&["bill", "--by", "pod", "--json"]);
            let bill: Value = serde_json::from_str(&bill).unwrap();
            let mut lines = bill["lines"].as_array().unwrap().iter();
            lines.find(|line| line["id"] == stays.as_str()).map(drop)
        });
        for pod in [stays, stops] {
            let reason = shown(world, pod)["reason"].clone();
            let reason = reason.as_str().unwrap_or_default();
            assert!(!reason.contains("not connected"), "{reason}");
        }
    }
    let (_, pod, _) = &own[0];
    let refused = second.sh(pod, "true");
    assert_ne!(refused.code, Some(0));
    let socket = first.socket().display().to_string();
    refused.says(&["HST002", &socket]);

    first.kill(Victim::ControlPlane);
    let heir = Heir::of(&first, &database);
    let read = ["exec", "--no-stdin", pod, "--", "cat", "/workspace/file"];
    until("the heir reaches the pod", PATIENCE, || {
        let ran = heir.livery(&read);
        (ran.code == Some(0)).then(|| assert_eq!(ran.out, "kept\n"))
    });
    // Asked where only the rows are, it is done where the host is.
    second.ok(&["pod", "stop", pod]);
    comes_to(&second, pod, Phase::Stopped);
    second.ok(&["pod", "terminate", pod]);
    comes_to(&second, pod, Phase::Terminated);
    let (_, other, _) = &own[1];
    second.sh(other, "cat /workspace/file").expect(0);
    heir.end();
    first.finish();
    second.finish();
}
