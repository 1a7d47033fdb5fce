//! Changes single keys in the file's text and leaves every other line, comments too, as it is.

use super::keys::{self, Keys, Kind, command};
use super::{ConfigFile, Entry, Given, Setting, file, install, path};
use crate::failure::Failure;
use anyhow::Context;
use clap::Args;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// What a new file begins with.
const HEAD: &str = "\
# Settings of Livery's control plane and host agent, used by every start from here.
# Every flag of `livery serve` and `livery host` is a key of the same name; a flag wins over its key.
# `livery config list` shows all of them, `livery config edit` checks this file.

";

/// A new text for the file, not yet in its place.
pub struct Draft {
    path: PathBuf,
    /// The text that the change began with; none when there was no file.
    before: Option<String>,
    text: String,
}

impl Draft {
    /// Begins with the file as it is. It need not be right: a change may mend it.
    pub fn begin(data_dir: &Path) -> anyhow::Result<Self> {
        let path = path(data_dir);
        let before = file::read_text(&path)?;
        Ok(Self {
            text: before.clone().unwrap_or_else(|| HEAD.to_owned()),
            before,
            path,
        })
    }

    /// Begins with the file as it was read.
    pub fn of(file: &ConfigFile) -> Self {
        Self {
            path: file.path.clone(),
            before: file.text.clone(),
            text: file.text.clone().unwrap_or_else(|| HEAD.to_owned()),
        }
    }

    /// Returns the new text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Puts a whole new text in.
    pub fn replace(&mut self, text: String) {
        self.text = text;
    }

    /// Sets a key.
    pub fn set(&mut self, setting: &Setting) -> anyhow::Result<()> {
        let value = written(setting)?;
        match self.place(&setting.key)? {
            Some(at) => self.text.replace_range(at.value, &value),
            None => {
                if !self.text.is_empty() && !self.text.ends_with('\n') {
                    self.text.push('\n');
                }
                self.text.push_str(&format!("{} = {value}\n", setting.key));
            }
        }
        Ok(())
    }

    /// Takes a key out with its line; returns whether it was there.
    pub fn unset(&mut self, key: &str) -> anyhow::Result<bool> {
        let Some(at) = self.place(key)? else {
            return Ok(false);
        };
        let begin = self.text[..at.key.start].rfind('\n').map_or(0, |at| at + 1);
        let rest = self.text[at.value.end..].find('\n');
        let end = rest.map_or(self.text.len(), |length| at.value.end + length + 1);
        self.text.replace_range(begin..end, "");
        Ok(true)
    }

    /// Keeps what a start was given, and takes out what that excludes.
    pub fn keep<S: Args>(&mut self, given: &Given<S>) -> anyhow::Result<()> {
        let command = command::<S>();
        for setting in given.settings() {
            let all = command.get_arguments().map(keys::name);
            for other in all.filter(|other| keys::exclude(&command, &setting.key, other)) {
                self.unset(other)?;
            }
            self.set(setting)?;
        }
        Ok(())
    }

    /// Returns what the new text sets.
    ///
    /// # Errors
    /// When something in it is wrong.
    pub fn check(&self) -> anyhow::Result<Vec<Entry>> {
        let checked = file::check(&self.text);
        Ok(checked.map_err(|mistakes| file::refused(&self.path, &mistakes))?)
    }

    /// Returns whether the new text differs from the old one.
    pub fn is_new(&self) -> bool {
        self.before.as_deref() != Some(self.text.as_str())
    }

    /// Checks the new text and puts it in the file's place; returns where that is.
    pub fn install(self) -> anyhow::Result<PathBuf> {
        self.check()?;
        if file::read_text(&self.path)? != self.before {
            let message = format!("{} was changed by another meanwhile", self.path.display());
            let failure = Failure::failed(message);
            return Err(failure.hint("nothing was written; do it again").into());
        }
        if self.is_new() {
            install::private(&self.path, self.text.as_bytes())?;
        }
        Ok(self.path)
    }

    /// Finds a key in the text, whatever else is wrong with it.
    fn place(&self, key: &str) -> anyhow::Result<Option<Place>> {
        let table = file::parsed(&self.text);
        let table = table.map_err(|mistakes| file::refused(&self.path, &mistakes))?;
        let found = table.iter().find(|(name, _)| name.get_ref() == key);
        Ok(found.map(|(name, value)| Place {
            key: name.span(),
            value: value.span(),
        }))
    }
}

/// Where a key and its value are, in bytes.
struct Place {
    key: std::ops::Range<usize>,
    value: std::ops::Range<usize>,
}

/// Writes values as TOML.
fn written(setting: &Setting) -> anyhow::Result<String> {
    let keys = Keys::all();
    let kind = keys.get(&setting.key).map_or(Kind::One, keys::kind);
    let mut values = Vec::new();
    for value in &setting.values {
        values.push(scalar(kind, value)?);
    }
    Ok(match (kind, values.as_slice()) {
        (_, [one]) => one.clone(),
        (Kind::Switch | Kind::One | Kind::Several, all) => format!("[{}]", all.join(", ")),
    })
}

fn scalar(kind: Kind, value: &OsStr) -> anyhow::Result<String> {
    let text = value.to_str();
    let text = text.with_context(|| format!("{} is no UTF-8 text", value.display()))?;
    let is_bare = match kind {
        Kind::Switch => matches!(text, "true" | "false"),
        Kind::One | Kind::Several => is_number(text),
    };
    if is_bare {
        return Ok(text.to_owned());
    }
    let mut quoted = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c.is_control() => quoted.push_str(&format!("\\u{:04X}", u32::from(c))),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    Ok(quoted)
}

/// Whether TOML reads a text as a decimal number and gives it back as it was written.
fn is_number(text: &str) -> bool {
    let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let has_no_lead = whole == "0" || !whole.starts_with('0');
    is_digits(whole) && is_digits(part) && has_no_lead && text.len() <= 15
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    const BEFORE: &str = "# ours\nprice = 0.36   # a GPU\nlisten = [\n  7070,\n]\nregion = \"a\"";

    fn draft(text: &str) -> Draft {
        Draft::of(&ConfigFile::of(Path::new("/data"), text).unwrap())
    }

    fn setting(key: &str, values: &[&str]) -> Setting {
        Setting {
            key: key.to_owned(),
            values: values.iter().map(Into::into).collect(),
        }
    }

    #[test]
    fn a_key_is_changed_in_its_place_and_comments_stay() {
        let mut draft = draft(BEFORE);
        draft.set(&setting("price", &["0.5"])).unwrap();
        draft
            .set(&setting("listen", &["7070", "0.0.0.0:7071"]))
            .unwrap();
        draft.set(&setting("no-host", &["true"])).unwrap();
        assert_eq!(
            draft.text(),
            "# ours\nprice = 0.5   # a GPU\nlisten = [7070, \"0.0.0.0:7071\"]\nregion = \"a\"\n\
             no-host = true\n"
        );
        assert!(draft.is_new());
        draft.check().unwrap();
    }

    #[test]
    fn a_key_is_taken_out_with_its_lines() {
        let mut draft = draft(BEFORE);
        assert!(draft.unset("listen").unwrap());
        assert!(draft.unset("region").unwrap());
        assert!(!draft.unset("region").unwrap());
        assert_eq!(draft.text(), "# ours\nprice = 0.36   # a GPU\n");
    }

    #[test]
    fn every_text_comes_back_as_it_was_given() {
        for text in [
            "a\"b\\c",
            "007",
            "1_000",
            "-1",
            "é",
            "1e3",
            "0.10",
            "10.0.0.0/16",
            "",
            "x\ny",
        ] {
            let written = format!("region = {}", scalar(Kind::One, OsStr::new(text)).unwrap());
            let table = file::parsed(&written).unwrap();
            let (_, value) = table.iter().next().unwrap();
            let found = match value.get_ref() {
                toml::de::DeValue::String(text) => text.to_string(),
                toml::de::DeValue::Float(number) => number.as_str().to_owned(),
                other => panic!("{written}: {other:?}"),
            };
            assert_eq!(found, text, "{written}");
        }
    }

    #[test]
    fn a_wrong_key_can_be_taken_out_of_a_file_that_is_refused() {
        let mut draft = Draft {
            path: "/data/livery.toml".into(),
            before: None,
            text: "pirce = 1\nprice = 2\n".to_owned(),
        };
        assert!(draft.check().is_err());
        assert!(draft.unset("pirce").unwrap());
        assert_eq!(draft.check().unwrap().len(), 1);
    }
}
