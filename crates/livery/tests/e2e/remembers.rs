//! A control plane that was killed comes back with the settings that it was started with.

use crate::support::{Victim, World};
use std::process::Stdio;

#[test]
fn prices_and_gpus_are_the_same_after_a_kill() {
    let Some(world) = World::with(&["--save", "--simulate-gpus", "RTX 4090:2"]) else {
        return;
    };
    let before = world.ok(&["offers", "--json"]);
    assert!(before.contains("RTX 4090"), "{before}");
    world.kill(Victim::ControlPlane);
    let mut command = world.command(&["offers", "--json"]);
    command.env_remove("LIVERY_NO_START");
    let after = world.run_command(command, Stdio::null()).finish();
    let after = after.expect(0).says(&["started a control plane"]).out;
    let figures = |text: &str| {
        let offers: serde_json::Value = serde_json::from_str(text).unwrap();
        let offers = offers.as_array().unwrap().iter();
        let figures = offers.map(|offer| (offer["gpus"].clone(), offer["price"].clone()));
        figures.collect::<Vec<_>>()
    };
    assert_eq!(figures(&after), figures(&before));
    world.ok(&["serve", "--stop"]);
    world.finish();
}
