//! Settings of this machine's control plane and host agent that outlive their processes: the file
//! `livery.toml` in the data directory.
//!
//! Every flag of `serve` and `host` that sets something has a key of the same name. The keys are
//! read off clap's description of those flags ([`keys`]), so that a new flag is a new key too.
//!
//! - [`given`] notes which of them a start was given, and puts them together with the file's.
//! - [`file`] reads the file and points at every mistake in it.
//! - [`change`] changes single lines of its text; [`install`] puts a new text in its place.

pub mod change;
pub mod file;
pub mod given;
pub mod install;
pub mod keys;
mod mistake;
mod veil;

pub use change::Draft;
pub use file::{ConfigFile, Entry};
pub use given::{Given, Resolved, resolve};
pub use keys::Keys;
pub use veil::veiled;

use crate::settings::command_line;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// The file's name in a data directory.
pub const FILE_NAME: &str = "livery.toml";

/// A key with its values: one, or several for a flag that may be given several times.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// The flag's long name.
    pub key: String,
    /// Each as it would be given on the command line.
    pub values: Vec<OsString>,
}

impl Setting {
    /// Writes it as arguments of a command line, one word for each value.
    pub fn words(&self) -> impl Iterator<Item = OsString> {
        self.values.iter().map(|value| {
            let mut word = OsString::from(format!("--{}=", self.key));
            word.push(value);
            word
        })
    }
}

/// Returns where the settings of a data directory are kept.
pub fn path(data_dir: &Path) -> PathBuf {
    data_dir.join(FILE_NAME)
}

/// Writes `livery config …` so that it finds this data directory again when the user copies it.
pub fn command_for(data_dir: &Path, what: &str) -> String {
    command_line(data_dir, &format!("config {what}"))
}

/// Returns whether a file was not read because it is another user's.
pub fn is_hidden(error: &anyhow::Error) -> bool {
    let io = error.downcast_ref::<std::io::Error>();
    io.is_some_and(|why| why.kind() == std::io::ErrorKind::PermissionDenied)
}
