//! `livery config`

use super::config_list::Form;
use super::{config_edit, config_list};
use crate::config::{ConfigFile, Draft, Keys, Setting, keys, veiled};
use crate::failure::{Ending, Failure};
use crate::serve::lock::{self, Lock};
use crate::settings::Settings;
use crate::ui::{out, say};
use livery_domain::market::closest;
use std::io::Write;
use std::path::Path;

/// Show and change the settings that this machine's control plane and host agent start with.
///
/// They are kept in livery.toml in the data directory, and used whoever starts the process. Every
/// flag of `livery serve` and `livery host` has a setting of the same name; a flag wins over it.
#[derive(Debug, clap::Args)]
pub struct ConfigArgs {
    #[command(subcommand)]
    command: ConfigCommand,
}

#[derive(Debug, clap::Subcommand)]
enum ConfigCommand {
    /// Show every setting, its value, and where that comes from
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Print the value of a setting; of a list, one in a line
    Get {
        /// Its name, such as price
        key: String,
    },
    /// Set a setting for the next start
    Set {
        /// Its name, such as price
        key: String,
        /// Its value; several for a flag that may be given several times
        #[arg(required = true, allow_negative_numbers = true)]
        values: Vec<String>,
    },
    /// Take a setting out, so that the default holds again
    Unset {
        /// Its name, such as price
        key: String,
    },
    /// Open the file in $VISUAL or $EDITOR, check it, and put it in place when it is right
    Edit,
}

/// Runs the command.
pub fn run(args: ConfigArgs, settings: &Settings) -> anyhow::Result<Ending> {
    let data_dir = &settings.place.data_dir;
    match args.command {
        ConfigCommand::List { json } => {
            let form = match json {
                true => Form::Json,
                false => Form::Table,
            };
            config_list::run(data_dir, form)
        }
        ConfigCommand::Get { key } => get(data_dir, &key),
        ConfigCommand::Set { key, values } => set(data_dir, &key, &values),
        ConfigCommand::Unset { key } => unset(data_dir, &key),
        ConfigCommand::Edit => config_edit::run(data_dir),
    }
}

fn get(data_dir: &Path, key: &str) -> anyhow::Result<Ending> {
    let keys = Keys::all();
    let arg = keys.get(key).ok_or_else(|| unknown(&keys, key))?;
    let file = ConfigFile::read(data_dir)?;
    let shown = config_list::shown(&keys, arg, &file);
    let mut out = out();
    for value in &shown.values {
        writeln!(out, "{}", veiled(value))?;
    }
    out.flush()?;
    Ok(Ending::Done)
}

fn set(data_dir: &Path, key: &str, values: &[String]) -> anyhow::Result<Ending> {
    let keys = Keys::all();
    let arg = keys.get(key).ok_or_else(|| unknown(&keys, key))?;
    if keys::kind(arg) != keys::Kind::Several && values.len() > 1 {
        return Err(Failure::mistake(format!("`{key}` has one value")).into());
    }
    let values = values.iter().map(|value| match keys::is_path(arg) {
        true => crate::config::given::absolute(Path::new(value)),
        false => value.into(),
    });
    let setting = Setting {
        key: key.to_owned(),
        values: values.collect(),
    };
    if let Err(why) = keys.check(&setting) {
        return Err(Failure::mistake(format!("`{key}`: {why}")).into());
    }
    let mut draft = Draft::begin(data_dir)?;
    draft.set(&setting)?;
    put(draft, data_dir)
}

fn unset(data_dir: &Path, key: &str) -> anyhow::Result<Ending> {
    let mut draft = Draft::begin(data_dir)?;
    if !draft.unset(key)? {
        let keys = Keys::all();
        keys.get(key).ok_or_else(|| unknown(&keys, key))?;
        say(&format!("`{key}` is not set; nothing was changed"));
        return Ok(Ending::Done);
    }
    put(draft, data_dir)
}

/// Puts a new text in place, and says when it is used.
pub(super) fn put(draft: Draft, data_dir: &Path) -> anyhow::Result<Ending> {
    if !draft.is_new() {
        say("nothing was changed");
        return Ok(Ending::Done);
    }
    draft.check()?;
    crate::serve::process::private_dir(data_dir)?;
    let path = draft.install()?;
    say(&format!("written to {}", path.display()));
    for (lock, what, stop) in [
        (
            lock::control_plane(data_dir),
            "control plane",
            "livery serve --stop",
        ),
        (
            lock::host_agent(data_dir),
            "host agent",
            "livery host --stop",
        ),
    ] {
        if let Some(pid) = Lock::holder(&lock)? {
            say(&format!(
                "the {what} that runs (process {pid}) uses it once it is started anew: `{stop}` ends it, \
                 and pods go on"
            ));
        }
    }
    Ok(Ending::Done)
}

fn unknown(keys: &Keys, key: &str) -> Failure {
    let failure = Failure::mistake(format!("there is no setting `{key}`"));
    match closest(key, keys.args().map(keys::name)) {
        Some(near) => failure.hint(format!("did you mean `{near}`?")),
        None => failure.hint("`livery config list` shows every setting"),
    }
}
