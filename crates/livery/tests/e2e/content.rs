//! What an account may not run or keep is refused before anything of it is sent.

use crate::support::{Ran, World, free_port};
use serde_json::Value;
use std::fs;
use std::process::Stdio;

#[test]
fn nothing_is_sent_of_a_job_that_its_account_may_not_run_or_keep() {
    let address = format!("127.0.0.1:{}", free_port());
    let Some(world) = World::with(&["--listen", &address]) else {
        return;
    };
    let json = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    let made = json(&world.ok(&["account", "create", "poor", "--json"]));
    let token = made["token"]["token"].as_str().unwrap();
    let run = || -> Ran {
        let mut command = world.command(&["run", "job.yaml"]);
        command
            .env("LIVERY_SERVER", format!("http://{address}"))
            .env("LIVERY_TOKEN", token);
        world.run_command(command, Stdio::null()).finish()
    };
    let kept = || json(&world.ok(&["account", "show", "poor", "--json"]))["content"].clone();

    let data = world.work().join("data");
    fs::create_dir(&data).unwrap();
    let noise: Vec<u8> = (0..2_u64 << 20)
        .map(|at| (at.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as u8)
        .collect();
    fs::write(data.join("weights"), noise).unwrap();
    let small = "cpus: 1, memory: 256MB, disk_size: 128MB, volume_size: 128MB";
    let job = format!("workdir: data\nresources: {{image_id: 'busybox', {small}}}\nrun: id\n");
    fs::write(world.work().join("job.yaml"), job).unwrap();

    run().expect(1).says(&["MON001", "top the account up"]);
    assert_eq!(kept(), 0);

    world.ok(&["account", "grant", "poor", "10"]);
    world.ok(&["account", "set", "poor", "--content-quota", "1MB"]);
    run().expect(2).says(&["may keep 1 MiB", "--drop"]);
    assert_eq!(kept(), 0);
    let shown = world.ok(&["account", "show", "poor"]);
    assert!(shown.contains("0 B of 1 MiB"), "{shown}");
}
