//! Every rule over the real tree; what each rule means is in `src/rules`.

#![allow(clippy::print_stdout, reason = "a test that is skipped says why")]

use livery_tidy::rules::{
    code, documented, environment, error_codes, floors, pages, purity, signatures, sizes, states,
};
use livery_tidy::{Finding, Member, RustFile, Table, TextFile, Tree, members};
use std::path::{Path, PathBuf};
use std::process::Command;

#[test]
fn every_crate_is_listed_with_its_floor() {
    holds(floors::listed(&table(), &crates()));
}

#[test]
fn imports_go_strictly_down() {
    holds(floors::downwards(&table(), &crates()));
}

#[test]
fn crates_and_their_tests_form_no_circle() {
    holds(floors::acyclic(&crates()));
}

#[test]
fn outside_crates_stay_behind_their_fences() {
    holds(floors::fences(&table(), &crates()));
}

#[test]
fn the_pure_floors_depend_on_nothing_that_acts() {
    holds(floors::pure_dependencies(&table(), &crates()));
}

#[test]
fn the_pure_floors_name_no_clock_and_no_io() {
    let table = table();
    let pure: Vec<String> = crates()
        .iter()
        .filter(|member| {
            table
                .floor_of(&member.name)
                .is_some_and(|floor| table.purity.floors.contains(&floor))
        })
        .map(|member| member.manifest.replace("Cargo.toml", ""))
        .collect();
    assert!(!pure.is_empty(), "no crate stands on a pure floor");
    holds_for_rust(|file| {
        match pure
            .iter()
            .any(|directory| file.path.starts_with(directory))
        {
            true => purity::paths(file, &table.purity),
            false => Vec::new(),
        }
    });
}

#[test]
fn every_crate_takes_the_lints_of_the_workspace() {
    holds(floors::lints(&crates()));
}

#[test]
fn files_are_short() {
    let limit = table().limits.file_lines;
    holds_for_rust(|file| sizes::files(file, limit));
}

#[test]
fn functions_are_short() {
    let limit = table().limits.function_lines;
    holds_for_rust(|file| sizes::functions(file, limit));
}

#[test]
fn no_function_takes_a_bool() {
    let bools = table().bools;
    holds_for_rust(|file| signatures::bools(file, &bools));
}

#[test]
fn states_are_matched_one_by_one() {
    let states = table().states;
    holds_for_rust(|file| states::wildcards(file, &states));
}

#[test]
fn every_listed_state_enum_exists() {
    holds(states::listed_exist(&tree().rust, &table().states));
}

#[test]
fn nothing_unfinished_is_left() {
    holds_for_rust(code::leftovers);
}

#[test]
fn no_test_is_switched_off() {
    holds_for_rust(code::ignored);
}

#[test]
fn every_file_says_what_it_is() {
    holds_for_rust(documented::files);
}

#[test]
fn public_items_are_documented() {
    holds_for_rust(documented::items);
}

#[test]
fn every_environment_variable_is_listed() {
    let (table, tree) = (table(), tree());
    let listed = environment::listed_names(rust_file(&tree, &table.environment.table));
    assert!(
        !listed.is_empty(),
        "the table of environment variables is empty"
    );
    let mut findings = environment::reads(&tree, &listed, &table.environment);
    findings.extend(environment::used(
        &tree.rust,
        &listed,
        &table.environment.table,
    ));
    // Tests hand pods variables of their own, and this crate's are about names that do not exist.
    let is_checked = |file: &&TextFile| !file.is_test() && !file.path.starts_with("crates/tidy/");
    for file in tree.text.iter().filter(is_checked) {
        findings.extend(environment::mentions(file, &listed));
    }
    holds(findings);
}

#[test]
fn every_environment_variable_is_documented() {
    let (table, tree) = (table(), tree());
    let listed = environment::listed_names(rust_file(&tree, &table.environment.table));
    holds(environment::documented(
        &listed,
        text_file(&tree, &table.environment.reference),
    ));
}

#[test]
fn every_error_code_is_documented() {
    let (table, tree) = (table(), tree());
    let codes = error_codes::collect(&tree.rust, &table.errors);
    holds(error_codes::documented(
        &codes,
        text_file(&tree, &table.errors.reference),
    ));
}

#[test]
fn links_lead_somewhere() {
    let pages = |file: &&TextFile| file.path.ends_with(".md");
    holds(
        texts()
            .iter()
            .filter(pages)
            .flat_map(|page| pages::links(&root(), page))
            .collect(),
    );
}

#[test]
fn no_text_names_a_path_of_one_machine() {
    holds(texts().iter().flat_map(pages::machine_paths).collect());
}

#[test]
fn the_code_is_formatted() {
    let Ok(version) = Command::new("rustfmt").arg("--version").output() else {
        println!("skipped: rustfmt is not installed (rustup component add rustfmt)");
        return;
    };
    if !version.status.success() {
        println!("skipped: this toolchain has no rustfmt (rustup component add rustfmt)");
        return;
    }
    let mut check = Command::new(env!("CARGO"));
    check
        .args(["fmt", "--all", "--check", "--", "-l"])
        .current_dir(root());
    let ran = check.output().expect("cargo fmt could not be run");
    let files = String::from_utf8_lossy(&ran.stdout);
    let said = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "run `cargo fmt`:\n{files}{said}");
}

fn root() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2);
    root.expect("this crate is two directories below the root")
        .to_owned()
}

fn table() -> Table {
    Table::read(&root()).unwrap_or_else(|error| panic!("{error}"))
}

fn crates() -> Vec<Member> {
    members(&root()).unwrap_or_else(|error| panic!("{error}"))
}

fn tree() -> Tree {
    Tree::read(&root()).unwrap_or_else(|error| panic!("{error}"))
}

fn texts() -> Vec<TextFile> {
    TextFile::read_all(&root()).unwrap_or_else(|error| panic!("{error}"))
}

fn rust_file<'a>(tree: &'a Tree, path: &str) -> &'a RustFile {
    let found = tree.rust.iter().find(|file| file.path == path);
    found.unwrap_or_else(|| panic!("floors.toml names {path}, which does not exist"))
}

fn text_file<'a>(tree: &'a Tree, path: &str) -> &'a TextFile {
    tree.file(path)
        .unwrap_or_else(|| panic!("floors.toml names {path}, which does not exist"))
}

fn holds_for_rust(rule: impl Fn(&RustFile) -> Vec<Finding>) {
    let tree = tree();
    assert!(
        tree.rust.len() > 30,
        "the rules see only {} Rust files",
        tree.rust.len()
    );
    holds(tree.rust.iter().flat_map(rule).collect());
}

fn holds(findings: Vec<Finding>) {
    let lines: String = findings
        .iter()
        .map(|finding| format!("{finding}\n"))
        .collect();
    assert!(findings.is_empty(), "{} broken:\n{lines}", findings.len());
}
