//! Who may import whom.

use crate::{Finding, Kind, Member, Table};
use std::collections::BTreeSet;

const TABLE: &str = "floors.toml";

/// Every crate of the workspace stands in the table, and the table names no other.
pub fn listed(table: &Table, members: &[Member]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for member in members {
        match table
            .crates
            .iter()
            .filter(|row| row.name == member.name)
            .count()
        {
            1 => {}
            0 => findings.push(Finding::new(
                &member.manifest,
                1,
                format!("{} has no floor", member.name),
                "Add it to floors.toml with its floor and one line about it",
            )),
            _ => findings.push(Finding::new(
                TABLE,
                1,
                format!("{} is listed more than once", member.name),
                "Keep one entry",
            )),
        }
    }
    for row in &table.crates {
        if !members.iter().any(|member| member.name == row.name) {
            findings.push(Finding::new(
                TABLE,
                1,
                format!("{} is no crate of this workspace", row.name),
                "Remove its entry",
            ));
        }
        if row.about.trim().is_empty() {
            findings.push(Finding::new(
                TABLE,
                1,
                format!("{} has no line about it", row.name),
                "Say in `about` what it is for",
            ));
        }
    }
    findings
}

/// Imports of our own crates go strictly down; only tests may reach across.
pub fn downwards(table: &Table, members: &[Member]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for member in members {
        let Some(own) = table.floor_of(&member.name) else {
            continue;
        };
        for dependency in member.dependencies.iter().filter(|d| d.kind != Kind::Dev) {
            let Some(other) = table.floor_of(&dependency.name) else {
                continue;
            };
            if other >= own {
                findings.push(Finding::new(
                    &member.manifest,
                    line_naming(&member.manifest_text, &dependency.name),
                    format!(
                        "{} on floor {own} imports {} on floor {other}",
                        member.name, dependency.name
                    ),
                    "Imports go strictly down: move what is shared to a lower floor, or hand it \
                     in from above",
                ));
            }
        }
    }
    findings
}

/// Our crates, with what their tests reach, form no cycle.
pub fn acyclic(members: &[Member]) -> Vec<Finding> {
    let mut done = BTreeSet::new();
    let mut findings = Vec::new();
    for member in members {
        let mut path = Vec::new();
        if let Some(cycle) = find_cycle(members, &member.name, &mut path, &mut done) {
            findings.push(Finding::new(
                &member.manifest,
                1,
                format!("the crates go in a circle: {}", cycle.join(" -> ")),
                "Move the test that closes the circle to the upper of the crates",
            ));
        }
    }
    findings
}

/// Fenced outside crates are used only where the table allows them.
pub fn fences(table: &Table, members: &[Member]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for member in members {
        for dependency in &member.dependencies {
            let fence = table.fences.iter().find(|fence| {
                fence.outside.contains(&dependency.name) && !fence.only.contains(&member.name)
            });
            if let Some(fence) = fence {
                findings.push(Finding::new(
                    &member.manifest,
                    line_naming(&member.manifest_text, &dependency.name),
                    format!("{} uses {}: {}", member.name, dependency.name, fence.why),
                    format!(
                        "Only {} may use it: go through there",
                        fence.only.join(" and ")
                    ),
                ));
            }
        }
    }
    findings
}

/// The pure floors depend on none of the crates that do I/O.
pub fn pure_dependencies(table: &Table, members: &[Member]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for member in members {
        let pure = table
            .floor_of(&member.name)
            .is_some_and(|floor| table.purity.floors.contains(&floor));
        for dependency in member
            .dependencies
            .iter()
            .filter(|d| pure && d.kind != Kind::Dev)
        {
            if table.purity.crates.contains(&dependency.name) {
                findings.push(Finding::new(
                    &member.manifest,
                    line_naming(&member.manifest_text, &dependency.name),
                    format!("{} is pure and depends on {}", member.name, dependency.name),
                    "Decide here with plain values, and act on an upper floor",
                ));
            }
        }
    }
    findings
}

/// Every crate takes the workspace's lints.
pub fn lints(members: &[Member]) -> Vec<Finding> {
    members
        .iter()
        .filter(|member| !takes_workspace_lints(&member.manifest_text))
        .map(|member| {
            Finding::new(
                &member.manifest,
                1,
                format!("{} does not take the workspace's lints", member.name),
                "Write `[lints]` and under it `workspace = true`",
            )
        })
        .collect()
}

fn takes_workspace_lints(manifest: &str) -> bool {
    manifest
        .parse::<toml::Table>()
        .ok()
        .and_then(|table| table.get("lints")?.get("workspace")?.as_bool())
        .unwrap_or(false)
}

fn find_cycle(
    members: &[Member],
    name: &str,
    path: &mut Vec<String>,
    done: &mut BTreeSet<String>,
) -> Option<Vec<String>> {
    if let Some(start) = path.iter().position(|seen| seen == name) {
        let mut cycle = path[start..].to_vec();
        cycle.push(name.to_owned());
        return Some(cycle);
    }
    if done.contains(name) {
        return None;
    }
    let member = members.iter().find(|member| member.name == name)?;
    path.push(name.to_owned());
    let found = member
        .dependencies
        .iter()
        .find_map(|dependency| find_cycle(members, &dependency.name, path, done));
    path.pop();
    done.insert(name.to_owned());
    found
}

fn line_naming(manifest: &str, name: &str) -> usize {
    manifest
        .lines()
        .position(|line| line.trim_start().starts_with(name))
        .map_or(1, |at| at + 1)
}

#[cfg(test)]
#[path = "floors_tests.rs"]
mod tests;
