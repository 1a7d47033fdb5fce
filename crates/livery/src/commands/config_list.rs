//! `livery config list`: every setting, and where its value comes from.

use crate::config::{ConfigFile, FILE_NAME, Keys, Setting, keys, veiled};
use crate::failure::Ending;
use crate::serve::lock::{self, Lock};
use crate::ui::table::Table;
use crate::ui::{print_json, say};
use clap::Arg;
use serde::Serialize;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::Path;

/// How a listing is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// As a table.
    Table,
    /// As JSON.
    Json,
}

/// A setting as it is shown.
#[derive(Debug, Serialize)]
pub struct Shown {
    key: String,
    /// Nothing when it is neither set nor has a default.
    pub values: Vec<String>,
    from: String,
}

/// Prints them all.
pub fn run(data_dir: &Path, form: Form) -> anyhow::Result<Ending> {
    let file = ConfigFile::read(data_dir)?;
    let keys = Keys::all();
    let all = keys
        .args()
        .map(|arg| shown(&keys, arg, &file))
        .map(Shown::veiled);
    let all: Vec<Shown> = all.collect();
    match form {
        Form::Json => print_json(&all)?,
        Form::Table => {
            let mut table = Table::new(["SETTING", "VALUE", "FROM"]);
            for one in all {
                let value = match one.values.is_empty() {
                    true => "-".to_owned(),
                    false => one.values.join(", "),
                };
                table.row([one.key, value, one.from]);
            }
            table.print()?;
        }
    }
    say(&format!("{FILE_NAME} is {}", file.path.display()));
    for (lock, process) in [
        (lock::control_plane(data_dir), "control plane"),
        (lock::host_agent(data_dir), "host agent"),
    ] {
        if let Some(pid) = Lock::holder(&lock)? {
            tell_flags(process, pid);
        }
    }
    Ok(Ending::Done)
}

/// Returns a setting's value for the next start that is given no flags.
pub fn shown(keys: &Keys, arg: &Arg, file: &ConfigFile) -> Shown {
    let key = keys::name(arg);
    let text = |value: &OsString| value.to_string_lossy().into_owned();
    let (values, from) = match (keys.of_environment(key), file.get(key)) {
        (Some((name, value)), _) => (vec![text(&value)], name),
        (None, Some(entry)) => {
            let values = entry.setting.values.iter().map(text);
            (values.collect(), format!("{FILE_NAME}:{}", entry.line))
        }
        (None, None) => {
            let defaults = arg.get_default_values().iter();
            let values = defaults.map(|value| value.to_string_lossy().into_owned());
            (values.collect(), "default".to_owned())
        }
    };
    Shown {
        key: key.to_owned(),
        values,
        from,
    }
}

impl Shown {
    fn veiled(mut self) -> Self {
        self.values = self.values.iter().map(|value| veiled(value)).collect();
        self
    }
}

/// Says which flags a running process was given: they win over the file until it ends.
fn tell_flags(what: &str, pid: u32) {
    let Some(given) = flags_of(pid).filter(|given| !given.is_empty()) else {
        return;
    };
    let words = given.iter().flat_map(Setting::words);
    let words: Vec<String> = words.map(|word| veiled(&word.to_string_lossy())).collect();
    say(&format!(
        "the {what} that runs (process {pid}) was started with {}, which holds until it ends",
        words.join(" ")
    ));
}

/// Reads the flags of a running process; none when it cannot be looked at.
fn flags_of(pid: u32) -> Option<Vec<Setting>> {
    let line = std::fs::read(format!("/proc/{pid}/cmdline")).ok()?;
    let words = line
        .split(|byte| *byte == 0)
        .filter(|word| !word.is_empty());
    let words: Vec<OsString> = words
        .map(|word| OsString::from_vec(word.to_vec()))
        .collect();
    crate::cli::settings_of(&words)
}
