//! `livery config edit`: as `visudo` does, nothing wrong ever gets into the file's place.

use super::config::put;
use crate::config::{Draft, Keys, file, keys, path};
use crate::failure::{Ending, Failure};
use crate::serve::process::private_dir;
use crate::ui::say;
use anyhow::Context;
use std::fs;
use std::io::{IsTerminal, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What an editor works on; gone when it is dropped.
struct Copy(PathBuf);

/// What to do with a text that has mistakes.
enum Choice {
    Again,
    Leave,
}

/// Runs the command.
pub fn run(data_dir: &Path) -> anyhow::Result<Ending> {
    private_dir(data_dir)?;
    let mut draft = Draft::begin(data_dir)?;
    if file::read_text(&path(data_dir))?.is_none() {
        draft.replace(template(draft.text()));
    }
    let begun = draft.text().to_owned();
    let copy = Copy::of(data_dir, &begun)?;
    loop {
        edit(&copy.0)?;
        let text = file::read_text(&copy.0)?.unwrap_or_default();
        if text == begun && draft.check().is_ok() {
            say("nothing was changed");
            return Ok(Ending::Done);
        }
        draft.replace(text);
        let Err(mistakes) = draft.check() else {
            return put(draft, data_dir);
        };
        if !std::io::stdin().is_terminal() {
            return Err(mistakes.context("nothing was changed"));
        }
        crate::failure::report(&mistakes);
        match ask()? {
            Choice::Again => {}
            Choice::Leave => return Err(Failure::mistake("nothing was changed").into()),
        }
    }
}

impl Copy {
    fn of(data_dir: &Path, text: &str) -> anyhow::Result<Self> {
        // Editors know what to do with the ending.
        let path = data_dir.join(format!("livery.edit-{}.toml", std::process::id()));
        let cannot = || format!("{} cannot be written", path.display());
        let mut options = fs::File::options();
        options.write(true).create(true).truncate(true).mode(0o600);
        let mut file = options.open(&path).with_context(cannot)?;
        file.write_all(text.as_bytes()).with_context(cannot)?;
        Ok(Self(path))
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = fs::remove_file(&self.0);
    }
}

/// Opens the user's editor, which may be a command with arguments, and waits for it.
fn edit(copy: &Path) -> anyhow::Result<()> {
    let named = std::env::var("VISUAL").or_else(|_| std::env::var("EDITOR"));
    let editor = named.ok().filter(|editor| !editor.trim().is_empty());
    let editor = editor.unwrap_or_else(|| "vi".to_owned());
    let mut command = Command::new("sh");
    command
        .args(["-c", &format!("{editor} \"$@\""), &editor])
        .arg(copy);
    let status = command
        .status()
        .context("cannot start a shell for the editor")?;
    if status.success() {
        return Ok(());
    }
    let message = format!("the editor `{editor}` failed ({status}); nothing was changed");
    let hint = "name one that is installed in EDITOR, such as `EDITOR=nano livery config edit`";
    Err(Failure::failed(message).hint(hint).into())
}

fn ask() -> anyhow::Result<Choice> {
    loop {
        eprint_prompt("edit again, or leave the file as it was? [e/l] ")?;
        let mut answer = String::new();
        if std::io::stdin().read_line(&mut answer)? == 0 {
            return Ok(Choice::Leave);
        }
        match answer.trim() {
            "e" | "" => return Ok(Choice::Again),
            "l" => return Ok(Choice::Leave),
            _ => {}
        }
    }
}

fn eprint_prompt(text: &str) -> std::io::Result<()> {
    let mut err = std::io::stderr();
    err.write_all(text.as_bytes())?;
    err.flush()
}

/// Returns the name of a flag's value, as the help has it.
fn takes(arg: &clap::Arg) -> &str {
    let names = arg.get_value_names().unwrap_or_default();
    names.first().map_or("VALUE", |name| name.as_str())
}

/// A first file: every setting, commented out, with what it is for and its default.
fn template(head: &str) -> String {
    let mut text = head.to_owned();
    for arg in Keys::all().args() {
        let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
        for line in help.lines() {
            text.push_str(&format!("# {line}\n"));
        }
        let value = match (keys::kind(arg), arg.get_default_values().first()) {
            (keys::Kind::Switch, _) => "true".to_owned(),
            (_, Some(value)) => format!("\"{}\"", value.to_string_lossy()),
            (keys::Kind::One, None) => format!("\"<{}>\"", takes(arg)),
            (keys::Kind::Several, None) => format!("[\"<{}>\"]", takes(arg)),
        };
        text.push_str(&format!("#{} = {value}\n\n", keys::name(arg)));
    }
    text
}
