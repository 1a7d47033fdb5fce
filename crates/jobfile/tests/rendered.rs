//! Messages as users see them.

use livery_domain::job::Required;
use livery_jobfile::{JobFile, LocalBase, Overrides, parse, render_all};
use livery_units::Secret;
use std::collections::BTreeMap;

fn rendered(text: &str) -> String {
    render_all(&parse(text, "job.yaml").unwrap_err())
}

#[test]
fn every_mistake_is_shown_with_its_line_a_caret_and_what_to_do() {
    let text = "\
name: lora
resource:
  cpus: 4
run: python train.py
file_mounts:
  /data: s3://bucket/set
budget: {max_total: -5}
";
    let expected = "\
job.yaml:2:1: error[JOB010]: `resource` is not a key of `job`
  |
2 | resource:
  | ^^^^^^^^
  = help: did you mean `resources`?

job.yaml:6:10: error[JOB031]: `s3://` sources are not supported yet
  |
6 |   /data: s3://bucket/set
  |          ^^^^^^^^^^^^^^^
  = help: download the files on this machine, or in `setup`, and name a local path here

job.yaml:7:21: error[JOB022]: -$5.00 is not a possible limit
  |
7 | budget: {max_total: -5}
  |                     ^^
  = help: write dollars, such as 0.60 or $12; more than 0 and at most 1000000";
    assert_eq!(rendered(text), expected);
}

#[test]
fn hints_lead_to_the_right_key() {
    for (text, message, help) in [
        (
            "run: x\nresources:\n  gpus: A100\n",
            "`gpus` is not a key of `resources`",
            "did you mean `accelerators`?",
        ),
        (
            "run: x\ncpus: 4\n",
            "`cpus` is not a key of `job`",
            "`cpus` belongs under `resources`",
        ),
        (
            "run: x\nresources:\n  setup: y\n",
            "`setup` is not a key of `resources`",
            "`setup` belongs at the top of the file: take its indentation away",
        ),
        (
            "run: x\nstorage_mounts: {}\n",
            "SkyPilot's `storage_mounts` is not supported by Livery",
            "copy files in with `file_mounts` and bring them home with `outputs`",
        ),
        (
            "run: x\nnum_nodes: 2\n",
            "a job runs on one machine, and this one asks for 2",
            "set `num_nodes: 1`, and ask for more GPUs in one machine: `accelerators: H100:8`",
        ),
        (
            "run: x\nname: 007\n",
            "`name` takes text, but this is the number 007",
            "put it in quotes: \"007\"",
        ),
        (
            "run: x\nname: [\n",
            "this bracket is not closed",
            "close it, or write the list or mapping with one entry per line",
        ),
    ] {
        let shown = rendered(text);
        assert!(shown.contains(&format!("]: {message}\n")), "{shown}");
        assert!(shown.ends_with(&format!("= help: {help}")), "{shown}");
    }
}

#[test]
fn a_secret_is_not_in_a_message_about_its_value() {
    let text = "run: x\nsecrets:\n  TOKEN:\n    [hunter2]\n";
    let found = parse(text, "job.yaml").unwrap_err();
    assert!(
        !found[0].message.contains("hunter2")
            && !found[0].hint.as_ref().unwrap().contains("hunter2")
    );
    let job = parse("run: x\nsecrets: {TOKEN: hunter2}\n", "job.yaml").unwrap();
    assert!(!format!("{job:?}").contains("hunter2"));
}

#[test]
fn paths_that_are_not_there_are_pointed_at() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("code")).unwrap();
    std::fs::write(dir.path().join("data.bin"), "x").unwrap();
    let base = LocalBase {
        dir: dir.path().to_owned(),
        home: Some(dir.path().join("code")),
    };
    let check = |text: &str| JobFile::read(text, "job.yaml").unwrap().check_paths(&base);

    assert_eq!(
        check("run: x\nworkdir: code\nfile_mounts: {/a: ./data.bin, /b: ~/}\n"),
        Ok(())
    );
    let found = check("run: x\nworkdir: data.bin\nfile_mounts:\n  /a: ~/none\n").unwrap_err();
    let at = |i: usize| (found[i].code.as_str(), found[i].line, found[i].column);
    assert_eq!((at(0), at(1)), (("JOB033", 2, 10), ("JOB033", 4, 7)));
    assert!(found[0].message.ends_with("data.bin is not a directory"));
    assert!(found[1].message.ends_with("code/none is not there"));
}

#[test]
fn values_that_only_the_command_line_has_are_asked_for() {
    let text = "run: x\nenvs:\n  MODEL:\n  TAG: a\nsecrets:\n  TOKEN: null\n";
    let read = || JobFile::read(text, "job.yaml").unwrap();
    let required = &read().job().required.clone();
    assert!(required.envs.contains("MODEL") && required.secrets.contains("TOKEN"));

    let found = read().complete(&Overrides::default()).unwrap_err();
    let places: Vec<_> = found
        .iter()
        .map(|d| (d.code.as_str(), d.line, d.column))
        .collect();
    assert_eq!(places, [("JOB041", 3, 3), ("JOB041", 6, 3)]);
    assert!(found[1].render().contains("--secret TOKEN=VALUE"));

    let mut overrides = Overrides::default();
    let here = |name: &str| (name == "TOKEN").then(|| "t0p".to_owned());
    overrides.add_env("MODEL=llama=3", here).unwrap();
    overrides.add_env("TAG=b", here).unwrap();
    overrides.add_secret("TOKEN", here).unwrap();
    overrides.set_name("other").unwrap();
    let job = read().complete(&overrides).unwrap();
    assert_eq!(job.required, Required::default());
    assert_eq!(
        (job.envs["MODEL"].as_str(), job.envs["TAG"].as_str()),
        ("llama=3", "b")
    );
    assert_eq!(job.secrets["TOKEN"].expose(), "t0p");
    assert_eq!(job.name, "other");
}

#[test]
fn options_that_are_wrong_say_what_to_do() {
    let none = |_: &str| None;
    let mut overrides = Overrides::default();
    let said = [
        overrides.add_env("1A=b", none),
        overrides.add_secret("TOKEN", none),
        overrides.set_name("a b"),
    ]
    .map(|result| result.unwrap_err().to_string());
    assert!(said[0].starts_with("--env: `1A` is not a name for an environment variable ("));
    assert_eq!(
        said[1],
        "--secret TOKEN: TOKEN is not set here (write --secret TOKEN=VALUE, or export it)"
    );
    assert!(said[2].starts_with("--name: `a b` is not a name for a job ("));
    assert_eq!(overrides, Overrides::default());
}

#[test]
fn variables_of_a_submission_are_held_to_the_rules_of_a_file() {
    for (name, value) in [("", "x"), ("A=B", "x"), ("1A", "x"), ("A", "x\0")] {
        let envs: BTreeMap<String, String> = [(name.to_owned(), value.to_owned())].into();
        let secrets = [(name.to_owned(), Secret::new(value.to_owned()))].into();
        assert!(
            Overrides::of_values(envs, BTreeMap::new()).is_err(),
            "{name:?}"
        );
        assert!(
            Overrides::of_values(BTreeMap::new(), secrets).is_err(),
            "{name:?}"
        );
    }
}
