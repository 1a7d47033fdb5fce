//! A bound on what the reader of a tar file takes into memory by itself.

use std::cell::Cell;
use std::io::{self, Read, Seek, SeekFrom};
use std::rc::Rc;

/// Most bytes before the content of one entry: its header, long names, extended attributes.
const HEADERS: u64 = 16 << 20;

/// Passes bytes on as long as its [`Gate`] lets them through.
///
/// The tar reader keeps long names and attributes in memory whole, however long they say they are;
/// compressed, gigabytes of them travel as kilobytes.
pub(crate) struct Fence<R> {
    inner: R,
    gate: Gate,
}

/// Says how much may pass.
#[derive(Debug, Clone)]
pub(crate) struct Gate(Rc<Cell<u64>>);

impl<R> Fence<R> {
    /// Puts a fence before a stream that begins with a header.
    pub fn new(inner: R) -> (Self, Gate) {
        let gate = Gate(Rc::new(Cell::new(HEADERS)));
        let fence = Self {
            inner,
            gate: gate.clone(),
        };
        (fence, gate)
    }
}

impl Gate {
    /// Lets through what is read in pieces.
    pub fn content(&self) {
        self.0.set(u64::MAX);
    }

    /// Lets through the headers of one more entry.
    pub fn headers(&self) {
        self.0.set(HEADERS);
    }
}

impl<R: Read> Read for Fence<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let room = self.gate.0.get();
        if room == 0 && !buffer.is_empty() {
            let reason = "the headers of one of its entries are absurdly long";
            return Err(io::Error::new(io::ErrorKind::InvalidData, reason));
        }
        let most = usize::try_from(room).unwrap_or(usize::MAX);
        let most = most.min(buffer.len());
        let length = self.inner.read(&mut buffer[..most])?;
        self.gate.0.set(room - length as u64);
        Ok(length)
    }
}

impl<R: Seek> Seek for Fence<R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.inner.seek(to)
    }
}
