//! A database that goes away and comes back: what runs goes on, and who follows it waits.

use crate::support::{Job, RunView, Server, World};

#[test]
fn a_run_is_followed_through_an_outage_of_the_database() {
    let Some(server) = Server::start() else {
        return;
    };
    let Some(world) = World::on_database(&server.url()) else {
        return;
    };
    let script = "mkdir -p /workspace/out\necho waiting\n\
                  while [ ! -e /workspace/go ]; do echo x >> /workspace/out/ticks; sleep 0.1; done\n\
                  echo done";
    Job::new("outlives", script)
        .with("outputs: ['out/**']")
        .write(&world);
    let mut attached = world.spawn(&["run", "job.yaml"]);
    attached.until_out("waiting");
    let run = RunView::newest(&world);
    let pod = run.now().unwrap().pod.unwrap().to_string();
    server.stop();
    attached.until_err("cannot reach its database");
    let refused = world.livery(&["runs"]).expect(1);
    refused.says(&["SRV002", "cannot reach its database", "what runs goes on"]);
    server.start_again();
    attached.until_err("connected again");
    world.sh(&pod, "touch /workspace/go").expect(0);
    let ran = attached.finish().expect(0);
    assert_eq!(ran.out, "waiting\ndone\n");
    let said = ran.err;
    assert!(!said.contains("disk"), "{said}");
    assert!(world.work().join("results/outlives/out/ticks").exists());
    world.finish();
}
