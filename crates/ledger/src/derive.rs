//! Ids that are derived from what they are for.

/// Derives entropy for an id: the same words, the same id. Lengths are hashed too, so that no two
/// lists of words run together to the same text.
pub(crate) fn entropy(words: &[&str]) -> u128 {
    let mut hasher = blake3::Hasher::new();
    for word in words {
        hasher.update(&(word.len() as u64).to_le_bytes());
        hasher.update(word.as_bytes());
    }
    let mut entropy = [0; 16];
    entropy.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
    u128::from_le_bytes(entropy)
}
