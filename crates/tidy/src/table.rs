//! `floors.toml`, read.

use serde::Deserialize;
use std::path::Path;

/// The whole table.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// Every crate of the workspace.
    #[serde(rename = "crate")]
    pub crates: Vec<CrateRow>,
    /// Outside crates that only some may use.
    #[serde(rename = "fence")]
    pub fences: Vec<Fence>,
    /// What the pure floors may not name.
    pub purity: Purity,
    /// Sizes.
    pub limits: Limits,
    /// Enums that are matched state by state.
    pub states: States,
    /// Exceptions from the rule against bool parameters.
    pub bools: Bools,
    /// Where environment variables are listed.
    pub environment: Environment,
    /// Where error codes are listed.
    pub errors: Errors,
}

/// One crate of the workspace.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CrateRow {
    /// Its package name.
    pub name: String,
    /// Its floor; imports go strictly down.
    pub floor: u8,
    /// What it is for, in one line.
    pub about: String,
}

/// Outside crates that only some crates may use.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fence {
    /// The outside crates.
    pub outside: Vec<String>,
    /// Who may use them.
    pub only: Vec<String>,
    /// Why.
    pub why: String,
}

/// What the pure floors may not name.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Purity {
    /// The pure floors.
    pub floors: Vec<u8>,
    /// Outside crates they may not depend on.
    pub crates: Vec<String>,
    /// Paths they may not name in code.
    pub paths: Vec<String>,
}

/// The greatest sizes.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Lines of a source file.
    pub file_lines: usize,
    /// Lines of a function, from `fn` to the closing brace.
    pub function_lines: usize,
}

/// Enums that are matched state by state.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct States {
    /// Their names.
    pub enums: Vec<String>,
}

/// Exceptions from the rule against bool parameters.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bools {
    /// The functions that are allowed one.
    pub allowed: Vec<Exception>,
}

/// Where environment variables are listed.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Environment {
    /// The source file with the list.
    pub table: String,
    /// The page that documents them.
    pub reference: String,
    /// Files that read a variable whose name they are given.
    pub dynamic: Vec<Exception>,
}

/// Where error codes are listed.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Errors {
    /// The page that documents them.
    pub reference: String,
    /// Words that look like a code and are none.
    pub not_codes: Vec<String>,
}

/// A place where a rule does not hold, and why.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exception {
    /// The place.
    pub place: String,
    /// The reason.
    pub why: String,
}

/// Why the table could not be read.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// The file could not be read.
    #[error("cannot read floors.toml at the workspace's root: {0}")]
    Read(#[from] std::io::Error),
    /// The file has another shape.
    #[error("floors.toml is not as expected: {0}")]
    Shape(#[from] toml::de::Error),
}

impl Table {
    /// Reads `floors.toml` in the workspace's root.
    pub fn read(root: &Path) -> Result<Self, TableError> {
        Ok(toml::from_str(&std::fs::read_to_string(
            root.join("floors.toml"),
        )?)?)
    }

    /// Returns the floor of a crate of the workspace.
    pub fn floor_of(&self, package: &str) -> Option<u8> {
        self.crates
            .iter()
            .find(|row| row.name == package)
            .map(|row| row.floor)
    }
}
