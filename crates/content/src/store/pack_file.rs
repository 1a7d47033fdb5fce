//! One pack: a magic, then records of `[frame header 37][check 4][body]`.
//!
//! The check is the beginning of the header's own hash, so that a length is never believed because
//! of a torn write. A pack that is full gets an index beside it, which spares reading it at every
//! opening; an index that does not fit its pack is ignored and the pack is read instead.

use std::fs::{self, File};
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use livery_units::ContentHash;

use crate::encoding::decode;
use crate::wire::{HEADER_LEN, header, parse_header};
use crate::{ContentError, Encoding, hash_bytes};

pub(super) const MAGIC: &[u8; 8] = b"LVPACK1\n";
const INDEX_MAGIC: &[u8; 8] = b"LVPIDX1\n";
const CHECK_LEN: usize = 4;
/// The length of the magic, as offsets in a pack are counted.
pub(super) const MAGIC_LEN: u32 = 8;
const RECORD_HEAD_LEN: u32 = 41;
const _: () = assert!(MAGIC.len() == MAGIC_LEN as usize);
const _: () = assert!(HEADER_LEN + CHECK_LEN == RECORD_HEAD_LEN as usize);
/// Hash, encoding, offset and length.
const INDEX_ENTRY_LEN: usize = 32 + 1 + 4 + 4;

/// Where a blob's body is in its pack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) hash: ContentHash,
    pub(super) encoding: Encoding,
    pub(super) offset: u32,
    pub(super) len: u32,
}

impl Record {
    /// Returns how many bytes of its pack it takes.
    pub(super) fn stored_len(&self) -> u64 {
        u64::from(RECORD_HEAD_LEN) + u64::from(self.len)
    }
}

/// Which records of a pack are hashed while it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Check {
    /// The last: only a process was killed, and what it wrote before is in the kernel's hands.
    Last,
    /// All: the machine stopped, and any of them may not have reached the disk.
    All,
}

/// What reading a pack found.
pub(super) struct Contents {
    pub(super) records: Vec<Record>,
    /// Where the last whole record ends; what follows is torn.
    pub(super) end: u32,
}

/// Makes the bytes of a record; the body begins at the returned offset in them.
pub(super) fn encode(hash: &ContentHash, encoding: Encoding, body: &[u8]) -> (Vec<u8>, u32) {
    let head = header(hash, encoding, body.len());
    let mut record = Vec::with_capacity(RECORD_HEAD_LEN as usize + body.len());
    record.extend_from_slice(&head);
    record.extend_from_slice(&check(&head));
    record.extend_from_slice(body);
    (record, RECORD_HEAD_LEN)
}

/// Reads a body.
pub(super) fn read(file: &File, path: &Path, record: &Record) -> Result<Bytes, ContentError> {
    let mut body = vec![0; record.len as usize];
    file.read_exact_at(&mut body, u64::from(record.offset))
        .map_err(ContentError::on("read", path))?;
    Ok(body.into())
}

/// Reads through a pack and stops at the first record that is not whole.
pub(super) fn scan(path: &Path, depth: Check) -> Result<Contents, ContentError> {
    let io = |error| ContentError::io("read", path, error);
    let file = File::open(path).map_err(io)?;
    let file_len = file.metadata().map_err(io)?.len();
    let mut input = BufReader::new(&file);
    let mut contents = Contents {
        records: Vec::new(),
        end: 0,
    };
    let mut magic = [0; MAGIC.len()];
    if file_len < MAGIC.len() as u64 || input.read_exact(&mut magic).is_err() || magic != *MAGIC {
        return Ok(contents);
    }
    contents.end = MAGIC_LEN;
    while u64::from(contents.end) + u64::from(RECORD_HEAD_LEN) <= file_len {
        let mut head = [0; RECORD_HEAD_LEN as usize];
        input.read_exact(&mut head).map_err(io)?;
        let Some(record) = parse(&head, contents.end) else {
            break;
        };
        let end = u64::from(record.offset) + u64::from(record.len);
        let Some(end) = u32::try_from(end).ok().filter(|_| end <= file_len) else {
            break;
        };
        match depth {
            Check::All if !is_whole(&file, path, &record)? => break,
            Check::All | Check::Last => {}
        }
        input.seek_relative(i64::from(record.len)).map_err(io)?;
        contents.records.push(record);
        contents.end = end;
    }
    if let Some(last) = contents.records.last()
        && !is_whole(&file, path, last)?
    {
        contents.end = last.offset - RECORD_HEAD_LEN;
        contents.records.pop();
    }
    Ok(contents)
}

/// Writes the index of a full pack, whose own bytes must be on the disk already.
pub(super) fn write_index(pack: &Path, records: &[Record]) -> Result<(), ContentError> {
    let path = index_path(pack);
    let mut bytes = Vec::with_capacity(records.len() * INDEX_ENTRY_LEN + 40);
    bytes.extend_from_slice(INDEX_MAGIC);
    for record in records {
        bytes.extend_from_slice(record.hash.as_bytes());
        bytes.push(record.encoding.flag());
        bytes.extend_from_slice(&record.offset.to_le_bytes());
        bytes.extend_from_slice(&record.len.to_le_bytes());
    }
    let check = hash_bytes(&bytes);
    bytes.extend_from_slice(check.as_bytes());
    let result = fs::write(&path, &bytes);
    if result.is_err() {
        // Half an index would only be ignored, but it takes space.
        let _ = fs::remove_file(&path);
    }
    result.map_err(ContentError::on("write", &path))
}

/// Reads the index of a pack; `None` if there is none that fits.
pub(super) fn read_index(pack: &Path) -> Option<Vec<Record>> {
    let bytes = fs::read(index_path(pack)).ok()?;
    let pack_len = fs::metadata(pack).ok()?.len();
    let (bytes, check) = bytes.split_last_chunk::<32>()?;
    if hash_bytes(bytes).as_bytes() != check {
        return None;
    }
    let entries = bytes.strip_prefix(INDEX_MAGIC)?;
    let (entries, rest) = entries.as_chunks::<INDEX_ENTRY_LEN>();
    let records: Option<Vec<_>> = entries.iter().map(parse_index_entry).collect();
    let records = records.filter(|_| rest.is_empty())?;
    let end = records
        .iter()
        .map(|r| u64::from(r.offset) + u64::from(r.len));
    (end.max().unwrap_or(0) <= pack_len).then_some(records)
}

/// Returns where the index of a pack is.
pub(super) fn index_path(pack: &Path) -> PathBuf {
    pack.with_extension("idx")
}

/// Cuts off what is torn.
pub(super) fn cut(path: &Path, end: u32) -> Result<u64, ContentError> {
    let open = File::options().write(true).open(path);
    let mut file = open.map_err(ContentError::on("open", path))?;
    let len = file
        .seek(SeekFrom::End(0))
        .map_err(ContentError::on("read", path))?;
    let torn = len.saturating_sub(u64::from(end));
    if torn > 0 {
        file.set_len(u64::from(end))
            .map_err(ContentError::on("cut", path))?;
    }
    Ok(torn)
}

fn parse(head: &[u8; RECORD_HEAD_LEN as usize], start: u32) -> Option<Record> {
    let (head, found) = head.split_first_chunk::<HEADER_LEN>()?;
    if found != check(head) {
        return None;
    }
    let (hash, encoding, len) = parse_header(head).ok()?;
    Some(Record {
        hash,
        encoding,
        offset: start.checked_add(RECORD_HEAD_LEN)?,
        len: u32::try_from(len).ok()?,
    })
}

fn parse_index_entry(entry: &[u8; INDEX_ENTRY_LEN]) -> Option<Record> {
    let (hash, rest) = entry.split_first_chunk::<32>()?;
    let (flag, rest) = rest.split_first()?;
    let (offset, len) = rest.split_first_chunk::<4>()?;
    Some(Record {
        hash: ContentHash::from_bytes(*hash),
        encoding: Encoding::from_flag(*flag)?,
        offset: u32::from_le_bytes(*offset),
        len: u32::from_le_bytes(len.try_into().ok()?),
    })
}

fn is_whole(file: &File, path: &Path, record: &Record) -> Result<bool, ContentError> {
    let body = read(file, path, record)?;
    Ok(decode(&record.hash, record.encoding, body).is_ok())
}

fn check(head: &[u8; HEADER_LEN]) -> [u8; CHECK_LEN] {
    let [a, b, c, d, ..] = *hash_bytes(head).as_bytes();
    [a, b, c, d]
}
