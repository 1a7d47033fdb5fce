//! The bytes of a manifest.
//!
//! `LVTREE1\n`, the number of entries, then each entry: how many bytes of the path it shares with
//! the one before, the rest of the path, kind, mode, time, and what the kind needs. Numbers are
//! LEB128; signed ones are zigzagged first. 20,000 files take about a megabyte, most of it hashes.

use livery_units::ContentHash;

use super::{Entry, Kind, invalid};
use crate::chunk::chunk_count;
use crate::{ContentError, RelPath};

const MAGIC: &[u8; 8] = b"LVTREE1\n";
const FILE: u8 = 0;
const DIR: u8 = 1;
const SYMLINK: u8 = 2;

pub(super) fn encode(entries: &[Entry]) -> Vec<u8> {
    let mut out = Writer::with_capacity(entries.len() * 64 + 16);
    out.raw(MAGIC);
    out.number(entries.len() as u64);
    let mut before: &[u8] = b"";
    for entry in entries {
        let path = entry.path.as_bytes();
        let shared = path.iter().zip(before).take_while(|(a, b)| a == b).count();
        out.number(shared as u64);
        out.bytes(&path[shared..]);
        before = path;
        match &entry.kind {
            Kind::File { size, chunks } => {
                out.raw(&[FILE]);
                out.attributes(entry);
                out.number(*size);
                out.hashes(chunks);
            }
            Kind::Dir => {
                out.raw(&[DIR]);
                out.attributes(entry);
            }
            Kind::Symlink { target } => {
                out.raw(&[SYMLINK]);
                out.attributes(entry);
                out.bytes(target);
            }
        }
    }
    out.finish()
}

pub(super) fn decode(bytes: &[u8]) -> Result<Vec<Entry>, ContentError> {
    let mut input = Reader::new(bytes);
    if input.raw(MAGIC.len())? != MAGIC {
        return Err(invalid(
            "it does not begin like one (or is of a newer version)",
        ));
    }
    let count = input.number()?;
    let mut entries = Vec::with_capacity(input.at_most(count, 6));
    let mut path: Vec<u8> = Vec::new();
    for _ in 0..count {
        let shared = usize::try_from(input.number()?).unwrap_or(usize::MAX);
        if shared > path.len() {
            return Err(invalid("a path shares more than there is"));
        }
        path.truncate(shared);
        path.extend_from_slice(input.bytes()?);
        entries.push(decode_entry(&mut input, RelPath::new(&path)?)?);
    }
    match input.is_empty() {
        true => Ok(entries),
        false => Err(invalid("something follows its end")),
    }
}

fn decode_entry(input: &mut Reader<'_>, path: RelPath) -> Result<Entry, ContentError> {
    let kind = input.raw(1)?[0];
    let mode = u32::try_from(input.number()?).map_err(|_| invalid("a mode is too large"))?;
    let mtime_ns = input.signed()?;
    let kind = match kind {
        FILE => {
            let size = input.number()?;
            let chunks = input.hashes(chunk_count(size))?;
            Kind::File { size, chunks }
        }
        DIR => Kind::Dir,
        SYMLINK => Kind::Symlink {
            target: input.bytes()?.to_vec(),
        },
        other => return Err(invalid(format!("an entry has the unknown kind {other}"))),
    };
    Ok(Entry {
        path,
        mode,
        mtime_ns,
        kind,
    })
}

/// Writes numbers, bytes and hashes; the hash cache shares it.
pub(crate) struct Writer(Vec<u8>);

impl Writer {
    pub(crate) fn with_capacity(len: usize) -> Self {
        Self(Vec::with_capacity(len))
    }

    pub(crate) fn raw(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    pub(crate) fn number(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.0.push((number & 0x7f) as u8 | 0x80);
            number >>= 7;
        }
        self.0.push((number & 0x7f) as u8);
    }

    pub(crate) fn signed(&mut self, number: i64) {
        self.number((number.cast_unsigned() << 1) ^ (number >> 63).cast_unsigned());
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        self.raw(bytes);
    }

    pub(crate) fn hashes(&mut self, hashes: &[ContentHash]) {
        for hash in hashes {
            self.raw(hash.as_bytes());
        }
    }

    fn attributes(&mut self, entry: &Entry) {
        self.number(u64::from(entry.mode));
        self.signed(entry.mtime_ns);
    }

    pub(crate) fn finish(self) -> Vec<u8> {
        self.0
    }
}

/// Reads what [`Writer`] wrote; never allocates more than the input could fill.
pub(crate) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns `count`, or how many items of `min_len` bytes what is left can hold.
    pub(crate) fn at_most(&self, count: u64, min_len: usize) -> usize {
        let fit = self.0.len() / min_len;
        usize::try_from(count).map_or(fit, |count| count.min(fit))
    }

    pub(crate) fn raw(&mut self, len: usize) -> Result<&'a [u8], ContentError> {
        let (bytes, rest) = self
            .0
            .split_at_checked(len)
            .ok_or_else(|| invalid("it is cut off"))?;
        self.0 = rest;
        Ok(bytes)
    }

    pub(crate) fn number(&mut self) -> Result<u64, ContentError> {
        let mut number: u64 = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.raw(1)?[0];
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                break;
            }
            number |= bits << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(invalid("a number is too large"))
    }

    pub(crate) fn signed(&mut self) -> Result<i64, ContentError> {
        let number = self.number()?;
        Ok((number >> 1).cast_signed() ^ -(number & 1).cast_signed())
    }

    pub(crate) fn bytes(&mut self) -> Result<&'a [u8], ContentError> {
        let len = self.number()?;
        self.raw(usize::try_from(len).unwrap_or(usize::MAX))
    }

    fn hash(&mut self) -> Result<ContentHash, ContentError> {
        let bytes = self.raw(32)?.try_into();
        bytes
            .map(ContentHash::from_bytes)
            .map_err(|_| invalid("it is cut off"))
    }

    pub(crate) fn hashes(&mut self, count: u64) -> Result<Vec<ContentHash>, ContentError> {
        let mut hashes = Vec::with_capacity(self.at_most(count, 32));
        for _ in 0..count {
            hashes.push(self.hash()?);
        }
        Ok(hashes)
    }
}
