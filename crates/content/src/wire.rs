//! Blobs on their way: frames of `[hash 32][encoding 1][length 4, little-endian][bytes]`.
//!
//! The same frames go from the CLI to the control plane and from there to an agent. What is
//! compressed once is passed on as it is.

use std::io::{self, Read, Write};

use bytes::{Buf, Bytes, BytesMut};
use livery_units::{Bytes as Size, ContentHash};

use crate::encoding::{compress, decode};
use crate::{Compression, ContentError, Encoding};

/// The most bytes that a blob may have, in a frame and when decoded.
pub const MAX_FRAME_LEN: usize = 16 << 20;

/// The bytes before a frame's body.
pub(crate) const HEADER_LEN: usize = 32 + 1 + 4;

/// One blob on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    hash: ContentHash,
    encoding: Encoding,
    body: Bytes,
}

impl Frame {
    /// Makes a frame of plain bytes whose name the caller has computed.
    pub fn pack(
        hash: ContentHash,
        bytes: Bytes,
        compression: Compression,
    ) -> Result<Self, ContentError> {
        if bytes.len() > MAX_FRAME_LEN {
            return Err(ContentError::TooLarge(Size::new(bytes.len() as u64)));
        }
        Ok(match compress(&bytes, compression) {
            Some(packed) => Self::from_parts(hash, Encoding::Zstd, packed.into()),
            None => Self::from_parts(hash, Encoding::Raw, bytes),
        })
    }

    pub(crate) fn from_parts(hash: ContentHash, encoding: Encoding, body: Bytes) -> Self {
        Self {
            hash,
            encoding,
            body,
        }
    }

    /// Returns the blob's name, which the body has not been checked against.
    pub fn hash(&self) -> &ContentHash {
        &self.hash
    }

    /// Returns how the body is written.
    pub fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// Returns the bytes as they travel.
    pub fn body(&self) -> &Bytes {
        &self.body
    }

    /// Returns the plain bytes after checking them against the name.
    pub fn unpack(&self) -> Result<Bytes, ContentError> {
        decode(&self.hash, self.encoding, self.body.clone())
    }

    /// Returns what goes before the body.
    pub fn header(&self) -> Bytes {
        Bytes::copy_from_slice(&header(&self.hash, self.encoding, self.body.len()))
    }
}

/// Writes the bytes before a body.
pub(crate) fn header(hash: &ContentHash, encoding: Encoding, len: usize) -> [u8; HEADER_LEN] {
    let mut header = [0; HEADER_LEN];
    header[..32].copy_from_slice(hash.as_bytes());
    header[32] = encoding.flag();
    // No frame is made with more than MAX_FRAME_LEN bytes, so the length always fits.
    let len = u32::try_from(len).unwrap_or(u32::MAX);
    header[33..].copy_from_slice(&len.to_le_bytes());
    header
}

/// Reads the bytes before a body: name, encoding and length.
pub(crate) fn parse_header(
    header: &[u8; HEADER_LEN],
) -> Result<(ContentHash, Encoding, usize), ContentError> {
    let mut hash = [0; 32];
    hash.copy_from_slice(&header[..32]);
    let encoding = Encoding::from_flag(header[32])
        .ok_or(ContentError::BadFrame("a frame has an unknown encoding"))?;
    let mut len = [0; 4];
    len.copy_from_slice(&header[33..]);
    let len = u32::from_le_bytes(len);
    let fits = usize::try_from(len).ok().filter(|n| *n <= MAX_FRAME_LEN);
    let len = fits.ok_or(ContentError::TooLarge(Size::new(u64::from(len))))?;
    Ok((ContentHash::from_bytes(hash), encoding, len))
}

/// Writes one frame.
pub fn write_frame(output: &mut impl Write, frame: &Frame) -> io::Result<()> {
    output.write_all(&frame.header())?;
    output.write_all(&frame.body)
}

/// Reads one frame; `None` at the end of the stream.
pub fn read_frame(input: &mut impl Read) -> Result<Option<Frame>, FrameReadError> {
    let mut header = [0; HEADER_LEN];
    let mut filled = 0;
    while filled < HEADER_LEN {
        match input.read(&mut header[filled..]) {
            Ok(0) if filled == 0 => return Ok(None),
            Ok(0) => return Err(ContentError::BadFrame(CUT).into()),
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
    let (hash, encoding, len) = parse_header(&header)?;
    let mut body = Vec::with_capacity(len);
    let read = input.take(len as u64).read_to_end(&mut body)?;
    if read < len {
        return Err(ContentError::BadFrame(CUT).into());
    }
    Ok(Some(Frame::from_parts(hash, encoding, body.into())))
}

const CUT: &str = "it ends in the middle of a frame";

/// Why a frame could not be read from a stream.
#[derive(Debug, thiserror::Error)]
pub enum FrameReadError {
    /// The stream itself failed.
    #[error("the stream of content failed")]
    Stream(#[from] io::Error),
    /// What came is not a frame.
    #[error(transparent)]
    Content(#[from] ContentError),
}

/// Cuts frames out of pieces of any size, as an HTTP body brings them.
#[derive(Debug, Default)]
pub struct FrameDecoder {
    buffer: BytesMut,
}

impl FrameDecoder {
    /// Takes the next piece of the stream.
    pub fn push(&mut self, piece: &[u8]) {
        self.buffer.extend_from_slice(piece);
    }

    /// Returns the next whole frame; `None` says that more pieces are needed.
    pub fn next_frame(&mut self) -> Result<Option<Frame>, ContentError> {
        let Some(header) = self.buffer.first_chunk::<HEADER_LEN>() else {
            return Ok(None);
        };
        let (hash, encoding, len) = parse_header(header)?;
        if self.buffer.len() < HEADER_LEN + len {
            let more = HEADER_LEN + len - self.buffer.len();
            self.buffer.reserve(more);
            return Ok(None);
        }
        self.buffer.advance(HEADER_LEN);
        let body = self.buffer.split_to(len).freeze();
        Ok(Some(Frame::from_parts(hash, encoding, body)))
    }

    /// Says whether the stream ended where a frame ends.
    pub fn finish(&self) -> Result<(), ContentError> {
        match self.buffer.is_empty() {
            true => Ok(()),
            false => Err(ContentError::BadFrame(CUT)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash_bytes;

    fn frames() -> Vec<Frame> {
        let blobs = [b"".to_vec(), b"one".to_vec(), b"two ".repeat(50_000)];
        blobs
            .map(|blob| {
                Frame::pack(hash_bytes(&blob), blob.into(), Compression::WherePays).unwrap()
            })
            .to_vec()
    }

    fn stream(frames: &[Frame]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for frame in frames {
            write_frame(&mut bytes, frame).unwrap();
        }
        bytes
    }

    #[test]
    fn frames_survive_any_cut_of_the_stream_into_pieces() {
        let bytes = stream(&frames());
        for piece_len in [1, 2, 36, 37, 38, 1_000, bytes.len()] {
            let mut decoder = FrameDecoder::default();
            let mut found = Vec::new();
            for piece in bytes.chunks(piece_len) {
                decoder.push(piece);
                while let Some(frame) = decoder.next_frame().unwrap() {
                    frame.unpack().unwrap();
                    found.push(frame);
                }
            }
            decoder.finish().unwrap();
            assert_eq!(found, frames(), "{piece_len}");
        }
        let mut input = bytes.as_slice();
        let read = std::iter::from_fn(|| read_frame(&mut input).unwrap());
        assert_eq!(read.collect::<Vec<_>>(), frames());
    }

    #[test]
    fn torn_and_foreign_streams_are_refused() {
        let bytes = stream(&frames());
        let mut decoder = FrameDecoder::default();
        decoder.push(&bytes[..bytes.len() - 1]);
        while decoder.next_frame().unwrap().is_some() {}
        assert!(decoder.finish().is_err());
        assert!(read_frame(&mut &bytes[..20]).is_err());

        let mut huge = header(&hash_bytes(b""), Encoding::Raw, MAX_FRAME_LEN + 1);
        let result = read_frame(&mut huge.as_slice());
        assert!(matches!(
            result,
            Err(FrameReadError::Content(ContentError::TooLarge(_)))
        ));
        huge[32] = 9;
        let mut decoder = FrameDecoder::default();
        decoder.push(&huge);
        assert!(decoder.next_frame().is_err());
    }
}
