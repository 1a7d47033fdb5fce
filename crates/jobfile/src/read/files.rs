//! `file_mounts`, `outputs` and `checkpoint`.

use super::entries::entries;
use super::{Findings, texts};
use crate::amounts;
use crate::code::Code;
use crate::keys::{CHECKPOINT, CheckpointKey};
use crate::tree::{Node, Place};
use livery_domain::job::{Checkpoint, FileMount, OutputPattern, PodPath};
use std::collections::BTreeMap;

/// Reads the mounts, each with the place of its source.
pub(super) fn mounts(node: &Node, findings: &mut Findings<'_>) -> Vec<(FileMount, Place)> {
    let mut mounts = Vec::new();
    let mut seen: BTreeMap<PodPath, usize> = BTreeMap::new();
    for entry in node.entries() {
        let dest = findings.take(&entry.key_at, texts::pod_path(&entry.key));
        let source = findings.take(&entry.value.at, texts::local_path(entry.value.text()));
        let Some(dest) = dest else { continue };
        if let Some(line) = seen.get(&dest) {
            let message = format!("two sources go to {dest}");
            let hint = format!("the other is on line {line}; give each a destination of its own");
            findings.report(Code::Conflict, &entry.key_at, message, &hint);
            continue;
        }
        seen.insert(dest.clone(), findings.line_of(&entry.key_at));
        if let Some(source) = source {
            mounts.push((FileMount { dest, source }, entry.value.at.clone()));
        }
    }
    mounts
}

pub(super) fn outputs(node: &Node, findings: &mut Findings<'_>) -> Vec<OutputPattern> {
    let read = |item: &Node| findings.take(&item.at, texts::output(item.text()));
    node.items().iter().filter_map(read).collect()
}

pub(super) fn checkpoint(node: &Node, findings: &mut Findings<'_>) -> Option<Checkpoint> {
    let (mut dir, mut interval) = (None, None);
    for (key, entry) in entries(node, &CHECKPOINT, CheckpointKey::ALL, findings) {
        let (at, text) = (&entry.value.at, entry.value.text());
        match key {
            CheckpointKey::Dir => dir = checkpoint_dir(at, text, findings),
            CheckpointKey::Interval => interval = findings.take(at, amounts::duration(text)),
        }
    }
    dir.map(|dir| Checkpoint { dir, interval })
}

fn checkpoint_dir(at: &Place, text: &str, findings: &mut Findings<'_>) -> Option<PodPath> {
    let dir = findings.take(at, texts::pod_path(text))?;
    match dir.in_workspace() {
        Some(below) if !below.is_empty() => Some(dir),
        Some(_) | None => {
            let message = format!("checkpoints in {dir} could not be brought home");
            let hint = "name a directory below /workspace, such as /workspace/checkpoints";
            findings.report(Code::Escapes, at, message, hint);
            None
        }
    }
}
