//! Files that are wrong, each with the code and the place (line:column) of every mistake in it.

use livery_jobfile::parse;

/// Checks each file of a group: `(file, "CODE line:column+length, ...")`.
fn check(group: &[(&str, &str)]) {
    let mut wrong = Vec::new();
    for (text, expected) in group {
        let found = match parse(text, "job.yaml") {
            Ok(_) => "no mistake".to_owned(),
            Err(found) => {
                let one = |d: &livery_jobfile::Diagnostic| {
                    format!("{} {}:{}+{}", d.code, d.line, d.column, d.span_len)
                };
                found.iter().map(one).collect::<Vec<_>>().join(", ")
            }
        };
        if found != *expected {
            wrong.push(format!("{text:?}\n expected {expected}\n found    {found}"));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn what_is_no_yaml_or_too_much_yaml() {
    check(&[
        ("", "JOB013 1:1+1"),
        ("# only a comment\n", "JOB013 1:1+1"),
        ("just text", "JOB020 1:1+9"),
        ("- run: x\n", "JOB020 1:1+8"),
        ("run: [a\n", "JOB001 1:6+1"),
        ("run: \"a\n", "JOB001 1:6+1"),
        ("run: a: b\n", "JOB001 1:7+1"),
        ("run: x\n\tname: y\n", "JOB001 2:1+1"),
        ("run: x\n  name: y\n", "JOB001 2:7+1"),
        ("run: x\n---\nrun: y\n", "JOB004 2:1+3"),
        ("run: &a x\nsetup: *a\n", "JOB005 1:6+4, JOB005 2:8+2"),
        ("run: x\nenvs:\n  <<: {A: b}\n", "JOB005 3:3+2"),
        ("run: !!str x\n", "JOB005 1:6+7"),
        ("run: x\nname: *y\n", "JOB005 2:7+1"),
        ("run: @x\n", "JOB001 1:6+1"),
        ("run: x\n? [a]\n: b\n", "JOB020 2:3+3"),
        ("run: x\nrun: y\n", "JOB012 2:1+3"),
        ("run: x\nenvs:\n  A: 1\n  B: 2\n  A: 3\n", "JOB012 5:3+1"),
    ]);
}

#[test]
fn keys_that_are_wrong() {
    check(&[
        ("name: a\n", "JOB013 1:1+4"),
        ("run: x\nresource:\n  cpus: 4\n", "JOB010 2:1+8"),
        ("Run: x\n", "JOB010 1:1+3"),
        ("run: x\nbanana: 1\n", "JOB010 2:1+6"),
        ("run: x\naccelerators: A100\n", "JOB010 2:1+12"),
        (
            "run: x\nresources:\n  gpus: A100\n  envs: {}\n",
            "JOB010 3:3+4, JOB010 4:3+4",
        ),
        ("run: x\nservice:\n  port: 80\n", "JOB011 2:1+7"),
        (
            "run: x\nresources: {cloud: aws, region: x}\n",
            "JOB011 2:13+5, JOB011 2:25+6",
        ),
        ("run: x\nbudget:\n  max_cost: 5\n", "JOB010 3:3+8"),
        ("run: x\ncheckpoint:\n  interval: 5m\n", "JOB013 3:3+8"),
        ("run: x\nvalidate:\n  - name: y\n", "JOB013 3:5+4"),
        (
            "run: x\nresources:\n  any_of:\n    - any_of: []\n",
            "JOB010 4:7+6",
        ),
    ]);
}

#[test]
fn types_that_are_wrong() {
    check(&[
        ("run: 42\n", "JOB020 1:6+2"),
        ("run:\n", "JOB020 1:1+3"),
        ("run: [a, b]\n", "JOB020 1:6+6"),
        ("run: \"\"\n", "JOB021 1:6+2"),
        ("run: x\nname: true\n", "JOB020 2:7+4"),
        ("run: x\nresources: 4\n", "JOB020 2:12+1"),
        ("run: x\nresources:\n", "JOB020 2:1+9"),
        ("run: x\nresources:\n  use_spot: yes\n", "JOB020 3:13+3"),
        ("run: x\nresources:\n  cpus: [4]\n", "JOB020 3:9+3"),
        ("run: x\nenvs: [A=b]\n", "JOB020 2:7+5"),
        ("run: x\nenvs:\n  A: [1]\n", "JOB020 3:6+3"),
        ("run: x\noutputs: [1, a]\n", "JOB020 2:11+1"),
        (
            "run: x\nworkdir:\n  url: https://example.org/x.git\n",
            "JOB011 3:3+30",
        ),
        ("run: x\ntier: best\n", "JOB021 2:7+4"),
    ]);
}

#[test]
fn amounts_that_are_absurd() {
    check(&[
        ("run: x\nresources:\n  memory: 10PB\n", "JOB022 3:11+4"),
        ("run: x\nresources:\n  memory: -4\n", "JOB022 3:11+2"),
        ("run: x\nresources:\n  memory: 0\n", "JOB022 3:11+1"),
        ("run: x\nresources:\n  cpus: 1000000\n", "JOB022 3:9+7"),
        ("run: x\nresources:\n  cpus: four\n", "JOB021 3:9+4"),
        ("run: x\nresources:\n  disk_size: 100+\n", "JOB021 3:14+4"),
        (
            "run: x\nresources:\n  disk_size: 99999999999999999999999\n",
            "JOB022 3:14+23",
        ),
        ("run: x\nresources:\n  ports: 70000\n", "JOB022 3:10+5"),
        (
            "run: x\nresources:\n  ports: [80, 90-80]\n",
            "JOB021 3:15+5",
        ),
        (
            "run: x\nresources:\n  accelerators: A100:0\n",
            "JOB022 3:17+6",
        ),
        (
            "run: x\nresources:\n  accelerators: {A100: 100}\n",
            "JOB022 3:24+3",
        ),
        ("run: x\nresources:\n  accelerators: {}\n", "JOB021 3:17+2"),
        ("run: x\nresources:\n  min_vram: 1MB\n", "JOB022 3:13+3"),
        ("run: x\nnum_nodes: 4\n", "JOB030 2:12+1"),
        ("run: x\nnum_nodes: 0\n", "JOB022 2:12+1"),
        (
            "run: x\nbudget: {max_total: -5, max_hours: 0, max_hourly: 1e3}\n",
            "JOB022 2:21+2, JOB022 2:36+1, JOB021 2:51+3",
        ),
        (
            "run: x\ncheckpoint: {dir: /workspace/c, interval: 60}\n",
            "JOB021 2:43+2",
        ),
        (
            "run: x\nvalidate: [{run: a, timeout: 0s}]\n",
            "JOB022 2:30+2",
        ),
    ]);
}

#[test]
fn paths_that_escape_or_are_elsewhere() {
    check(&[
        ("run: x\nfile_mounts:\n  ../data: ./data\n", "JOB032 3:3+7"),
        (
            "run: x\nfile_mounts:\n  /workspace/../../etc: ./data\n",
            "JOB032 3:3+20",
        ),
        ("run: x\nfile_mounts:\n  /proc/1: ./data\n", "JOB032 3:3+7"),
        ("run: x\nfile_mounts:\n  /: ./data\n", "JOB032 3:3+1"),
        (
            "run: x\nfile_mounts:\n  /data: s3://bucket/x\n",
            "JOB031 3:10+13",
        ),
        (
            "run: x\nfile_mounts:\n  /data: hf://datasets/x\n",
            "JOB031 3:10+15",
        ),
        (
            "run: x\nfile_mounts:\n  /data:\n    source: gs://b\n    mode: MOUNT\n",
            "JOB031 4:5+14",
        ),
        (
            "run: x\nfile_mounts:\n  /data: ${HOME}/x\n",
            "JOB021 3:10+9",
        ),
        (
            "run: x\nfile_mounts:\n  /data: ./a\n  /data/: ./b\n",
            "JOB023 4:3+6",
        ),
        ("run: x\noutputs: ../x\n", "JOB032 2:10+4"),
        (
            "run: x\noutputs: [/etc/passwd, \"a[\"]\n",
            "JOB032 2:11+11, JOB021 2:24+4",
        ),
        ("run: x\ncheckpoint: {dir: /data/c}\n", "JOB032 2:19+7"),
        ("run: x\ncheckpoint: {dir: /workspace}\n", "JOB032 2:19+10"),
    ]);
}

#[test]
fn volumes_that_no_pod_can_have() {
    check(&[
        ("run: x\nvolumes:\n  /proc/1: data\n", "JOB032 3:3+7"),
        ("run: x\nvolumes:\n  /usr: data\n", "JOB032 3:3+4"),
        ("run: x\nvolumes:\n  /mnt: a b\n", "JOB021 3:9+3"),
        ("run: x\nvolumes:\n  /mnt: -x\n", "JOB021 3:9+2"),
        ("run: x\nvolumes:\n  /mnt:\n    size: 5Gi\n", "JOB011 4:5+9"),
        ("run: x\nvolumes: [data]\n", "JOB020 2:10+6"),
        ("run: x\nvolumes:\n  /a: data\n  /b: more\n", "JOB023 4:3+2"),
        (
            "run: x\nvolumes:\n  /data: data\nfile_mounts:\n  /data: .\n",
            "JOB023 3:3+5",
        ),
        (
            "run: x\nresources: {volume_size: 9}\nvolumes: {/workspace: data}\n",
            "JOB023 3:11+10",
        ),
        ("run: x\nresources: {volumes: []}\n", "JOB011 2:13+7"),
        ("run: x\nnetworkVolumeId: abc\n", "JOB010 2:1+15"),
    ]);
}

#[test]
fn names_and_contradictions() {
    check(&[
        ("run: x\nname: a b\n", "JOB021 2:7+3"),
        ("run: x\nsuppliers: [RunPod]\n", "JOB021 2:13+6"),
        ("run: x\nenvs: {1A: x}\n", "JOB040 2:8+2"),
        ("run: x\nenvs: {A: x}\nsecrets: {A: y}\n", "JOB023 3:11+1"),
        ("run: x\nenvs: {A: \"a\\0b\"}\n", "JOB021 2:11+6"),
        (
            "run: x\nresources:\n  image_id: ami-0123\n",
            "JOB011 3:13+8",
        ),
        ("run: x\nresources:\n  image_id: a b\n", "JOB021 3:13+3"),
        (
            "run: x\nresources:\n  any_of: [{cpus: 4}]\n  ordered: [{cpus: 8}]\n",
            "JOB023 4:12+11",
        ),
        ("run: x\nresources:\n  any_of: []\n", "JOB021 3:11+2"),
        (
            "run: x\nresources:\n  any_of:\n    - accelerators: [L4, T4]\n",
            "JOB023 4:21+8",
        ),
        (
            "run: x\nresources:\n  accelerators: [L4, T4]\n  any_of: [{cpus: 4}]\n",
            "JOB023 3:17+8",
        ),
    ]);
}

#[test]
fn files_that_are_too_much() {
    let deep = format!("run: x\nenvs: {}1{}\n", "[".repeat(200), "]".repeat(200));
    let large = format!("run: x\n# {}\n", "a".repeat(1 << 20));
    let many = (0..5_000)
        .map(|n| format!("key{n}: 1\n"))
        .collect::<String>();
    let codes = |text: &str| {
        let found = parse(text, "job.yaml").unwrap_err();
        (found.len(), found[0].code.as_str(), found[0].line)
    };
    assert_eq!(codes(&deep), (1, "JOB006", 2));
    assert_eq!(codes(&large), (1, "JOB002", 1));
    assert_eq!(codes(&many), (100, "JOB010", 1));
    let list = format!("run: x\noutputs: [{}]\n", "a,".repeat(2_000));
    let map = (0..2_000)
        .map(|n| format!("  K{n}: 1\n"))
        .collect::<String>();
    let ports = "run: x\nresources:\n  ports: [1-1000, 2000-2999]\n";
    assert_eq!(codes(&list), (1, "JOB022", 2));
    assert_eq!(codes(&format!("run: x\nenvs:\n{map}")), (1, "JOB022", 3));
    assert_eq!(codes(ports), (1, "JOB022", 3));
    let bomb = "a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\nrun: *c\n";
    assert!(
        parse(bomb, "job.yaml")
            .unwrap_err()
            .iter()
            .any(|d| d.code.as_str() == "JOB005")
    );
}
