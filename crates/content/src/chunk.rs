//! How files are cut and hashed.

use std::sync::OnceLock;

use blake3::Hasher;
use livery_units::ContentHash;

/// Where files are cut: every chunk but the last has this length.
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
        ContentHash::from_bytes(*hasher.finalize().as_bytes())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chunk_of_zeros_has_the_name_of_its_bytes() {
        let chunk = usize::try_from(CHUNK_LEN).unwrap();
        assert_eq!(*zero_chunk(), hash_bytes(&vec![0; chunk]));
    }
}
