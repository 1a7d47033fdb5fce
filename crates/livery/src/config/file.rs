//! Reads `livery.toml`, and points at every mistake in it.

use super::keys::{self, Keys, Kind};
use super::mistake::{Mistake, Source};
use super::{FILE_NAME, Setting, command_for, path};
use crate::failure::Failure;
use anyhow::Context;
use clap::error::{ContextKind, ContextValue};
use livery_domain::market::closest;
use std::io::Read;
use std::ops::Range;
use std::path::{Path, PathBuf};
use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

/// More than anybody writes by hand.
const SIZE_MAX: u64 = 1 << 20;

/// The settings of a data directory.
#[derive(Debug)]
pub struct ConfigFile {
    /// Where they are kept.
    pub path: PathBuf,
    /// The text; none when there is no file.
    pub text: Option<String>,
    /// What it sets, in its order.
    pub entries: Vec<Entry>,
}

/// One key in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The key and its values.
    pub setting: Setting,
    /// Its line, from 1.
    pub line: usize,
    /// Where the key is in the text, in bytes.
    pub key_at: Range<usize>,
    /// Where the value is in the text, in bytes.
    pub value_at: Range<usize>,
}

impl ConfigFile {
    /// Reads the settings of a data directory; without a file there are none.
    ///
    /// # Errors
    /// When it cannot be read, and when anything in it is wrong: then nothing of it is used.
    pub fn read(data_dir: &Path) -> anyhow::Result<Self> {
        match read_text(&path(data_dir))? {
            Some(text) => Self::of(data_dir, &text),
            None => Ok(Self {
                path: path(data_dir),
                text: None,
                entries: Vec::new(),
            }),
        }
    }

    /// Reads a text as the settings of a data directory.
    pub fn of(data_dir: &Path, text: &str) -> anyhow::Result<Self> {
        let path = path(data_dir);
        let entries = check(text).map_err(|mistakes| refused(&path, &mistakes))?;
        Ok(Self {
            path,
            text: Some(text.to_owned()),
            entries,
        })
    }

    /// Finds a key.
    pub fn get(&self, key: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.setting.key == key)
    }
}

/// Reads the file's text; none when there is no file.
pub fn read_text(path: &Path) -> anyhow::Result<Option<String>> {
    let cannot = || format!("the settings in {} cannot be read", path.display());
    let metadata = match std::fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(cannot),
    };
    let wrong = |what: &str| Failure::mistake(format!("{}: {what}", cannot()));
    if !metadata.is_file() {
        return Err(wrong("it is no regular file").into());
    }
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).with_context(cannot)?;
    let read = file.take(SIZE_MAX + 1).read_to_end(&mut bytes);
    if read.with_context(cannot)? as u64 > SIZE_MAX {
        return Err(wrong("it has more than 1 MiB").into());
    }
    let text = String::from_utf8(bytes).map_err(|_| wrong("it is not UTF-8 text"))?;
    Ok(Some(text))
}

/// Says what is wrong with a file, and how it is mended.
pub fn refused(path: &Path, mistakes: &[Mistake]) -> Failure {
    let shown: Vec<String> = mistakes.iter().map(Mistake::render).collect();
    let message = format!(
        "the settings in {} cannot be used\n\n{}\n",
        path.display(),
        shown.join("\n\n")
    );
    let data_dir = path.parent().unwrap_or(Path::new("/"));
    let edit = command_for(data_dir, "edit");
    Failure::mistake(message).hint(format!("`{edit}` opens the file and checks it"))
}

/// Reads a text; returns what it sets, or every mistake in it.
pub fn check(text: &str) -> Result<Vec<Entry>, Vec<Mistake>> {
    let keys = Keys::all();
    let source = Source::new(text, FILE_NAME);
    let mut entries = Vec::new();
    let mut mistakes = Vec::new();
    for (key, value) in parsed(text)? {
        match entry(&keys, &source, &key, &value) {
            Ok(entry) => entries.push(entry),
            Err(mistake) => mistakes.push(mistake),
        }
    }
    entries.sort_by_key(|entry| entry.key_at.start);
    if mistakes.is_empty() {
        mistakes.extend(clashes(&keys, &source, &entries));
    }
    mistakes.sort_by_key(|mistake| (mistake.line, mistake.column));
    match mistakes.is_empty() {
        true => Ok(entries),
        false => Err(mistakes),
    }
}

/// Reads TOML, or returns what in it is none.
pub fn parsed(text: &str) -> Result<DeTable<'_>, Vec<Mistake>> {
    let (table, errors) = DeTable::parse_recoverable(text);
    if errors.is_empty() {
        return Ok(table.into_inner());
    }
    let source = Source::new(text, FILE_NAME);
    let mistake = |error: toml::de::Error| {
        let at = error.span().unwrap_or(0..0);
        source.point(&at, error.message().trim().replace('\n', ", "))
    };
    Err(errors.into_iter().map(mistake).collect())
}

fn entry(
    keys: &Keys,
    source: &Source<'_>,
    key: &Spanned<DeString<'_>>,
    value: &Spanned<DeValue<'_>>,
) -> Result<Entry, Mistake> {
    let name = key.get_ref().as_ref();
    let Some(arg) = keys.get(name) else {
        return Err(unknown(keys, source, key, value.get_ref()));
    };
    let wrong = |why: String| source.point(&value.span(), format!("`{name}`: {why}"));
    let help = || format!("{} {}", keys::name(arg), meaning(arg));
    let values = values(keys::kind(arg), value.get_ref());
    let values = values.map_err(|why| wrong(why.to_owned()).help(help()))?;
    if values.iter().any(|value| value.contains(char::is_control)) {
        return Err(wrong("a value has no control characters".to_owned()));
    }
    if keys::is_path(arg) && values.iter().any(|path| !Path::new(path).is_absolute()) {
        return Err(wrong("a path in this file begins with `/`".to_owned()));
    }
    let setting = Setting {
        key: name.to_owned(),
        values: values.into_iter().map(Into::into).collect(),
    };
    keys.check(&setting)
        .map_err(|why| wrong(why).help(help()))?;
    Ok(Entry {
        setting,
        line: source.line_of(key.span().start),
        key_at: key.span(),
        value_at: value.span(),
    })
}

fn unknown(
    keys: &Keys,
    source: &Source<'_>,
    key: &Spanned<DeString<'_>>,
    value: &DeValue<'_>,
) -> Mistake {
    let name = key.get_ref().as_ref();
    if matches!(value, DeValue::Table(_)) {
        let message = format!("there is no section `{name}`: keys stand here without sections");
        return source.point(&key.span(), message);
    }
    let mistake = source.point(&key.span(), format!("there is no setting `{name}`"));
    let spelled = name
        .trim_start_matches('-')
        .replace('_', "-")
        .to_lowercase();
    match closest(&spelled, keys.args().map(keys::name)) {
        Some(near) => mistake.help(format!("did you mean `{near}`?")),
        None => mistake.help("`livery config list` shows every setting".to_owned()),
    }
}

/// What a value is for, from the flag's help.
fn meaning(arg: &clap::Arg) -> String {
    let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
    let takes = match (keys::kind(arg), arg.get_value_names()) {
        (Kind::Switch, _) => "true or false".to_owned(),
        (Kind::One | Kind::Several, Some([name, ..])) => name.to_string(),
        (Kind::One | Kind::Several, _) => "a value".to_owned(),
    };
    format!("takes {takes}: {help}")
}

/// Returns a value as it would be given on the command line, once for each of a list.
fn values(kind: Kind, value: &DeValue<'_>) -> Result<Vec<String>, &'static str> {
    match (kind, value) {
        (Kind::Switch, DeValue::Boolean(is_on)) => Ok(vec![is_on.to_string()]),
        (Kind::Switch, _) => Err("it is true or false, without quotes"),
        (Kind::Several, DeValue::Array(items)) => {
            items.iter().map(|item| scalar(item.get_ref())).collect()
        }
        (Kind::One, DeValue::Array(_)) => Err("it has one value and no list"),
        (Kind::One | Kind::Several, other) => Ok(vec![scalar(other)?]),
    }
}

fn scalar(value: &DeValue<'_>) -> Result<String, &'static str> {
    match value {
        DeValue::String(text) => Ok(text.to_string()),
        DeValue::Integer(number) if number.radix() == 10 => Ok(number.as_str().to_owned()),
        DeValue::Integer(_) => Err("a number is written in decimal digits"),
        // As written: what is money must not become a float.
        DeValue::Float(number) => Ok(number.as_str().to_owned()),
        DeValue::Boolean(_) => Err("it is no switch: `true` and `false` mean nothing here"),
        DeValue::Datetime(_) => Err("a text is written in quotes"),
        DeValue::Array(_) => Err("it is a list of texts, and not of lists"),
        DeValue::Table(_) => Err("it has a value and no table"),
    }
}

/// Finds keys that exclude each other, or do not go without another one.
fn clashes(keys: &Keys, source: &Source<'_>, entries: &[Entry]) -> Vec<Mistake> {
    let mut found = Vec::new();
    for part in keys.parts() {
        let of_part = entries
            .iter()
            .filter(|entry| keys::find(part, &entry.setting.key).is_some());
        let words = of_part.flat_map(|entry| entry.setting.words());
        let Err(error) = part.clone().try_get_matches_from(words) else {
            continue;
        };
        let named = |kind| match error.get(kind) {
            Some(ContextValue::String(flag)) => Some(key_of(flag)),
            Some(ContextValue::Strings(flags)) => flags.first().map(|flag| key_of(flag)),
            Some(_) | None => None,
        };
        let (one, other) = (named(ContextKind::InvalidArg), named(ContextKind::PriorArg));
        let message = match (&one, &other) {
            (Some(one), Some(other)) => format!("`{one}` and `{other}` exclude each other"),
            (Some(_), None) | (None, Some(_)) | (None, None) => keys::why(&error),
        };
        let is_meant = |entry: &&Entry| [&one, &other].contains(&&Some(entry.setting.key.clone()));
        let at = entries.iter().rfind(is_meant);
        let at = at.map_or(0..0, |entry| entry.key_at.clone());
        found.push(source.point(&at, message));
    }
    found.dedup();
    found
}

/// Returns the key of a flag as clap writes it: `--no-host[=<true|false>]`.
fn key_of(flag: &str) -> String {
    let is_name = |c: &char| c.is_ascii_alphanumeric() || *c == '-';
    flag.trim_start_matches('-')
        .chars()
        .take_while(is_name)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        let mistakes = check(text).unwrap_err();
        let shown: Vec<String> = mistakes.iter().map(Mistake::render).collect();
        shown.join("\n\n")
    }

    #[test]
    fn numbers_texts_lists_and_switches_are_taken_as_flags_take_them() {
        let text = "# ours\nprice = 0.36 # a GPU\nlisten = [7070, \"0.0.0.0:7071\"]\n\
                    no-host = false\nmax-cpus = 8\nowner = 1000\nsimulate-gpus = \"RTX 4090:2\"\n";
        let entries = check(text).unwrap();
        let all: Vec<String> = entries
            .iter()
            .flat_map(|entry| entry.setting.words())
            .map(|word| word.into_string().unwrap())
            .collect();
        assert_eq!(
            all,
            [
                "--price=0.36",
                "--listen=7070",
                "--listen=0.0.0.0:7071",
                "--no-host=false",
                "--max-cpus=8",
                "--owner=1000",
                "--simulate-gpus=RTX 4090:2"
            ]
        );
        assert_eq!(entries[1].line, 3);
        assert_eq!(check(""), Ok(Vec::new()));
    }

    #[test]
    fn a_mistake_is_shown_with_its_place_and_what_was_meant() {
        assert_eq!(
            shown("price = 1\npirce = 2\n"),
            "livery.toml:2:1: there is no setting `pirce`\n  |\n2 | pirce = 2\n  | ^^^^^\n  = help: did \
             you mean `price`?"
        );
        assert_eq!(
            shown("price = -1"),
            "livery.toml:1:9: `price`: a price is not negative; 0 is for nothing\n  |\n1 | price = -1\n  \
             |         ^^\n  = help: price takes DOLLARS: Dollars per hour for the whole machine"
        );
    }

    #[test]
    fn every_mistake_is_shown_at_once() {
        let text = "no_host = true\nregion = true\nlisten = {a = 1}\nhost-socket = \"here\"\n[serve]\n\
                    price = 1\n";
        let shown = shown(text);
        for part in [
            "1:1: there is no setting `no_host`",
            "did you mean `no-host`?",
            "2:10: `region`: it is no switch",
            "3:10: `listen`: it has a value and no table",
            "4:15: `host-socket`: a path in this file begins with `/`",
            "5:2: there is no section `serve`",
        ] {
            assert!(shown.contains(part), "no `{part}` in:\n{shown}");
        }
    }

    #[test]
    fn what_is_no_toml_is_pointed_at() {
        assert!(
            shown("price = \n").starts_with("livery.toml:1:"),
            "{}",
            shown("price = \n")
        );
        let twice = shown("price = 1\nprice = 2\n");
        assert!(twice.contains("livery.toml:2:1"), "{twice}");
        let bare = shown("region = cellar\n");
        assert!(
            bare.contains("livery.toml:1:10") && bare.contains("quot"),
            "{bare}"
        );
    }

    #[test]
    fn keys_that_exclude_each_other_are_named() {
        let shown = shown("no-host = true\nhost-socket = \"/run/h.sock\"\n");
        assert!(shown.contains("livery.toml:2:1"), "{shown}");
        assert!(shown.contains("exclude each other"), "{shown}");
        // A switch that is off excludes nothing.
        assert!(check("no-host = false\nprice = 1\n").is_ok());
    }

    #[test]
    fn control_characters_and_lists_of_one_are_refused() {
        assert!(shown("region = \"a\\u001b[31m\"").contains("control characters"));
        assert!(shown("price = [1]").contains("one value"));
        assert!(shown("max-cpus = 0x10").contains("decimal"));
    }
}
