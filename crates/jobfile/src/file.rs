//! A job file that was read, and what can still be wrong outside it.

use crate::code::Code;
use crate::diagnostic::Diagnostic;
use crate::overrides::Overrides;
use crate::read::{self, Draft, Findings};
use crate::source::{SIZE_MAX, Source};
use crate::tree::{self, Place};
use livery_domain::job::Job;
use std::fs::Metadata;
use std::io;
use std::path::{Path, PathBuf};

/// A job with the text that it came from, so that later mistakes can be pointed at too.
#[derive(Debug, Clone)]
pub struct JobFile {
    source: Source,
    draft: Draft,
}

/// What local paths of a job file are relative to.
#[derive(Debug, Clone)]
pub struct LocalBase {
    /// The job file's directory.
    pub dir: PathBuf,
    /// The user's home, which `~` means; none if nobody knows.
    pub home: Option<PathBuf>,
}

impl LocalBase {
    /// Returns where a local path of the job is on this machine.
    ///
    /// A path under `~` stays as it is when the home is not known, and then is not found.
    pub fn resolve(&self, path: &Path) -> PathBuf {
        match (path.strip_prefix("~"), &self.home) {
            (Ok(below), Some(home)) => home.join(below),
            (Ok(_), None) => path.to_owned(),
            (Err(_), _) => self.dir.join(path),
        }
    }
}

impl JobFile {
    /// Reads a job file's text; `file_name` is for messages and names a job that has no name.
    pub fn read(text: &str, file_name: &str) -> Result<Self, Vec<Diagnostic>> {
        // Editors on Windows put a byte order mark before the text; it is no part of it.
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        if text.len() > SIZE_MAX {
            return Err(too_large(text, file_name));
        }
        let source = Source::new(text, file_name);
        let mut findings = Findings::new(&source);
        let draft = read_draft(text, file_name, &mut findings);
        let found = findings.into_found();
        match draft {
            Some(draft) if found.is_empty() => Ok(Self { source, draft }),
            Some(_) | None => Err(found),
        }
    }

    /// Returns the job as the file says it, its required values still open.
    pub fn job(&self) -> &Job {
        &self.draft.job
    }

    /// Returns the job as the file says it, its required values still open.
    pub fn into_job(self) -> Job {
        self.draft.job
    }

    /// Looks whether `workdir` and the sources of `file_mounts` are on this machine.
    ///
    /// This reads the file system and may block.
    pub fn check_paths(&self, base: &LocalBase) -> Result<(), Vec<Diagnostic>> {
        let mut findings = Findings::new(&self.source);
        let job = &self.draft.job;
        if let (Some(workdir), Some(at)) = (&job.workdir, &self.draft.workdir_at) {
            check_path(
                "workdir",
                workdir,
                at,
                base,
                Wanted::Directory,
                &mut findings,
            );
        }
        for (mount, at) in job.file_mounts.iter().zip(&self.draft.mounts_at) {
            check_path(
                "source",
                &mount.source,
                at,
                base,
                Wanted::Any,
                &mut findings,
            );
        }
        none_or(findings)
    }

    /// Puts in what the command line says, and points at every value that is still missing and at
    /// files that would be where the command line puts a volume.
    pub fn complete(mut self, overrides: &Overrides) -> Result<Job, Vec<Diagnostic>> {
        overrides.apply(&mut self.draft.job);
        let mut findings = Findings::new(&self.source);
        if let Some(volume) = &self.draft.job.volume {
            let mounts = self.draft.job.file_mounts.iter();
            for (mount, at) in mounts.zip(&self.draft.mounts_at) {
                if mount.dest == volume.path {
                    read::both_there(volume, at, &mut findings);
                }
            }
        }
        let required = &self.draft.job.required;
        for name in &required.envs {
            missing(name, "env", self.draft.envs_at.get(name), &mut findings);
        }
        for name in &required.secrets {
            missing(
                name,
                "secret",
                self.draft.secrets_at.get(name),
                &mut findings,
            );
        }
        none_or(findings)?;
        Ok(self.draft.job)
    }
}

fn read_draft(text: &str, file_name: &str, findings: &mut Findings<'_>) -> Option<Draft> {
    let root = tree::build(text, findings);
    if findings.is_empty() && root.as_ref().is_none_or(tree::Node::is_nothing) {
        let message = "the file is empty".to_owned();
        let hint = "write at least what is to run: `run: python train.py`";
        findings.report(Code::MissingKey, &(0..1), message, hint);
        return None;
    }
    let root = root?;
    match &root.data {
        tree::Data::Map(_) => Some(read::job(&root, file_name, findings)),
        tree::Data::Scalar(_) | tree::Data::List(_) => {
            let message = format!("a job file is a mapping, but this is {root}");
            let hint = "begin with keys, such as `run: python train.py`";
            findings.report(Code::WrongType, &root.at, message, hint);
            None
        }
    }
}

fn too_large(text: &str, file_name: &str) -> Vec<Diagnostic> {
    let first_line = text.lines().next().unwrap_or_default();
    let first_line: String = first_line.chars().take(1_000).collect();
    let message = format!(
        "the file has {} bytes; a job file has at most {SIZE_MAX}",
        text.len()
    );
    let hint = "check that it is the job file; data goes to the pod by `file_mounts`".to_owned();
    let source = Source::new(&first_line, file_name);
    vec![source.point(&(0..1), Code::TooLarge, message, Some(hint))]
}

fn none_or(findings: Findings<'_>) -> Result<(), Vec<Diagnostic>> {
    let found = findings.into_found();
    if found.is_empty() { Ok(()) } else { Err(found) }
}

fn missing(name: &str, option: &str, at: Option<&Place>, findings: &mut Findings<'_>) {
    let message = format!("`{name}` has no value");
    let hint =
        format!("give it with `--{option} {name}=VALUE`, or `--{option} {name}` if it is set here");
    // Every required name came from a place in the file.
    findings.report(Code::MissingEnv, at.unwrap_or(&(0..1)), message, &hint);
}

/// What a path must lead to.
#[derive(Debug, Clone, Copy)]
enum Wanted {
    Directory,
    Any,
}

fn check_path(
    what: &str,
    path: &Path,
    at: &Place,
    base: &LocalBase,
    wanted: Wanted,
    findings: &mut Findings<'_>,
) {
    let full = base.resolve(path);
    let trouble = match std::fs::metadata(&full) {
        Ok(metadata) => match wanted_but_found(wanted, &metadata) {
            Some(found) => found,
            None => return,
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => "is not there".to_owned(),
        Err(error) => format!("cannot be looked at: {error}"),
    };
    let message = format!("the {what} {} {trouble}", full.display());
    let hint = "relative paths begin at the job file's directory; correct the path or create it";
    findings.report(Code::NoSuchPath, at, message, hint);
}

fn wanted_but_found(wanted: Wanted, metadata: &Metadata) -> Option<String> {
    match wanted {
        _ if metadata.is_dir() => None,
        Wanted::Any if metadata.is_file() => None,
        Wanted::Any => Some("is neither a file nor a directory".to_owned()),
        Wanted::Directory => Some("is not a directory".to_owned()),
    }
}
