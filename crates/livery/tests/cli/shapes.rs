//! What `--json` prints: the shapes that scripts rely on.

use super::plane::Plane;
use serde_json::Value;

fn keys(value: &Value) -> Vec<&str> {
    let object = value.as_object().unwrap();
    object.keys().map(String::as_str).collect()
}

#[test]
fn listings_without_anything_are_empty_lists() {
    let plane = Plane::started();
    for arguments in [
        &["pods", "--json"][..],
        &["pods", "--all", "--json"],
        &["runs", "--json"],
        &["offers", "--json"],
        &["token", "list", "--json"],
    ] {
        let list = plane.run(arguments).expect(0).json();
        assert_eq!(list, Value::Array(Vec::new()), "{arguments:?}");
    }
}

#[test]
fn runs_have_the_fields_that_scripts_read() {
    let plane = Plane::started();
    plane.write("job.yaml", "name: shape\nrun: echo\n");
    plane.run(&["run", "job.yaml"]).expect(1);
    let runs = plane.run(&["runs", "--json"]).expect(0).json();
    assert_eq!(
        keys(&runs[0]),
        [
            "cancel_requested",
            "created",
            "ended",
            "exit_code",
            "id",
            "job_file",
            "name",
            "outcome",
            "pod",
            "reason",
            "results",
            "step",
            "step_began",
        ]
    );
}

#[test]
fn tasks_tell_of_their_last_activation() {
    let plane = Plane::started();
    let tasks = plane.run(&["debug", "tasks", "--json"]).expect(0).json();
    let names: Vec<&str> = tasks
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|task| task["name"].as_str())
        .collect();
    assert!(
        names.contains(&"pod-reconciler") && names.contains(&"run-reconciler"),
        "{names:?}"
    );
    let expected = [
        "activations",
        "began",
        "name",
        "period_ms",
        "report",
        "took_ms",
    ];
    assert_eq!(keys(&tasks[0]), expected);
}

#[test]
fn the_doctor_tells_of_everything_it_looked_at() {
    let plane = Plane::new();
    let ran = plane.run(&["doctor", "--json"]);
    let findings = ran.json();
    let names: Vec<&str> = findings
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|finding| finding["name"].as_str())
        .collect();
    for name in [
        "kernel",
        "cgroups",
        "user namespaces",
        "overlayfs",
        "loop devices",
        "mkfs.ext4",
        "GPUs",
        "disk",
    ] {
        assert!(names.contains(&name), "{names:?}");
    }
    let is_bad = |finding: &Value| finding["health"] == "bad";
    let some_bad = findings.as_array().unwrap().iter().any(is_bad);
    assert_eq!(ran.code, Some(i32::from(some_bad)));
    for finding in findings.as_array().unwrap() {
        let needs_mending = finding["health"] != "good";
        assert_eq!(finding["mend"].is_string(), needs_mending, "{finding}");
    }
}
