//! `volumes`, and `--network-volume`.

use super::{Findings, texts};
use crate::amounts::Trouble;
use crate::code::Code;
use crate::tree::{Node, Place};
use livery_domain::job::{Job, JobVolume, JobVolumeError, PodPath};
use livery_domain::pod::WORKSPACE;

/// Reads the job's network volume.
pub(super) fn volume(node: &Node, findings: &mut Findings<'_>) -> Option<JobVolume> {
    let mut first: Option<&Place> = None;
    let mut found = None;
    for entry in node.entries() {
        if let Some(first) = first {
            let message = "a job has at most one network volume".to_owned();
            let line = findings.line_of(first);
            let hint = format!("the other is on line {line}; keep one of the two");
            findings.report(Code::Conflict, &entry.key_at, message, &hint);
            continue;
        }
        first = Some(&entry.key_at);
        let path = findings.take(&entry.key_at, place(&entry.key));
        let name = findings.take(&entry.value.at, name(entry.value.text()));
        found = path.zip(name);
    }
    found.map(|(path, name)| JobVolume { name, path })
}

/// Points at a volume that cannot be beside what else the file asks for.
pub(super) fn check(root: &Node, job: &Job, findings: &mut Findings<'_>) {
    let mut keys = root.entries().iter();
    let key = keys.find(|entry| entry.key == "volumes");
    let (Some(volume), Some(entry)) =
        (&job.volume, key.and_then(|key| key.value.entries().first()))
    else {
        return;
    };
    let sized = |resources: &livery_domain::job::Resources| resources.volume_size.is_some();
    if volume.is_workspace() && job.resources.as_slice().iter().any(sized) {
        let message =
            format!("{WORKSPACE} is the network volume, and `volume_size` is of a disk there too");
        let hint = "take `volume_size` away, or have the volume elsewhere, such as at /mnt/data";
        findings.report(Code::Conflict, &entry.key_at, message, hint);
    }
    if job.file_mounts.iter().any(|one| one.dest == volume.path) {
        both_there(volume, &entry.key_at, findings);
    }
}

/// Says that files are to be copied to where the volume is mounted.
pub(crate) fn both_there(volume: &JobVolume, at: &Place, findings: &mut Findings<'_>) {
    let path = &volume.path;
    let message = format!("{path} is the network volume and one of `file_mounts`");
    let hint = "copy the files to a place below it, or have the volume elsewhere";
    findings.report(Code::Conflict, at, message, hint);
}

/// Reads `NAME:PATH` or `NAME`, as the command line has it.
pub(crate) fn option(text: &str) -> Result<JobVolume, Trouble> {
    text.parse().map_err(trouble)
}

fn place(text: &str) -> Result<PodPath, Trouble> {
    let path = texts::pod_path(text)?;
    JobVolume::check_path(&path).map_err(trouble)?;
    Ok(path)
}

fn name(text: &str) -> Result<String, Trouble> {
    JobVolume::check_name(text).map_err(trouble)?;
    Ok(text.to_owned())
}

fn trouble(error: JobVolumeError) -> Trouble {
    let (code, hint) = match &error {
        JobVolumeError::Name(_) => (
            Code::BadValue,
            "name a volume as `livery volume list` shows it",
        ),
        JobVolumeError::Path(_) => (
            Code::Escapes,
            "name a path inside the pod, such as /mnt/data or /workspace",
        ),
        JobVolumeError::System(_) => (
            Code::Escapes,
            "have it elsewhere, such as at /mnt/data or /workspace",
        ),
    };
    Trouble {
        code,
        message: error.to_string(),
        hint: hint.to_owned(),
    }
}
