//! Where the content of a scanned tree can be read again, chunk by chunk.

use std::collections::HashMap;
use std::os::fd::{AsFd, OwnedFd};

use livery_units::ContentHash;

use crate::chunk::chunk_len;
use crate::confined::FileStat;
use crate::read::read_chunk_again;
use crate::{Compression, ContentError, Frame, RelPath};

/// The files behind a manifest, found by the hashes of their chunks.
///
/// Files are opened when asked for and checked again: one that was changed since the scan is an
/// error that names it, never wrong content.
#[derive(Debug)]
pub struct Sources {
    base: OwnedFd,
    files: Vec<(RelPath, FileStat)>,
    chunks: HashMap<ContentHash, Place>,
}

/// One chunk of one file; other files may have the same one.
#[derive(Debug, Clone, Copy)]
struct Place {
    file: usize,
    index: u64,
}

impl Sources {
    pub(crate) fn new(base: OwnedFd) -> Self {
        Self {
            base,
            files: Vec::new(),
            chunks: HashMap::new(),
        }
    }

    /// Adds a file that was read.
    pub(crate) fn add(&mut self, path: RelPath, stat: FileStat, chunks: &[ContentHash]) {
        let file = self.files.len();
        for (index, hash) in (0..).zip(chunks) {
            self.chunks.entry(*hash).or_insert(Place { file, index });
        }
        self.files.push((path, stat));
    }

    /// Returns the names of all chunks, each once, in no order.
    pub fn hashes(&self) -> impl Iterator<Item = &ContentHash> {
        self.chunks.keys()
    }

    /// Returns the length of a chunk, if there is such a one.
    pub fn len_of(&self, hash: &ContentHash) -> Option<u64> {
        let place = self.chunks.get(hash)?;
        Some(chunk_len(self.files[place.file].1.size, place.index))
    }

    /// Reads a chunk again and checks that its file is still the one that was scanned.
    pub fn read(&self, hash: &ContentHash) -> Result<Vec<u8>, ContentError> {
        let place = self
            .chunks
            .get(hash)
            .ok_or(ContentError::Missing { hash: *hash })?;
        let (path, stat) = &self.files[place.file];
        let bytes = read_chunk_again(self.base.as_fd(), path, stat, (place.index, hash))?;
        bytes.ok_or_else(|| ContentError::FileChanged {
            path: path.to_string(),
        })
    }

    /// Reads a chunk again and makes it ready to be sent.
    pub fn frame(
        &self,
        hash: &ContentHash,
        compression: Compression,
    ) -> Result<Frame, ContentError> {
        Frame::pack(*hash, self.read(hash)?.into(), compression)
    }
}
