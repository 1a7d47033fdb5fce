//! How files are cut and hashed.

use std::sync::OnceLock;

use blake3::Hasher;
use blake3::hazmat::{
    ChainingValue, HasherExt, Mode, merge_subtrees_non_root, merge_subtrees_root,
};
use livery_units::ContentHash;

/// Where files are cut: every chunk but the last has this length.
///
/// A power of two of at least 1 KiB, so that each chunk is a subtree of the file's BLAKE3 tree and
/// chunks of one file can be hashed in parallel.
pub const CHUNK_LEN: u64 = 8 << 20;

/// Returns the name of some bytes.
pub fn hash_bytes(bytes: &[u8]) -> ContentHash {
    ContentHash::from_bytes(*blake3::hash(bytes).as_bytes())
}

/// Returns how many chunks a file of this length has.
pub(crate) fn chunk_count(len: u64) -> u64 {
    len.div_ceil(CHUNK_LEN)
}

/// Returns the length of one chunk of a file.
pub(crate) fn chunk_len(file_len: u64, index: u64) -> u64 {
    file_len.saturating_sub(index * CHUNK_LEN).min(CHUNK_LEN)
}

/// Returns the name of a whole chunk of zeros; files with holes keep them by it.
pub(crate) fn zero_chunk() -> &'static ContentHash {
    static ZERO: OnceLock<ContentHash> = OnceLock::new();
    ZERO.get_or_init(|| {
        let piece = [0; 64 << 10];
        let mut hasher = Hasher::new();
        for _ in 0..CHUNK_LEN / piece.len() as u64 {
            hasher.update(&piece);
        }
        finish(&hasher)
    })
}

/// One chunk of a larger file: its own name and its part of the file's.
pub(crate) struct HashedPart {
    pub(crate) hash: ContentHash,
    subtree: ChainingValue,
}

/// Hashes one chunk of a file that has several, piece by piece, so that both hashes are taken of
/// bytes that are still in the processor's cache.
pub(crate) struct PartHasher {
    own: Hasher,
    part: Hasher,
}

impl PartHasher {
    /// Begins chunk number `index`.
    pub(crate) fn new(index: u64) -> Self {
        let mut part = Hasher::new();
        part.set_input_offset(index * CHUNK_LEN);
        Self {
            own: Hasher::new(),
            part,
        }
    }

    pub(crate) fn update(&mut self, piece: &[u8]) {
        self.own.update(piece);
        self.part.update(piece);
    }

    pub(crate) fn finish(self) -> HashedPart {
        HashedPart {
            hash: finish(&self.own),
            subtree: self.part.finalize_non_root(),
        }
    }
}

/// Returns the BLAKE3 hash of the file that these parts make up; `None` for fewer than two.
pub(crate) fn merge_parts(parts: &[HashedPart]) -> Option<ContentHash> {
    let split = parts.len().checked_next_power_of_two()? / 2;
    if parts.len() < 2 {
        return None;
    }
    let (left, right) = parts.split_at(split);
    let hash = merge_subtrees_root(&subtree(left), &subtree(right), Mode::Hash);
    Some(ContentHash::from_bytes(*hash.as_bytes()))
}

/// Merges one or more parts; BLAKE3 gives the left side the largest power of two.
fn subtree(parts: &[HashedPart]) -> ChainingValue {
    match parts {
        [part] => part.subtree,
        parts => {
            let (left, right) = parts.split_at(parts.len().next_power_of_two() / 2);
            merge_subtrees_non_root(&subtree(left), &subtree(right), Mode::Hash)
        }
    }
}

fn finish(hasher: &Hasher) -> ContentHash {
    ContentHash::from_bytes(*hasher.finalize().as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_merge_to_the_hash_of_the_whole_file() {
        let chunk = usize::try_from(CHUNK_LEN).unwrap();
        let mut bytes = vec![0; 5 * chunk + 1_234];
        Hasher::new().finalize_xof().fill(&mut bytes);
        for len in [
            chunk + 1,
            2 * chunk,
            2 * chunk + 5,
            3 * chunk,
            4 * chunk,
            bytes.len(),
        ] {
            let parts: Vec<_> = (0_u64..)
                .zip(bytes[..len].chunks(chunk))
                .map(|(index, bytes)| {
                    let mut hasher = PartHasher::new(index);
                    bytes.chunks(99_999).for_each(|piece| hasher.update(piece));
                    hasher.finish()
                })
                .collect();
            assert_eq!(
                merge_parts(&parts),
                Some(hash_bytes(&bytes[..len])),
                "{len}"
            );
            assert_eq!(parts[1].hash, hash_bytes(&bytes[chunk..len.min(2 * chunk)]));
        }
        assert_eq!(*zero_chunk(), hash_bytes(&vec![0; chunk]));
    }
}
