//! SQLite from outside Livery: Python's own module, which every Debian has.

use anyhow::{Context, Result, bail};
use std::path::Path;
use std::process::Command;

/// Runs a script with a database and a number as its arguments and returns what it prints.
pub(crate) fn script(text: &str, database: &Path, number: i64) -> Result<String> {
    let output = Command::new("python3")
        .args(["-c", text])
        .arg(database)
        .arg(number.to_string())
        .output()
        .context("cannot start python3")?;
    if !output.status.success() {
        bail!("python3: {}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
