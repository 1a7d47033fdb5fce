//! Compressing blobs where it pays.

use std::cell::RefCell;
use std::io;

use bytes::Bytes;
use livery_units::{Bytes as Size, ContentHash};
use zstd::bulk::{Compressor, Decompressor};

use crate::wire::MAX_FRAME_LEN;
use crate::{ContentError, hash_bytes};

/// How the bytes of a blob are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// As they are.
    Raw,
    /// As one zstd frame that states its length.
    Zstd,
}

/// Whether to compress.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// Never: the way is a local one and the processor has better things to do.
    Never,
    /// Where a sample shows that it saves at least an eighth.
    WherePays,
}

/// Fast enough to keep up with a network; higher levels gain little on what people send.
const LEVEL: i32 = 1;
/// Blobs below this are dwarfed by their own bookkeeping.
const MIN_LEN: usize = 256;
/// How much of a blob is tried first.
const SAMPLE_LEN: usize = 64 << 10;

impl Encoding {
    /// Returns the byte that stands for it in frames and packs.
    pub(crate) const fn flag(self) -> u8 {
        match self {
            Self::Raw => 0,
            Self::Zstd => 1,
        }
    }

    /// Reads the byte; `None` if no encoding has it.
    pub(crate) const fn from_flag(flag: u8) -> Option<Self> {
        match flag {
            0 => Some(Self::Raw),
            1 => Some(Self::Zstd),
            _ => None,
        }
    }
}

/// Compresses a blob if that is wanted and pays; `None` says to leave it as it is.
pub(crate) fn compress(bytes: &[u8], compression: Compression) -> Option<Vec<u8>> {
    match compression {
        Compression::Never => return None,
        Compression::WherePays if bytes.len() < MIN_LEN => return None,
        Compression::WherePays => {}
    }
    thread_local! {
        static COMPRESSOR: RefCell<Option<Compressor<'static>>> = const { RefCell::new(None) };
    }
    COMPRESSOR.with_borrow_mut(|slot| {
        let compressor = match slot {
            Some(compressor) => compressor,
            None => slot.insert(Compressor::new(LEVEL).ok()?),
        };
        if bytes.len() > SAMPLE_LEN {
            let sample = &bytes[..SAMPLE_LEN];
            let tried = compressor.compress(sample).ok()?;
            if !pays(sample.len(), tried.len()) {
                return None;
            }
        }
        let packed = compressor.compress(bytes).ok()?;
        pays(bytes.len(), packed.len()).then_some(packed)
    })
}

/// Returns the plain bytes of a blob after checking that they are what its name says.
pub(crate) fn decode(
    hash: &ContentHash,
    encoding: Encoding,
    body: Bytes,
) -> Result<Bytes, ContentError> {
    let bytes = match encoding {
        Encoding::Raw => body,
        Encoding::Zstd => decompress(hash, &body)?.into(),
    };
    let found = hash_bytes(&bytes);
    if found != *hash {
        return Err(ContentError::HashMismatch {
            expected: *hash,
            found,
        });
    }
    Ok(bytes)
}

/// Decompresses at most what a blob may hold, whatever the frame claims.
fn decompress(hash: &ContentHash, body: &[u8]) -> Result<Vec<u8>, ContentError> {
    thread_local! {
        static DECOMPRESSOR: RefCell<Option<Decompressor<'static>>> = const { RefCell::new(None) };
    }
    let fail = |reason: String| ContentError::Undecodable {
        hash: *hash,
        reason,
    };
    let len = match zstd::zstd_safe::get_frame_content_size(body) {
        Ok(Some(len)) if len > MAX_FRAME_LEN as u64 => {
            return Err(ContentError::TooLarge(Size::new(len)));
        }
        Ok(Some(len)) => usize::try_from(len).unwrap_or(MAX_FRAME_LEN),
        Ok(None) | Err(_) => return Err(fail("it does not state its length".to_owned())),
    };
    let result: io::Result<Vec<u8>> = DECOMPRESSOR.with_borrow_mut(|slot| {
        let decompressor = match slot {
            Some(decompressor) => decompressor,
            None => slot.insert(Decompressor::new()?),
        };
        decompressor.decompress(body, len)
    });
    result.map_err(|error| fail(error.to_string()))
}

fn pays(before: usize, after: usize) -> bool {
    after <= before - before / 8
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bytes that no compressor gains on, the same each time.
    fn noise(len: usize) -> Vec<u8> {
        let mut bytes = vec![0; len];
        blake3::Hasher::new().finalize_xof().fill(&mut bytes);
        bytes
    }

    #[test]
    fn compression_happens_where_it_pays_and_reverses() {
        let text = b"step 17 loss 0.31\n".repeat(10_000);
        let packed = compress(&text, Compression::WherePays).unwrap();
        assert!(packed.len() < text.len() / 10);
        let hash = hash_bytes(&text);
        let plain = decode(&hash, Encoding::Zstd, packed.into()).unwrap();
        assert_eq!(plain, text);
        assert!(compress(&text, Compression::Never).is_none());
        assert!(compress(&noise(200_000), Compression::WherePays).is_none());
        assert!(compress(b"short", Compression::WherePays).is_none());
    }

    #[test]
    fn damaged_and_exploding_blobs_are_refused() {
        let text = b"a".repeat(100_000);
        let hash = hash_bytes(&text);
        let mut packed = compress(&text, Compression::WherePays).unwrap();
        let wrong = hash_bytes(b"other");
        let result = decode(&wrong, Encoding::Zstd, packed.clone().into());
        assert!(matches!(result, Err(ContentError::HashMismatch { .. })));
        packed.truncate(packed.len() / 2);
        let result = decode(&hash, Encoding::Zstd, packed.into());
        assert!(matches!(result, Err(ContentError::Undecodable { .. })));
        let bomb = zstd::bulk::compress(&vec![0; MAX_FRAME_LEN + 1], 1).unwrap();
        let result = decode(&hash, Encoding::Zstd, bomb.into());
        assert!(matches!(result, Err(ContentError::TooLarge(_))));
    }
}
