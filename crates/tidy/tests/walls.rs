//! Every rule over the real tree; what each rule means is in `src/rules`.

#![allow(clippy::print_stdout, reason = "a test that is skipped says why")]

use livery_tidy::rules::{
    code, documented, environment, error_codes, floors, pages, purity, signatures, sizes, states,
};
use livery_tidy::{Finding, Member, RustFile, Table, TextFile, Tree, members};
use std::collections::BTreeSet;
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
fn every_crate_takes_the_lints_of_the_workspace() {
    holds(floors::lints(&crates()));
}

#[test]
fn the_sources_keep_every_rule() {
    let sources = Sources::read();
    let mut broken = String::new();
    for (name, rule) in RULES {
        let findings = rule(&sources);
        if !findings.is_empty() {
            broken += &format!(
                "{name}, {} times broken:\n{}",
                findings.len(),
                lines(&findings)
            );
        }
    }
    assert!(broken.is_empty(), "{broken}");
}

/// A rule over the parsed sources, under the name by which it is reported when it is broken.
type Rule = (&'static str, fn(&Sources) -> Vec<Finding>);

/// They share one test: each test runs in a process of its own, and to parse the sources takes a
/// hundred times longer than to hold one rule over them.
const RULES: &[Rule] = &[
    ("the pure floors name no clock and no I/O", pure_floors),
    ("files are short", |sources| {
        sources.each(|file| sizes::files(file, sources.table.limits.file_lines))
    }),
    ("functions are short", |sources| {
        sources.each(|file| sizes::functions(file, sources.table.limits.function_lines))
    }),
    ("no function takes a bool", |sources| {
        sources.each(|file| signatures::bools(file, &sources.table.bools))
    }),
    ("states are matched one by one", |sources| {
        sources.each(|file| states::wildcards(file, &sources.table.states))
    }),
    ("every listed state enum exists", |sources| {
        states::listed_exist(&sources.tree.rust, &sources.table.states)
    }),
    ("nothing unfinished is left", |sources| {
        sources.each(code::leftovers)
    }),
    ("no test is switched off", |sources| {
        sources.each(code::ignored)
    }),
    ("every file says what it is", |sources| {
        sources.each(documented::files)
    }),
    ("public items are documented", |sources| {
        sources.each(documented::items)
    }),
    ("every environment variable is listed", variables_listed),
    ("every environment variable is documented", |sources| {
        let page = sources.text(&sources.table.environment.reference);
        environment::documented(&sources.variables(), page)
    }),
    ("every error code is documented", |sources| {
        let codes = error_codes::collect(&sources.tree.rust, &sources.table.errors);
        error_codes::documented(&codes, sources.text(&sources.table.errors.reference))
    }),
];

fn pure_floors(sources: &Sources) -> Vec<Finding> {
    let table = &sources.table;
    let is_pure = |member: &&Member| {
        let floor = table.floor_of(&member.name);
        floor.is_some_and(|floor| table.purity.floors.contains(&floor))
    };
    let directory = |member: &Member| member.manifest.replace("Cargo.toml", "");
    let pure: Vec<String> = crates().iter().filter(is_pure).map(directory).collect();
    assert!(!pure.is_empty(), "no crate stands on a pure floor");
    sources.each(
        |file| match pure.iter().any(|pure| file.path.starts_with(pure)) {
            true => purity::paths(file, &table.purity),
            false => Vec::new(),
        },
    )
}

fn variables_listed(sources: &Sources) -> Vec<Finding> {
    let (table, tree) = (&sources.table.environment, &sources.tree);
    let listed = sources.variables();
    let mut findings = environment::reads(tree, &listed, table);
    findings.extend(environment::used(&tree.rust, &listed, &table.table));
    // Tests hand pods variables of their own, and this crate's are about names that do not exist.
    let is_checked = |file: &&TextFile| !file.is_test() && !file.path.starts_with("crates/tidy/");
    for file in tree.text.iter().filter(is_checked) {
        findings.extend(environment::mentions(file, &listed));
    }
    findings
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

fn texts() -> Vec<TextFile> {
    TextFile::read_all(&root()).unwrap_or_else(|error| panic!("{error}"))
}

/// The table, and the whole tree parsed.
struct Sources {
    table: Table,
    tree: Tree,
}

impl Sources {
    fn read() -> Self {
        let tree = Tree::read(&root()).unwrap_or_else(|error| panic!("{error}"));
        let seen = tree.rust.len();
        assert!(seen > 30, "the rules see only {seen} Rust files");
        let table = table();
        Self { table, tree }
    }

    /// Holds a rule over every Rust file.
    fn each(&self, rule: impl Fn(&RustFile) -> Vec<Finding>) -> Vec<Finding> {
        self.tree.rust.iter().flat_map(rule).collect()
    }

    /// The environment variables that are listed.
    fn variables(&self) -> BTreeSet<String> {
        let path = &self.table.environment.table;
        let file = self.tree.rust.iter().find(|file| file.path == *path);
        let file = file.unwrap_or_else(|| panic!("floors.toml names {path}, which does not exist"));
        let listed = environment::listed_names(file);
        assert!(!listed.is_empty(), "{path} lists no environment variable");
        listed
    }

    fn text(&self, path: &str) -> &TextFile {
        let file = self.tree.file(path);
        file.unwrap_or_else(|| panic!("floors.toml names {path}, which does not exist"))
    }
}

fn holds(findings: Vec<Finding>) {
    let (number, lines) = (findings.len(), lines(&findings));
    assert!(findings.is_empty(), "{number} broken:\n{lines}");
}

fn lines(findings: &[Finding]) -> String {
    let line = |finding: &Finding| format!("{finding}\n");
    findings.iter().map(line).collect()
}
