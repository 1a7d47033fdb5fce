//! Which settings a start was given, and what they come to together with the file's.

use super::keys::{self, command};
use super::{ConfigFile, Setting};
use crate::failure::Failure;
use clap::parser::ValueSource;
use clap::{ArgMatches, Args, Command, FromArgMatches, Id};
use std::ffi::OsString;
use std::marker::PhantomData;
use std::path::Path;

/// The settings of a group of flags that were given on the command line or by the environment.
///
/// It stands in a command's arguments in place of the group itself, and notes what was given rather
/// than what it comes to: a default must not win over the file.
pub struct Given<S> {
    settings: Vec<Setting>,
    group: PhantomData<S>,
}

/// What a start goes by.
pub struct Resolved<S> {
    /// The values of all flags.
    pub settings: S,
    /// Those that are no defaults.
    pub set: Vec<Setting>,
}

impl<S> Given<S> {
    /// Returns the settings of a start that was given none.
    pub fn nothing() -> Self {
        Self {
            settings: Vec::new(),
            group: PhantomData,
        }
    }

    /// Returns what was given.
    pub fn settings(&self) -> &[Setting] {
        &self.settings
    }

    /// Writes it as arguments again, for a daemon.
    pub fn words(&self) -> impl Iterator<Item = OsString> {
        self.settings.iter().flat_map(Setting::words)
    }

    /// Writes the flags that were given, for a message: `--listen, --price`.
    pub fn flags(&self) -> String {
        let flags = self.settings.iter().map(|one| format!("--{}", one.key));
        flags.collect::<Vec<_>>().join(", ")
    }
}

/// Puts what was given together with what the file says. A flag wins over its key in the file, and
/// over every key that it excludes.
pub fn resolve<S: Args + FromArgMatches>(
    given: &Given<S>,
    file: &ConfigFile,
) -> anyhow::Result<Resolved<S>> {
    let command = command::<S>();
    let is_beaten = |key: &str| {
        let mut given = given.settings.iter();
        given.any(|one| one.key == key || keys::exclude(&command, &one.key, key))
    };
    let kept = file.entries.iter().map(|entry| &entry.setting);
    let kept = kept.filter(|one| keys::find(&command, &one.key).is_some() && !is_beaten(&one.key));
    let set: Vec<Setting> = given.settings.iter().chain(kept).cloned().collect();
    let words = set.iter().flat_map(Setting::words);
    let parsed = command.clone().try_get_matches_from(words);
    let parsed = parsed.and_then(|matches| S::from_arg_matches(&matches));
    let settings = parsed.map_err(|error| {
        let message = format!(
            "the flags of this start and {} do not go together: {}",
            file.path.display(),
            keys::why(&error)
        );
        Failure::mistake(message)
    })?;
    Ok(Resolved { settings, set })
}

impl<S: Args> FromArgMatches for Given<S> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let command = S::augment_args(Command::new("livery"));
        let mut settings = Vec::new();
        for arg in command.get_arguments() {
            let id = arg.get_id().as_str();
            match matches.value_source(id) {
                Some(ValueSource::CommandLine | ValueSource::EnvVariable) => {}
                Some(_) | None => continue,
            }
            let values = matches.get_raw(id).into_iter().flatten();
            let values = values.map(|value| match keys::is_path(arg) {
                true => absolute(Path::new(value)),
                false => value.to_owned(),
            });
            settings.push(Setting {
                key: keys::name(arg).to_owned(),
                values: values.collect(),
            });
        }
        Ok(Self {
            settings,
            group: PhantomData,
        })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl<S: Args> Args for Given<S> {
    fn augment_args(command: Command) -> Command {
        keys::with_values(S::augment_args(command), &keys::ids::<S>())
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }

    fn group_id() -> Option<Id> {
        S::group_id()
    }
}

/// A group need not be printable for what was given of it to be.
impl<S> std::fmt::Debug for Given<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(&self.settings).finish()
    }
}

/// Makes a path that means the same from every directory; one that cannot be is refused later, where
/// it is used.
pub fn absolute(path: &Path) -> OsString {
    std::path::absolute(path)
        .unwrap_or_else(|_| path.to_owned())
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::serve::ServeSettings;
    use clap::Parser;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        given: Given<ServeSettings>,
    }

    fn words(line: &[&str], file: &str) -> Vec<String> {
        let words = std::iter::once("serve").chain(line.iter().copied());
        let given = Line::try_parse_from(words).unwrap().given;
        let file = ConfigFile::of(Path::new("/data"), file).unwrap();
        let set = resolve(&given, &file).unwrap().set;
        let words = set.iter().flat_map(Setting::words);
        words.map(|word| word.into_string().unwrap()).collect()
    }

    #[test]
    fn a_flag_wins_over_the_file_and_the_file_over_the_default() {
        let file = "price = 0.5\nregion = \"cellar\"\nlisten = [7070, 7071]\n";
        assert_eq!(
            words(&["--price", "2", "--listen", "9000"], file),
            ["--listen=9000", "--price=2", "--region=cellar"]
        );
        assert_eq!(
            words(&[], file),
            [
                "--price=0.5",
                "--region=cellar",
                "--listen=7070",
                "--listen=7071"
            ]
        );
        assert_eq!(words(&["--price", "0"], file)[0], "--price=0");
    }

    #[test]
    fn a_flag_wins_over_what_it_excludes_and_a_switch_can_be_undone() {
        let no_host = "no-host = true\n";
        assert_eq!(
            words(&["--host-socket", "/run/h.sock"], no_host),
            ["--host-socket=/run/h.sock"]
        );
        assert_eq!(words(&["--no-host=false"], no_host), ["--no-host=false"]);
        assert_eq!(
            words(&["--no-host"], "host-socket = \"/h\""),
            ["--no-host=true"]
        );
    }

    #[test]
    fn a_relative_path_means_the_same_to_a_daemon() {
        let here = std::env::current_dir().unwrap().join("h.sock");
        let wanted = format!("--host-socket={}", here.display());
        assert_eq!(words(&["--host-socket", "h.sock"], ""), [wanted]);
    }
}
