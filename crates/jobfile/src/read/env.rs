//! `envs` and `secrets`.

use super::Findings;
use crate::amounts::Trouble;
use crate::code::Code;
use crate::tree::{Node, Place, brief};
use livery_domain::env::{NAME_BYTES_MAX, VALUE_BYTES_MAX};
use std::collections::BTreeMap;

/// The variables of one of the two mappings.
#[derive(Debug, Default)]
pub(super) struct Variables {
    /// Those with a value.
    pub(super) values: BTreeMap<String, String>,
    /// Those without, with their places.
    pub(super) open: BTreeMap<String, Place>,
    /// All, with their places.
    pub(super) places: BTreeMap<String, Place>,
}

pub(super) fn variables(node: &Node, findings: &mut Findings<'_>) -> Variables {
    let mut variables = Variables::default();
    for entry in node.entries() {
        let name = &entry.key;
        if findings.take(&entry.key_at, check_name(name)).is_none() {
            continue;
        }
        variables.places.insert(name.clone(), entry.key_at.clone());
        if entry.value.is_nothing() {
            variables.open.insert(name.clone(), entry.key_at.clone());
            continue;
        }
        let value = entry.value.text();
        if findings.take(&entry.value.at, check_value(value)).is_some() {
            variables.values.insert(name.clone(), value.to_owned());
        }
    }
    variables
}

/// Reports names that are in both mappings.
pub(super) fn check_disjoint(envs: &Variables, secrets: &Variables, findings: &mut Findings<'_>) {
    for (name, at) in &secrets.places {
        if let Some(other) = envs.places.get(name) {
            let message = format!("`{name}` is in `envs` and in `secrets`");
            let hint = format!(
                "it is also on line {}; keep one of the two",
                findings.line_of(other)
            );
            findings.report(Code::Conflict, at, message, &hint);
        }
    }
}

/// Returns whether a text can be the name of an environment variable in every shell.
pub(crate) fn check_name(name: &str) -> Result<(), Trouble> {
    let starts = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    let known = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if starts && name.len() <= NAME_BYTES_MAX && name.chars().all(known) {
        return Ok(());
    }
    Err(Trouble {
        code: Code::BadEnvName,
        message: format!(
            "`{}` is not a name for an environment variable",
            brief(name)
        ),
        hint: "use letters, digits and `_`, not beginning with a digit".to_owned(),
    })
}

/// Returns whether a text can be the value of an environment variable.
///
/// The message does not show the value: it may be a secret.
pub(crate) fn check_value(value: &str) -> Result<(), Trouble> {
    if value.contains('\0') {
        return Err(Trouble::bad(
            "the value has a zero byte in it",
            "take the zero byte away",
        ));
    }
    if value.len() > VALUE_BYTES_MAX {
        let message = format!("the value is {} bytes long", value.len());
        return Err(Trouble::range(
            message,
            "use at most 100 KiB; send longer texts with `file_mounts`",
        ));
    }
    Ok(())
}
