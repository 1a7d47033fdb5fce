//! Tests of the rules about environment variables.

use super::*;
use crate::table::Exception;

const NONE: Environment = Environment {
    table: String::new(),
    reference: String::new(),
    dynamic: Vec::new(),
};

fn listed(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

fn text(text: &str) -> TextFile {
    TextFile {
        path: "page.md".into(),
        text: text.into(),
    }
}

fn found(code: &str, names: &[&str], environment: &Environment) -> usize {
    let tree = Tree {
        rust: vec![RustFile::parse("a.rs", code).unwrap()],
        text: Vec::new(),
    };
    reads(&tree, &listed(names), environment).len()
}

#[test]
fn the_table_is_read() {
    let table = "pub const ALL: &[EnvVar] = &[EnvVar { name: \"A\", doc: \"x\" }, \
                 EnvVar { name: \"B\", doc: \"y\" }];";
    assert_eq!(
        listed_names(&RustFile::parse("a.rs", table).unwrap()),
        listed(&["A", "B"])
    );
}

#[test]
fn an_unlisted_mention_is_found_in_any_text() {
    let known = listed(&["LIVERY_SERVER"]);
    assert_eq!(
        mentions(
            &text("set LIVERY_SERVER=x and LIVERY_*, MY_LIVERY_X"),
            &known
        ),
        []
    );
    let findings = mentions(&text("one\nexport LIVERY_SERVRE=x\n"), &known);
    assert_eq!(findings.len(), 1);
    assert_eq!(findings[0].line, 2);
}

#[test]
fn an_unlisted_read_is_found_however_it_is_written() {
    for code in [
        "fn f() { std::env::var(\"HOME\"); }",
        "fn f() { env::var_os(\"HOME\"); }",
        "use std::env::var_os; fn f() { var_os(\"HOME\"); }",
        "const KEY: &str = \"HOME\"; fn f() { std::env::var(KEY); }",
        "fn f() { option_env!(\"HOME\"); }",
        "fn f() { let x = env!(\"HOME\"); }",
    ] {
        assert_eq!(found(code, &[], &NONE), 1, "{code}");
        assert_eq!(found(code, &["HOME"], &NONE), 0, "{code}");
    }
    assert_eq!(
        found("fn f() { env!(\"CARGO_PKG_VERSION\"); }", &[], &NONE),
        0
    );
}

#[test]
fn a_test_may_read_what_is_not_ours() {
    let test = |name| format!("#[cfg(test)] mod t {{ fn f() {{ env::var(\"{name}\"); }} }}");
    assert_eq!(found(&test("HOME"), &[], &NONE), 0);
    assert_eq!(found(&test("LIVERY_X"), &[], &NONE), 1);
    assert_eq!(found(&test("LIVERY_X"), &["LIVERY_X"], &NONE), 0);
}

#[test]
fn a_name_that_only_running_tells_needs_a_reason() {
    let code = "fn f(key: &str) { std::env::var(key); }";
    assert_eq!(found(code, &[], &NONE), 1);
    let exception = Exception {
        place: "a.rs".into(),
        why: "the user names it".into(),
    };
    let dynamic = Environment {
        dynamic: vec![exception],
        ..NONE
    };
    assert_eq!(found(code, &[], &dynamic), 0);
}

#[test]
fn a_listed_variable_that_nobody_reads_is_found() {
    let table = RustFile::parse("vars.rs", "const T: [&str; 2] = [\"A\", \"B\"];").unwrap();
    let reader = RustFile::parse("a.rs", "#[arg(env = \"A\")] struct Args;").unwrap();
    let findings = used(&[table, reader], &listed(&["A", "B"]), "vars.rs");
    assert_eq!(findings.len(), 1);
    assert!(findings[0].problem.contains("`B`"));
}

#[test]
fn the_page_and_the_table_agree() {
    let page = text("# Variables\n\n## `A`\n\nText.\n\n## `C`\n\nText.\n");
    let findings = documented(&listed(&["A", "B"]), &page);
    assert_eq!(findings.len(), 2);
    assert!(findings[0].problem.contains("`B` is not documented"));
    assert!(findings[1].problem.contains("nothing reads `C`"));
    assert_eq!(findings[1].line, 7);
}
