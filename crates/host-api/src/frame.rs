//! Frames of an interactive session: one byte of kind, four of length (big endian), then that many.

use bytes::{Buf, BufMut, Bytes, BytesMut};

/// One frame of an interactive session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame {
    /// Input for the command.
    Stdin(Bytes),
    /// No more input will come.
    StdinEnd,
    /// The terminal has a new size: columns, rows.
    Resize(u16, u16),
    /// A signal for the command, by number.
    Signal(i32),
    /// Output of the command (everything, when it has a terminal).
    Stdout(Bytes),
    /// Error output of the command.
    Stderr(Bytes),
    /// The command ended with this code; the last frame.
    Exit(i32),
    /// The session failed, in words for the user; the last frame.
    Failed(String),
}

/// Why bytes are not a frame.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// No frame has this kind.
    #[error("a frame of unknown kind {0}")]
    Kind(u8),
    /// Longer than any frame.
    #[error("a frame of {0} bytes is longer than any frame may be")]
    TooLong(usize),
    /// The content does not fit its kind.
    #[error("a frame of kind {0} has the wrong content")]
    Content(u8),
}

/// Longest content of a frame in bytes.
pub const FRAME_BYTES_MAX: usize = 1 << 20;

const HEADER_BYTES: usize = 5;

impl Frame {
    /// Appends the frame to `out`.
    pub fn encode(&self, out: &mut BytesMut) {
        let (kind, content): (u8, Bytes) = match self {
            Self::Stdin(bytes) => (0, bytes.clone()),
            Self::StdinEnd => (1, Bytes::new()),
            Self::Resize(columns, rows) => {
                let mut size = BytesMut::with_capacity(4);
                size.put_u16(*columns);
                size.put_u16(*rows);
                (2, size.freeze())
            }
            Self::Signal(signal) => (3, Bytes::copy_from_slice(&signal.to_be_bytes())),
            Self::Stdout(bytes) => (4, bytes.clone()),
            Self::Stderr(bytes) => (5, bytes.clone()),
            Self::Exit(code) => (6, Bytes::copy_from_slice(&code.to_be_bytes())),
            Self::Failed(message) => (7, Bytes::copy_from_slice(message.as_bytes())),
        };
        out.put_u8(kind);
        out.put_u32(u32::try_from(content.len()).unwrap_or(u32::MAX));
        out.put_slice(&content);
    }

    /// Returns the frame as bytes of its own.
    pub fn to_bytes(&self) -> Bytes {
        let mut out = BytesMut::new();
        self.encode(&mut out);
        out.freeze()
    }

    /// Takes one frame from the front of `buffer`; `None` when more bytes are needed.
    ///
    /// # Errors
    /// [`FrameError`] when the bytes cannot be a frame; the stream is then of no use any more.
    pub fn decode(buffer: &mut BytesMut) -> Result<Option<Self>, FrameError> {
        if buffer.len() < HEADER_BYTES {
            return Ok(None);
        }
        let kind = buffer[0];
        let length = u32::from_be_bytes([buffer[1], buffer[2], buffer[3], buffer[4]]) as usize;
        if length > FRAME_BYTES_MAX {
            return Err(FrameError::TooLong(length));
        }
        if buffer.len() < HEADER_BYTES + length {
            return Ok(None);
        }
        buffer.advance(HEADER_BYTES);
        let content = buffer.split_to(length).freeze();
        Self::from_parts(kind, content).map(Some)
    }

    fn from_parts(kind: u8, content: Bytes) -> Result<Self, FrameError> {
        let number = |content: &Bytes| {
            let bytes: [u8; 4] = content
                .as_ref()
                .try_into()
                .map_err(|_| FrameError::Content(kind))?;
            Ok::<i32, FrameError>(i32::from_be_bytes(bytes))
        };
        Ok(match kind {
            0 => Self::Stdin(content),
            1 => Self::StdinEnd,
            2 => {
                let [a, b, c, d] = content.as_ref() else {
                    return Err(FrameError::Content(kind));
                };
                Self::Resize(u16::from_be_bytes([*a, *b]), u16::from_be_bytes([*c, *d]))
            }
            3 => Self::Signal(number(&content)?),
            4 => Self::Stdout(content),
            5 => Self::Stderr(content),
            6 => Self::Exit(number(&content)?),
            7 => Self::Failed(String::from_utf8_lossy(&content).into_owned()),
            other => return Err(FrameError::Kind(other)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_survive_any_cut() {
        let frames = [
            Frame::Stdin(Bytes::from_static(b"hello")),
            Frame::StdinEnd,
            Frame::Resize(120, 40),
            Frame::Signal(15),
            Frame::Stdout(Bytes::new()),
            Frame::Stderr(Bytes::from_static(b"\xff\x00")),
            Frame::Failed("gone".into()),
            Frame::Exit(-1),
        ];
        let mut all = BytesMut::new();
        frames.iter().for_each(|frame| frame.encode(&mut all));
        for cut in 1..all.len() {
            let mut buffer = BytesMut::new();
            let mut seen = Vec::new();
            for piece in all.chunks(cut) {
                buffer.extend_from_slice(piece);
                while let Some(frame) = Frame::decode(&mut buffer).unwrap() {
                    seen.push(frame);
                }
            }
            assert_eq!(seen, frames, "cut every {cut} bytes");
        }
    }

    #[test]
    fn nonsense_is_refused() {
        let decode = |bytes: &[u8]| Frame::decode(&mut BytesMut::from(bytes));
        assert_eq!(decode(&[9, 0, 0, 0, 0]), Err(FrameError::Kind(9)));
        assert_eq!(
            decode(&[0, 255, 255, 255, 255]),
            Err(FrameError::TooLong(u32::MAX as usize))
        );
        assert_eq!(decode(&[6, 0, 0, 0, 1, 7]), Err(FrameError::Content(6)));
    }
}
