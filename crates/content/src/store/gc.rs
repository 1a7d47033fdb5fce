//! Sweeping away what no tree needs.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::sync::PoisonError;
use std::time::{Duration, SystemTime};

use livery_units::{ContentHash, Span};

use super::packs::now_secs;
use super::{ContentStore, pack_file};
use crate::ContentError;

/// What a sweep did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GcReport {
    /// Blobs that were dropped.
    pub dropped_blobs: u64,
    /// Bytes of disk given back.
    pub freed_bytes: u64,
    /// Trees to keep whose manifests are absent or damaged, so that nothing could be kept for them.
    pub unreadable_trees: Vec<ContentHash>,
}

impl ContentStore {
    /// Drops every blob that none of these trees needs and that nobody has used for `min_age`.
    ///
    /// The age protects what is being sent: its manifest comes before or after its chunks.
    pub fn gc(&self, trees: &[ContentHash], min_age: Span) -> Result<GcReport, ContentError> {
        let mut unreadable_trees = Vec::new();
        let mut live = HashSet::new();
        for root in trees {
            match self.tree_blobs(root) {
                Ok(blobs) => live.extend(blobs),
                // Any other error is about the disk, where dropping on the strength of a failed read
                // would be wrong.
                Err(error) if error.is_about_the_tree() => unreadable_trees.push(*root),
                Err(error) => return Err(error),
            }
        }
        Ok(GcReport {
            unreadable_trees,
            ..self.gc_but(&live, min_age)?
        })
    }

    /// Drops every blob that is none of these and that nobody has used for `min_age`.
    pub(crate) fn gc_but(
        &self,
        live: &HashSet<ContentHash>,
        min_age: Span,
    ) -> Result<GcReport, ContentError> {
        let mut report = GcReport::default();
        self.sweep_objects(live, min_age.to_std(), &mut report)?;
        self.sweep_packs(live, min_age.secs(), &mut report)?;
        Ok(report)
    }

    fn sweep_objects(
        &self,
        live: &HashSet<ContentHash>,
        min_age: Duration,
        report: &mut GcReport,
    ) -> Result<(), ContentError> {
        self.objects.each(|path, hash, _, _| {
            if live.contains(&hash) {
                return Ok(());
            }
            // Looked at again with writers held off: one may have just found it of use.
            let _sweeping = self
                .sweeping
                .write()
                .unwrap_or_else(PoisonError::into_inner);
            let Ok(meta) = fs::metadata(path) else {
                // Found to be damaged and removed since it was listed.
                return Ok(());
            };
            let age = meta
                .modified()
                .map(|time| SystemTime::now().duration_since(time));
            if !matches!(age, Ok(Ok(age)) if age >= min_age) {
                return Ok(());
            }
            fs::remove_file(path).map_err(ContentError::on("remove", path))?;
            report.dropped_blobs += 1;
            report.freed_bytes += meta.len();
            Ok(())
        })
    }

    /// Rewrites packs of which more than a quarter is dead.
    fn sweep_packs(
        &self,
        live: &HashSet<ContentHash>,
        min_age_secs: u64,
        report: &mut GcReport,
    ) -> Result<(), ContentError> {
        let _sweeping = self
            .sweeping
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        self.packs.close_active()?;
        let now = now_secs();
        let mut dead: HashSet<ContentHash> = HashSet::new();
        let mut kept: HashMap<u32, Vec<ContentHash>> = HashMap::new();
        let mut kept_bytes: HashMap<u32, u64> = HashMap::new();
        let numbers: Vec<u32> = {
            let state = self.packs.state();
            for (hash, slot) in &state.index {
                let age = now.saturating_sub(slot.used_secs);
                if !live.contains(hash) && age >= min_age_secs {
                    dead.insert(*hash);
                } else {
                    kept.entry(slot.pack).or_default().push(*hash);
                    *kept_bytes.entry(slot.pack).or_default() += slot.record.stored_len();
                }
            }
            state.files.keys().copied().collect()
        };
        for number in numbers {
            let path = self.packs.path(number);
            let len = fs::metadata(&path)
                .map_err(ContentError::on("read", &path))?
                .len();
            if kept_bytes.get(&number).copied().unwrap_or(0) > len - len / 4 {
                continue;
            }
            self.copy_on(kept.get(&number).map_or(&[], Vec::as_slice))?;
            let mut state = self.packs.state();
            state.index.retain(|hash, slot| {
                let gone = slot.pack == number && dead.contains(hash);
                report.dropped_blobs += u64::from(gone);
                slot.pack != number
            });
            state.files.remove(&number);
            drop(state);
            // The index goes first: an index without its pack would be believed by a new pack.
            let index = pack_file::index_path(&path);
            match fs::remove_file(&index) {
                Ok(()) => {}
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => return Err(ContentError::io("remove", &index, error)),
            }
            fs::remove_file(&path).map_err(ContentError::on("remove", &path))?;
            report.freed_bytes += len;
        }
        Ok(())
    }

    /// Copies what is still needed of a pack behind the newest one.
    fn copy_on(&self, kept: &[ContentHash]) -> Result<(), ContentError> {
        for hash in kept {
            if let Some((encoding, body)) = self.packs.read(hash)? {
                self.packs.append(hash, encoding, &body)?;
            }
        }
        if !kept.is_empty() {
            // The copies must outlast a power cut before the originals go.
            self.packs.close_active()?;
        }
        Ok(())
    }
}
