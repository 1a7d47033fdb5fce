//! Tests of the rules about floors and fences.

use super::*;
use crate::Dependency;

const FLOORS: &str = r#"
[[crate]]
name = "words"
floor = 0
about = "words"
[[crate]]
name = "core"
floor = 1
about = "the core"
[[crate]]
name = "other"
floor = 1
about = "beside the core"
[[fence]]
outside = ["sqlx"]
only = ["other"]
why = "SQL is in one place"
[purity]
floors = [0]
crates = ["tokio"]
paths = []
[limits]
file_lines = 1
function_lines = 1
[states]
enums = []
[bools]
allowed = []
[environment]
table = ""
reference = ""
dynamic = []
[errors]
reference = ""
not_codes = []
"#;

fn table() -> Table {
    toml::from_str(FLOORS).unwrap()
}

fn member(name: &str, dependencies: &[(&str, Kind)]) -> Member {
    let lines: Vec<String> = dependencies
        .iter()
        .map(|(name, _)| format!("{name} = \"1\"\n"))
        .collect();
    Member {
        name: name.to_owned(),
        manifest: format!("{name}/Cargo.toml"),
        manifest_text: format!(
            "[lints]\nworkspace = true\n[dependencies]\n{}",
            lines.concat()
        ),
        dependencies: dependencies
            .iter()
            .map(|&(name, kind)| Dependency {
                name: name.to_owned(),
                kind,
            })
            .collect(),
    }
}

#[test]
fn an_import_upwards_or_across_is_found_and_one_downwards_is_not() {
    let across = [member(
        "core",
        &[("words", Kind::Normal), ("other", Kind::Normal)],
    )];
    let findings = downwards(&table(), &across);
    assert_eq!(findings.len(), 1);
    assert_eq!(findings[0].line, 5);
    assert!(
        findings[0]
            .problem
            .contains("core on floor 1 imports other on floor 1")
    );
    assert_eq!(
        downwards(&table(), &[member("words", &[("core", Kind::Build)])]).len(),
        1
    );
    assert_eq!(
        downwards(&table(), &[member("words", &[("core", Kind::Dev)])]),
        []
    );
}

#[test]
fn a_circle_through_tests_is_found_once() {
    let circle = [
        member("words", &[("core", Kind::Dev)]),
        member("core", &[("words", Kind::Normal)]),
        member("other", &[("core", Kind::Normal)]),
    ];
    let findings = acyclic(&circle);
    assert_eq!(findings.len(), 1);
    assert!(findings[0].problem.contains("words -> core -> words"));
    assert_eq!(
        acyclic(&[
            member("core", &[("words", Kind::Dev)]),
            member("words", &[])
        ]),
        []
    );
}

#[test]
fn a_fenced_crate_is_found_in_tests_too() {
    assert_eq!(
        fences(&table(), &[member("core", &[("sqlx", Kind::Dev)])]).len(),
        1
    );
    assert_eq!(
        fences(&table(), &[member("other", &[("sqlx", Kind::Normal)])]),
        []
    );
}

#[test]
fn a_pure_crate_with_io_is_found() {
    assert_eq!(
        pure_dependencies(&table(), &[member("words", &[("tokio", Kind::Normal)])]).len(),
        1
    );
    assert_eq!(
        pure_dependencies(&table(), &[member("words", &[("tokio", Kind::Dev)])]),
        []
    );
    assert_eq!(
        pure_dependencies(&table(), &[member("core", &[("tokio", Kind::Normal)])]),
        []
    );
}

#[test]
fn crates_and_table_must_agree() {
    let all = [
        member("words", &[]),
        member("core", &[]),
        member("other", &[]),
    ];
    assert_eq!(listed(&table(), &all), []);
    let changed = [
        member("words", &[]),
        member("core", &[]),
        member("newcomer", &[]),
    ];
    let findings = listed(&table(), &changed);
    assert!(
        findings
            .iter()
            .any(|f| f.problem.contains("newcomer has no floor"))
    );
    assert!(
        findings
            .iter()
            .any(|f| f.problem.contains("other is no crate"))
    );
    let mut twice = table();
    twice.crates.push(twice.crates[0].clone());
    twice.crates[1].about = " ".to_owned();
    let findings = listed(&twice, &all);
    assert!(
        findings
            .iter()
            .any(|f| f.problem.contains("words is listed more than once"))
    );
    assert!(
        findings
            .iter()
            .any(|f| f.problem.contains("core has no line about it"))
    );
}

#[test]
fn a_crate_with_lints_of_its_own_is_found() {
    let mut own = member("core", &[]);
    assert_eq!(lints(std::slice::from_ref(&own)), []);
    own.manifest_text = "[lints.rust]\nunsafe_code = \"allow\"\n".to_owned();
    assert_eq!(lints(&[own]).len(), 1);
}
