//! Whole trees in a store.

use std::collections::HashSet;

use livery_units::ContentHash;

use super::{ContentStore, Share};
use crate::manifest::{Root, invalid};
use crate::{ContentError, Manifest};

impl ContentStore {
    /// Keeps a manifest and returns the hash that stands for its tree. It finds a place when there is no
    /// room for content any more.
    pub fn put_tree(&self, manifest: &Manifest) -> Result<ContentHash, ContentError> {
        let tree = manifest.to_blobs();
        for (hash, bytes) in &tree.blobs {
            self.put_named(hash, bytes, Share::Reserve)?;
        }
        Ok(tree.root)
    }

    /// Reads the manifest of a tree.
    pub fn tree(&self, root: &ContentHash) -> Result<Manifest, ContentError> {
        self.tree_with_parts(root).map(|(manifest, _)| manifest)
    }

    /// Returns every blob that a tree needs, its manifest's own among them, each once.
    pub fn tree_blobs(&self, root: &ContentHash) -> Result<Vec<ContentHash>, ContentError> {
        let (manifest, parts) = self.tree_with_parts(root)?;
        let mut seen = HashSet::new();
        let all = std::iter::once(*root).chain(parts);
        let all = all.chain(chunk_names(&manifest));
        Ok(all.filter(|hash| seen.insert(*hash)).collect())
    }

    /// Returns what has to be sent before the tree is whole here; none if it is.
    ///
    /// While the manifest itself is not whole only its own missing blobs are known, so a sender
    /// asks again after sending those.
    pub fn tree_missing(&self, root: &ContentHash) -> Result<Vec<ContentHash>, ContentError> {
        self.tree_missing_by(root, |hashes| self.missing(hashes))
    }

    /// Returns what of a tree is missing, where `missing` says what of a list is.
    pub(crate) fn tree_missing_by(
        &self,
        root: &ContentHash,
        missing: impl Fn(&[ContentHash]) -> Vec<ContentHash>,
    ) -> Result<Vec<ContentHash>, ContentError> {
        let own = missing(&[*root]);
        if !own.is_empty() {
            return Ok(own);
        }
        let mut needed = match Root::decode(&self.get(root)?)? {
            Root::Whole(manifest) => return Ok(missing(&chunk_names(&manifest))),
            Root::Parts(parts) => missing(&parts),
        };
        if needed.is_empty() {
            needed = missing(&self.tree_blobs(root)?);
        }
        Ok(needed)
    }

    /// Returns every blob that a tree needs, with its length before compression.
    pub(crate) fn tree_sizes(
        &self,
        root: &ContentHash,
    ) -> Result<Vec<(ContentHash, u32)>, ContentError> {
        let (manifest, parts) = self.tree_with_parts(root)?;
        let len = |len: u64| u32::try_from(len).unwrap_or(u32::MAX);
        let mut sized = vec![(*root, len(self.get(root)?.len() as u64))];
        for part in parts {
            sized.push((part, len(self.get(&part)?.len() as u64)));
        }
        sized.extend(manifest.chunks().map(|(hash, bytes)| (hash, len(bytes))));
        Ok(sized)
    }

    fn tree_with_parts(
        &self,
        root: &ContentHash,
    ) -> Result<(Manifest, Vec<ContentHash>), ContentError> {
        let parts = match Root::decode(&self.get(root)?)? {
            Root::Whole(manifest) => return Ok((manifest, Vec::new())),
            Root::Parts(parts) => parts,
        };
        let mut bytes = Vec::new();
        for part in &parts {
            bytes.extend_from_slice(&self.get(part)?);
        }
        let manifest = Manifest::decode(&bytes)?;
        // One tree must have one hash: parts are only for what does not fit in one blob.
        match manifest.to_blobs().root == *root {
            true => Ok((manifest, parts)),
            false => Err(invalid("it is cut into parts in another way")),
        }
    }
}

fn chunk_names(manifest: &Manifest) -> Vec<ContentHash> {
    manifest.chunks().map(|(hash, _)| hash).collect()
}
