//! `livery run` with files that are wrong: every mistake is pointed at and nothing is launched.

use super::plane::{Plane, same_as_kept};

#[test]
fn mistakes_are_pointed_at_before_anything_is_started() {
    let plane = Plane::new();
    plane.write(
        "job.yaml",
        "nmae: try\nresources:\n  cpus: lots\n  memory: 10PB\nfile_mounts:\n  ../escape: .\nrun: true\n",
    );
    let ran = plane.run(&["run", "job.yaml"]).expect(2);
    assert_eq!(ran.out, "");
    same_as_kept("mistakes.txt", &ran.err);
    assert!(
        !plane.data().exists(),
        "a control plane was started for a broken file"
    );
}

#[test]
fn files_that_are_none_are_refused_by_name() {
    let plane = Plane::new();
    plane
        .run(&["run", "missing.yaml"])
        .expect(2)
        .says(&["missing.yaml"]);
    plane
        .run(&["run", "."])
        .expect(2)
        .says(&["cannot read the job file"]);
    std::fs::write(plane.work().join("binary"), [0xff, 0xfe, 0x00]).unwrap();
    plane
        .run(&["run", "binary"])
        .expect(2)
        .says(&["binary:1:1", "UTF-8"]);
    plane.write("empty.yaml", "");
    plane
        .run(&["run", "empty.yaml"])
        .expect(2)
        .says(&["empty.yaml", "empty"]);
}

#[test]
fn paths_that_are_not_there_are_pointed_at() {
    let plane = Plane::new();
    plane.write(
        "job.yaml",
        "workdir: nowhere\nfile_mounts:\n  /workspace/a: gone\nrun: echo\n",
    );
    let ran = plane.run(&["run", "job.yaml"]).expect(2);
    ran.says(&["job.yaml:1:10", "nowhere", "job.yaml:3:", "gone"]);
}

#[test]
fn values_that_only_the_command_line_has_are_asked_for() {
    let plane = Plane::new();
    plane.write("job.yaml", "envs:\n  TOKEN: null\nrun: echo\n");
    plane
        .run(&["run", "job.yaml"])
        .expect(2)
        .says(&["TOKEN", "--env TOKEN=VALUE"]);
    let odd = plane.run(&["run", "job.yaml", "--env", "1X=2"]).expect(2);
    odd.says(&["1X"]);
    let unset = plane.run(&["run", "job.yaml", "--env", "TOKEN"]).expect(2);
    unset.says(&["TOKEN is not set here"]);
}

#[test]
fn a_job_that_no_offer_fits_is_explained() {
    let plane = Plane::started();
    plane.write(
        "job.yaml",
        "resources:\n  accelerators: H100:8\nrun: echo\n",
    );
    let ran = plane.run(&["run", "job.yaml", "--explain"]).expect(1);
    ran.says(&["no offer fits this job"]);
    assert!(
        plane
            .run(&["runs", "--json"])
            .expect(0)
            .json()
            .as_array()
            .unwrap()
            .is_empty()
    );
}

#[test]
fn a_job_without_any_host_fails_and_is_torn_down() {
    let plane = Plane::started();
    plane.write("job.yaml", "name: alone\nrun: echo\n");
    let ran = plane.run(&["run", "job.yaml"]).expect(1);
    ran.says(&["nothing is on offer"]);
    let runs = plane.run(&["runs", "--json"]).expect(0).json();
    assert_eq!(runs[0]["outcome"], "failed");
    assert_eq!(runs[0]["name"], "alone");
    plane.run(&["results", "alone"]).expect(2).says(&["RUN004"]);
}

#[test]
fn a_detached_run_prints_its_id_and_only_that() {
    let plane = Plane::started();
    plane.write("job.yaml", "run: echo\n");
    let ran = plane
        .run(&["run", "job.yaml", "--detach", "--name", "named"])
        .expect(0);
    let id = ran.out.trim();
    assert!(
        id.starts_with("run_") && !id.contains(char::is_whitespace),
        "{}",
        ran.out
    );
    let shown = plane.run(&["run", "show", id, "--json"]).expect(0).json();
    assert_eq!(shown["name"], "named");
}
