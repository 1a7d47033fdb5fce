//! The entries of a mapping whose keys are in a table.

use super::Findings;
use crate::code::Code;
use crate::keys::TABLES;
use crate::shape::{self, Fits, Table};
use crate::tree::{Entry, Node, brief};

/// Returns the entries that are known and have the right shape; reports all others.
///
/// `all` are the table's keys as variants, in the table's order.
pub(super) fn entries<'n, K: Copy>(
    node: &'n Node,
    table: &'static Table,
    all: &[K],
    findings: &mut Findings<'_>,
) -> Vec<(K, &'n Entry)> {
    let mut known = Vec::new();
    let mut guessed = Vec::new();
    for entry in node.entries() {
        let keys = table.keys.iter().zip(all);
        match keys.into_iter().find(|(key, _)| key.name == entry.key) {
            Some((key, variant)) => match shape::check(&key.shape, &entry.value, key, findings) {
                Fits::Yes => known.push((*variant, entry)),
                Fits::No => {}
            },
            None => guessed.extend(unknown(entry, table, findings)),
        }
    }
    for needed in table.needed {
        let is_there = node.entries().iter().any(|entry| entry.key == *needed);
        // A misspelt key was pointed at already.
        if !is_there && !guessed.contains(needed) {
            let at = node
                .entries()
                .first()
                .map_or(&node.at, |entry| &entry.key_at);
            let message = format!("this {} has no `{needed}`", table.name);
            let doc = table.keys.iter().find(|key| key.name == *needed);
            let hint = doc.map_or(String::new(), |key| {
                let example = key.examples.first().copied().unwrap_or_default();
                format!("add it, for example `{needed}: {example}`")
            });
            findings.report(Code::MissingKey, at, message, &hint);
        }
    }
    known
}

/// Reports a key that the table does not have; returns the key that was probably meant.
fn unknown(
    entry: &Entry,
    table: &'static Table,
    findings: &mut Findings<'_>,
) -> Option<&'static str> {
    let name = entry.key.as_str();
    let find = |list: &'static [(&'static str, &'static str)]| {
        list.iter()
            .find(|(word, _)| *word == name)
            .map(|(_, says)| *says)
    };
    if let Some(advice) = find(table.foreign) {
        let message = format!("SkyPilot's `{name}` is not supported by Livery");
        findings.report(Code::ForeignKey, &entry.key_at, message, advice);
        return None;
    }
    let names = || table.keys.iter().map(|key| key.name);
    let meant = find(table.meant).filter(|meant| names().any(|name| name == *meant));
    let meant = meant.or_else(|| shape::closest(name, names()));
    let hint = match (meant, home_of(name)) {
        (Some(meant), _) => format!("did you mean `{meant}`?"),
        (None, Some("job")) => {
            format!("`{name}` belongs at the top of the file: take its indentation away")
        }
        (None, Some(home)) => format!("`{name}` belongs under `{home}`"),
        (None, None) => {
            let names: Vec<&str> = names().collect();
            format!("the keys of `{}` are: {}", table.name, names.join(", "))
        }
    };
    let message = format!("`{}` is not a key of `{}`", brief(name), table.name);
    findings.report(Code::UnknownKey, &entry.key_at, message, &hint);
    meant
}

/// Returns the name of the table that has the key.
fn home_of(name: &str) -> Option<&'static str> {
    let has = |table: &&&Table| table.keys.iter().any(|key| key.name == name);
    TABLES.iter().find(has).map(|table| table.name)
}
