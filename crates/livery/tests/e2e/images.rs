//! Images that cannot be had: the run or pod ends with the reason, and nothing is left.

use crate::support::{Door, PASSWORD, Registry, RunView, USER, World, free_port, push_busybox};
use base64::Engine;
use livery_domain::run::Outcome;
use livery_units::Money;
use std::fs;
use std::io::Write;
use std::process::Stdio;

fn job(world: &World, image: &str) -> &'static str {
    let text = format!("name: image\nresources: {{image_id: '{image}', cpus: 1}}\nrun: echo ran\n");
    fs::write(world.work().join("job.yaml"), text).unwrap();
    "job.yaml"
}

/// Runs a job on an image that cannot be had; returns why.
fn refused(world: &World, image: &str) -> String {
    let file = job(world, image);
    let ran = world
        .livery(&["run", file])
        .expect(1)
        .says(&["✗ 2/8 launch", "✓ 8/8 teardown"]);
    assert_eq!(ran.out, "");
    let run = RunView::newest(world).now().unwrap();
    assert_eq!(run.outcome, Outcome::Failed);
    run.reason.unwrap()
}

#[test]
fn a_missing_image_is_named() {
    let Some(world) = World::new() else { return };
    let missing = world.path().join("no-such-layout");
    let why = refused(&world, &format!("oci:{}", missing.display()));
    assert!(why.contains("no-such-layout"), "{why}");
    let archive = world.work().join("broken.tar");
    fs::write(&archive, "this is no archive").unwrap();
    let why = refused(&world, &format!("docker-archive:{}", archive.display()));
    assert!(why.contains("broken.tar"), "{why}");
    let create = [
        "pod",
        "create",
        "--image",
        &format!("oci:{}", missing.display()),
    ];
    world.livery(&create).expect(1).says(&["no-such-layout"]);
    world.finish();
}

#[test]
fn an_image_reference_that_is_none_is_the_users_mistake() {
    let Some(world) = World::new() else { return };
    let file = job(&world, "UPPER/Case:::");
    world.livery(&["run", file]).expect(2).says(&["image"]);
    world
        .livery(&["pod", "create", "--image", "UPPER/Case:::"])
        .expect(2);
    assert_eq!(world.ok(&["pods", "--all", "--json"]).trim(), "[]");
    world.finish();
}

#[test]
fn an_unreachable_registry_is_named() {
    let registry = format!("127.0.0.1:{}", free_port());
    let Some(world) = World::with(&["--insecure-registry", &registry]) else {
        return;
    };
    let why = refused(&world, &format!("{registry}/some/image:1"));
    assert!(why.contains(&registry), "{why}");
    world.finish();
}

#[test]
fn a_wrong_password_is_told_apart_from_a_missing_image() {
    let Some(registry) = Registry::start(Door::Locked) else {
        return;
    };
    let address = format!("127.0.0.1:{}", registry.port);
    let Some(world) = World::with(&["--insecure-registry", &address]) else {
        return;
    };
    let image = format!("{address}/some/image:1");
    let config = world.home().join(".docker/config.json");
    fs::create_dir(world.home().join(".docker")).unwrap();
    let log_in = |password: &str| {
        let auth = base64::engine::general_purpose::STANDARD.encode(format!("{USER}:{password}"));
        let text = format!(r#"{{"auths": {{"{address}": {{"auth": "{auth}"}}}}}}"#);
        fs::write(&config, text).unwrap();
    };
    let anonymous = refused(&world, &image);
    log_in("wrong");
    let wrong = refused(&world, &image);
    log_in(PASSWORD);
    let right = refused(&world, &image);
    for why in [&anonymous, &wrong] {
        assert!(
            why.contains("password") || why.contains("log in") || why.contains("credentials"),
            "{why}"
        );
    }
    assert_ne!(wrong, right);
    assert!(right.contains("not") && right.contains("image"), "{right}");
    for why in [&anonymous, &wrong, &right] {
        assert!(!why.contains(PASSWORD), "{why}");
    }
    // What Livery itself was told counts more than what Docker was told.
    log_in("wrong");
    let mut login = world.command(&[
        "registry",
        "login",
        &address,
        "-u",
        USER,
        "--password-stdin",
    ]);
    let mut child = login.stdin(Stdio::piped()).spawn().unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(PASSWORD.as_bytes())
        .unwrap();
    assert!(child.wait().unwrap().success());
    assert_eq!(refused(&world, &image), right);
    world.ok(&["registry", "logout", &address]);
    assert_eq!(refused(&world, &image), wrong);
    world.finish();
}

#[test]
fn a_pod_whose_command_is_not_there_is_gone_and_free() {
    let Some(registry) = Registry::start(Door::Open) else {
        return;
    };
    let Some(image) = push_busybox(&registry) else {
        return;
    };
    let prices = ["--storage-price", "1000", "--stopped-storage-price", "1000"];
    let Some(world) = World::with(&prices) else {
        return;
    };
    let create = ["pod", "create", "--image", &image, "--", "/nonexistent"];
    world
        .livery(&create)
        .expect(1)
        .says(&["`/nonexistent` was not found in the pod"]);
    assert_eq!(world.ok(&["pods", "--json"]).trim(), "[]");
    let all: serde_json::Value =
        serde_json::from_str(&world.ok(&["pods", "--all", "--json"])).unwrap();
    assert_eq!(all[0]["phase"], "terminated");
    assert!(
        all[0]["reason"].as_str().unwrap().contains("/nonexistent"),
        "{all}"
    );
    let balance: serde_json::Value =
        serde_json::from_str(&world.ok(&["balance", "--json"])).unwrap();
    for figure in ["left", "uncharged", "spent_day", "hourly"] {
        let figure: Money = balance[figure].as_str().unwrap().parse().unwrap();
        assert_eq!(figure, Money::ZERO, "{balance}");
    }
    world.finish();
}
