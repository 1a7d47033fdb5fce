//! Environment variables: every one that is read is listed and documented.

use super::tokens::{Is, flatten};
use crate::table::Environment;
use crate::{Finding, RustFile, TextFile, Tree};
use quote::ToTokens;
use std::collections::{BTreeMap, BTreeSet};
use syn::spanned::Spanned;
use syn::visit::Visit;

/// The prefix of our own variables.
const PREFIX: &str = "LIVERY_";

/// Returns the names in the table: the `name: "..."` fields of its entries.
pub fn listed_names(table: &RustFile) -> BTreeSet<String> {
    let mut names = Names(BTreeSet::new());
    names.visit_file(table.product());
    names.0
}

/// Every mention of one of our own variables, anywhere, is of a listed one.
pub fn mentions(file: &TextFile, listed: &BTreeSet<String>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (at, line) in file.text.lines().enumerate() {
        for name in own_names(line) {
            if !listed.contains(name) {
                findings.push(unlisted(&file.path, at + 1, name));
            }
        }
    }
    findings
}

/// Every variable that the product reads is listed, and every one of ours that a test reads; a name
/// that only running tells is an exception with a reason.
pub fn reads(tree: &Tree, listed: &BTreeSet<String>, environment: &Environment) -> Vec<Finding> {
    let mut constants = Constants(BTreeMap::new());
    for file in &tree.rust {
        constants.visit_file(&file.syntax);
    }
    let mut findings = Vec::new();
    for file in &tree.rust {
        let dynamic = environment
            .dynamic
            .iter()
            .any(|exception| exception.place == file.path);
        let product = reads_of(file.product(), &constants.0);
        for read in reads_of(&file.syntax, &constants.0) {
            let in_product = product.contains(&read);
            let (line, name) = read;
            match name {
                Some(name) if listed.contains(&name) || name.starts_with("CARGO_") => {}
                Some(name) if in_product || name.starts_with(PREFIX) => {
                    findings.push(unlisted(&file.path, line, &name));
                }
                None if in_product && !dynamic => findings.push(Finding::new(
                    &file.path,
                    line,
                    "the name of the variable read here is not known",
                    "Read it by a literal or a constant, or list the file under \
                     [environment] dynamic in floors.toml with the reason",
                )),
                Some(_) | None => {}
            }
        }
    }
    findings
}

fn reads_of(
    code: &syn::File,
    constants: &BTreeMap<String, String>,
) -> Vec<(usize, Option<String>)> {
    let mut reads = Reads {
        constants,
        found: Vec::new(),
    };
    reads.visit_file(code);
    reads.found
}

/// Every listed variable is named by a string literal outside the table, since somebody reads it.
pub fn used(files: &[RustFile], listed: &BTreeSet<String>, table: &str) -> Vec<Finding> {
    let mut literals = BTreeSet::new();
    for file in files.iter().filter(|file| file.path != table) {
        for token in flatten(file.syntax.to_token_stream()) {
            if let Is::Text(text) = token.is {
                literals.insert(text);
            }
        }
    }
    listed
        .difference(&literals)
        .map(|name| Finding::new(table, 1, format!("nothing reads `{name}`"), "Remove it"))
        .collect()
}

/// The page has a heading for every listed variable, and for no other.
pub fn documented(listed: &BTreeSet<String>, page: &TextFile) -> Vec<Finding> {
    let headings: BTreeMap<&str, usize> = page
        .text
        .lines()
        .enumerate()
        .filter(|(_, line)| line.starts_with('#'))
        .filter_map(|(at, line)| Some((line.split('`').nth(1)?, at + 1)))
        .collect();
    let missing = listed
        .iter()
        .filter(|name| !headings.contains_key(name.as_str()))
        .map(|name| {
            Finding::new(
                &page.path,
                1,
                format!("`{name}` is not documented"),
                format!("Add a heading with `{name}` and say what it does"),
            )
        });
    let stale = headings
        .iter()
        .filter(|(name, _)| !listed.contains(**name))
        .map(|(name, line)| {
            Finding::new(
                &page.path,
                *line,
                format!("nothing reads `{name}`"),
                "Remove it here, or list it in the table of variables",
            )
        });
    missing.chain(stale).collect()
}

fn unlisted(path: &str, line: usize, name: &str) -> Finding {
    Finding::new(
        path,
        line,
        format!("the environment variable `{name}` is not listed"),
        "Add it to crates/livery/src/env_vars.rs and to docs/reference/environment.md",
    )
}

fn own_names(line: &str) -> impl Iterator<Item = &str> {
    line.match_indices(PREFIX).filter_map(move |(start, _)| {
        let begins = !line[..start].ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
        let rest = &line[start..];
        let length = rest
            .find(|c: char| !(c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_'))
            .unwrap_or(rest.len());
        // `LIVERY_*` and other beginnings of a name are no name.
        (begins && !rest[..length].ends_with('_')).then_some(&rest[..length])
    })
}

struct Names(BTreeSet<String>);

impl<'ast> Visit<'ast> for Names {
    fn visit_field_value(&mut self, field: &'ast syn::FieldValue) {
        let is_name = matches!(&field.member, syn::Member::Named(name) if name == "name");
        if let (true, Some(text)) = (is_name, literal(&field.expr)) {
            self.0.insert(text);
        }
    }
}

struct Constants(BTreeMap<String, String>);

impl<'ast> Visit<'ast> for Constants {
    fn visit_item_const(&mut self, item: &'ast syn::ItemConst) {
        if let Some(text) = literal(&item.expr) {
            self.0.insert(item.ident.to_string(), text);
        }
    }
}

/// Finds calls of `env::var` and its like, and the macros that read when compiling.
struct Reads<'a> {
    constants: &'a BTreeMap<String, String>,
    found: Vec<(usize, Option<String>)>,
}

impl<'ast> Visit<'ast> for Reads<'_> {
    fn visit_expr_call(&mut self, call: &'ast syn::ExprCall) {
        if let (syn::Expr::Path(path), Some(argument)) = (&*call.func, call.args.first())
            && reads_environment(&path.path)
        {
            let name = literal(argument).or_else(|| self.constant(argument));
            self.found.push((call.span().start().line, name));
        }
        syn::visit::visit_expr_call(self, call);
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        let reads = call
            .path
            .segments
            .last()
            .is_some_and(|m| m.ident == "env" || m.ident == "option_env");
        if reads && let Ok(name) = syn::parse2::<syn::LitStr>(call.tokens.clone()) {
            self.found
                .push((call.span().start().line, Some(name.value())));
        }
    }
}

impl Reads<'_> {
    fn constant(&self, argument: &syn::Expr) -> Option<String> {
        match argument {
            syn::Expr::Path(path) => self
                .constants
                .get(&path.path.segments.last()?.ident.to_string())
                .cloned(),
            syn::Expr::Reference(reference) => self.constant(&reference.expr),
            _ => None,
        }
    }
}

fn reads_environment(path: &syn::Path) -> bool {
    let names: Vec<String> = path.segments.iter().map(|s| s.ident.to_string()).collect();
    match names.as_slice() {
        [.., module, function] => module == "env" && matches!(&**function, "var" | "var_os"),
        [function] => function == "var_os",
        [] => false,
    }
}

fn literal(expression: &syn::Expr) -> Option<String> {
    match expression {
        syn::Expr::Lit(syn::ExprLit {
            lit: syn::Lit::Str(text),
            ..
        }) => Some(text.value()),
        _ => None,
    }
}

#[cfg(test)]
#[path = "environment_tests.rs"]
mod tests;
