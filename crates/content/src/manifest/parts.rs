//! A manifest as blobs: one if it is small enough, otherwise a list of parts.

use bytes::Bytes;
use livery_units::ContentHash;

use super::{Manifest, Reader, Writer, invalid};
use crate::chunk::CHUNK_LEN;
use crate::{ContentError, hash_bytes};

const MAGIC: &[u8; 8] = b"LVPART1\n";

/// A manifest made ready for a store.
#[derive(Debug, Clone)]
pub struct TreeBlobs {
    /// The hash that stands for the whole tree.
    pub root: ContentHash,
    /// The blobs of the manifest; the one that `root` names comes last.
    pub blobs: Vec<(ContentHash, Bytes)>,
}

/// What the blob that stands for a tree holds.
pub(crate) enum Root {
    /// The manifest itself.
    Whole(Manifest),
    /// The names of the blobs that make it up.
    Parts(Vec<ContentHash>),
}

impl Manifest {
    /// Returns the manifest as blobs; only trees of some 100,000 files need more than one.
    pub fn to_blobs(&self) -> TreeBlobs {
        let bytes = Bytes::from(self.encode());
        let limit = usize::try_from(CHUNK_LEN).unwrap_or(usize::MAX);
        let mut blobs: Vec<_> = bytes
            .chunks(limit)
            .map(|part| (hash_bytes(part), bytes.slice_ref(part)))
            .collect();
        if blobs.len() > 1 {
            let mut list = Writer::with_capacity(blobs.len() * 32 + MAGIC.len());
            list.raw(MAGIC);
            for (hash, _) in &blobs {
                list.raw(hash.as_bytes());
            }
            let list = Bytes::from(list.finish());
            blobs.push((hash_bytes(&list), list));
        }
        // A manifest is never empty: it begins with its magic.
        let root = blobs.last().map_or_else(|| hash_bytes(b""), |blob| blob.0);
        TreeBlobs { root, blobs }
    }
}

impl Root {
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, ContentError> {
        let Some(list) = bytes.strip_prefix(MAGIC) else {
            return Manifest::decode(bytes).map(Self::Whole);
        };
        if list.len() % 32 != 0 || list.len() < 64 {
            return Err(invalid("its list of parts is cut off"));
        }
        Reader::new(list)
            .hashes(list.len() as u64 / 32)
            .map(Self::Parts)
    }
}
