//! Which keys there are, and what each takes: read off the flags of `serve` and `host`.

use super::Setting;
use crate::commands::host::HostSettings;
use crate::commands::serve::ServeSettings;
use clap::builder::ValueHint;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, Command, Id};
use std::error::Error;
use std::ffi::OsString;

/// The flags of `serve` and `host` that set something.
pub struct Keys {
    /// Each process by itself, as some keys exclude others within it.
    parts: [Command; 2],
}

/// What a key takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `true` or `false`.
    Switch,
    /// One value.
    One,
    /// Any number of values.
    Several,
}

impl Keys {
    /// Returns all of them.
    pub fn all() -> Self {
        Self {
            parts: [command::<ServeSettings>(), command::<HostSettings>()],
        }
    }

    /// Returns them in the order of the help, each once.
    pub fn args(&self) -> impl Iterator<Item = &Arg> {
        let [serve, host] = &self.parts;
        let more = host
            .get_arguments()
            .filter(|arg| find(serve, name(arg)).is_none());
        serve.get_arguments().chain(more)
    }

    /// Finds one by its name.
    pub fn get(&self, key: &str) -> Option<&Arg> {
        self.parts.iter().find_map(|part| find(part, key))
    }

    /// Returns the descriptions of the two processes' settings.
    pub fn parts(&self) -> &[Command] {
        &self.parts
    }

    /// Returns the environment variable that sets a key, and to what; none when none does.
    pub fn of_environment(&self, key: &str) -> Option<(String, OsString)> {
        let part = self.parts.iter().find(|part| find(part, key).is_some())?;
        let arg = find(part, key)?;
        let id = arg.get_id().as_str();
        let nothing: [&str; 0] = [];
        let matches = part.clone().try_get_matches_from(nothing).ok()?;
        if matches.value_source(id)? != ValueSource::EnvVariable {
            return None;
        }
        let value = matches.get_raw(id)?.next()?.to_owned();
        Some((arg.get_env()?.to_string_lossy().into_owned(), value))
    }

    /// Checks the values of one key; returns what is wrong with them.
    pub fn check(&self, setting: &Setting) -> Result<(), String> {
        let part = self
            .parts
            .iter()
            .find(|part| find(part, &setting.key).is_some());
        let Some(part) = part else {
            return Err(format!("`{}` is no setting", setting.key));
        };
        let parsed = part.clone().try_get_matches_from(setting.words());
        parsed.map(|_| ()).map_err(|error| why(&error))
    }
}

/// Describes a group of flags as a command of their own without a name in front.
pub fn command<S: clap::Args>() -> Command {
    let bare = Command::new("livery")
        .no_binary_name(true)
        .disable_help_flag(true);
    with_values(S::augment_args(bare), &ids::<S>())
}

/// Returns the ids of a group of flags.
pub fn ids<S: clap::Args>() -> Vec<Id> {
    let described = S::augment_args(Command::new("livery"));
    let ids = described.get_arguments().map(|arg| arg.get_id().clone());
    ids.collect()
}

/// Lets the switches among these flags take a value as well, so that a start can switch off what
/// the file switches on: `--no-host=false`.
pub fn with_values(command: Command, ids: &[Id]) -> Command {
    command.mut_args(|arg| {
        if !ids.contains(arg.get_id()) || !matches!(arg.get_action(), ArgAction::SetTrue) {
            return arg;
        }
        arg.action(ArgAction::Set)
            .value_parser(clap::value_parser!(bool))
            .value_name("true|false")
            .num_args(0..=1)
            .require_equals(true)
            .default_missing_value("true")
            .default_value("false")
            .hide_default_value(true)
            .hide_possible_values(true)
    })
}

/// Returns a flag's long name, which is its key.
pub fn name(arg: &Arg) -> &str {
    arg.get_long().unwrap_or_default()
}

/// Finds a flag by its long name.
pub fn find<'a>(command: &'a Command, key: &str) -> Option<&'a Arg> {
    command.get_arguments().find(|arg| name(arg) == key)
}

/// Returns what a flag takes.
pub fn kind(arg: &Arg) -> Kind {
    if arg.get_value_parser().type_id() == std::any::TypeId::of::<bool>() {
        return Kind::Switch;
    }
    match arg.get_action() {
        ArgAction::Append => Kind::Several,
        _ => Kind::One,
    }
}

/// Returns whether a flag's value is a path: a daemon is in another directory than its starter.
pub fn is_path(arg: &Arg) -> bool {
    matches!(arg.get_value_hint(), ValueHint::AnyPath)
}

/// Returns whether two flags of a command exclude each other.
pub fn exclude(command: &Command, one: &str, other: &str) -> bool {
    let says_so = |one: &str, other: &str| {
        let excluded = find(command, one).map(|arg| command.get_arg_conflicts_with(arg));
        excluded.is_some_and(|all| all.into_iter().any(|arg| name(arg) == other))
    };
    says_so(one, other) || says_so(other, one)
}

/// Says what clap found wrong, without its own frame around it.
pub fn why(error: &clap::Error) -> String {
    if let Some(source) = error.source() {
        return source.to_string();
    }
    if error.kind() == ErrorKind::InvalidValue
        && let Some(ContextValue::Strings(valid)) = error.get(ContextKind::ValidValue)
    {
        return format!("it is one of {}", valid.join(", "));
    }
    let text = error.to_string();
    let first = text.lines().next().unwrap_or_default();
    first.trim_start_matches("error: ").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_flag_of_serve_and_host_that_sets_something_is_a_key() {
        // What acts once, and what says which data directory is meant.
        let not_kept = ["detach", "stop", "background", "save", "help"];
        let everywhere = ["server", "token", "data-dir", "socket", "no-start"];
        let keys = Keys::all();
        let line = crate::cli::description();
        for process in ["serve", "host"] {
            let command = line.find_subcommand(process).unwrap();
            for arg in command.get_arguments() {
                let flag = name(arg);
                let is_kept = !not_kept.contains(&flag) && !everywhere.contains(&flag);
                assert_eq!(keys.get(flag).is_some(), is_kept, "--{flag} of {process}");
            }
        }
    }

    #[test]
    fn values_are_checked_as_on_the_command_line() {
        let keys = Keys::all();
        let check = |key: &str, value: &str| {
            keys.check(&Setting {
                key: key.to_owned(),
                values: vec![value.into()],
            })
        };
        assert_eq!(check("price", "0.36"), Ok(()));
        assert_eq!(check("no-host", "true"), Ok(()));
        assert!(check("price", "-1").unwrap_err().contains("not negative"));
        assert!(check("no-host", "maybe").unwrap_err().contains("true"));
        assert!(check("listen", "x").unwrap_err().contains("ADDRESS:PORT"));
        assert!(check("max-cpus", "many").unwrap_err().contains("digit"));
    }

    #[test]
    fn flags_that_exclude_each_other_are_known_both_ways() {
        let serve = command::<ServeSettings>();
        assert!(exclude(&serve, "no-host", "host-socket"));
        assert!(exclude(&serve, "host-socket", "no-host"));
        assert!(!exclude(&serve, "no-host", "listen"));
    }
}
