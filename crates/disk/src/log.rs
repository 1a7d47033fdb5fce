//! Logs that keep their end: segments in a directory, the oldest of which is deleted.
//!
//! ```text
//! log/
//!   00000000000008388608   a segment, named by the offset of its first byte in the whole log
//!   00000000000016777216   the last one, which is written to
//! ```
//!
//! Offsets are those of the whole log, whatever was cut. One process writes; any number read.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::ops::Range;
use std::os::unix::fs::{DirBuilderExt, FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use livery_units::Bytes;

use crate::free::{Free, is_full};

/// A log consists of about so many segments; one of them is cut at a time.
const SEGMENTS: u64 = 8;

/// On a disk with less than this free a log does not grow: one segment goes for each that begins.
const SPARE: u64 = 64 << 20;

/// Writes at the end of a log.
#[derive(Debug)]
pub struct LogWriter {
    dir: PathBuf,
    limit: u64,
    file: File,
    start: u64,
    end: u64,
}

impl LogWriter {
    /// Opens a log, making it if it is not there; of its end at most `limit` is kept.
    ///
    /// # Errors
    /// When its directory or its last segment cannot be made or opened.
    pub fn open(dir: &Path, limit: Bytes) -> io::Result<Self> {
        let mut directory = fs::DirBuilder::new();
        directory.recursive(true).mode(0o700).create(dir)?;
        let start = starts(dir)?.last().copied().unwrap_or(0);
        let file = open_segment(dir, start)?;
        Ok(Self {
            dir: dir.to_owned(),
            limit: limit.get().max(SEGMENTS),
            end: start + file.metadata()?.len(),
            start,
            file,
        })
    }

    /// Returns the offset at which the next byte is written.
    pub fn end(&self) -> u64 {
        self.end
    }

    /// Writes at the end. On a full disk, older output makes way.
    ///
    /// # Errors
    /// When it cannot be written whole; [`LogWriter::end`] says how much was.
    pub fn append(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            if self.end - self.start >= self.segment_len() {
                self.begin(self.end)?;
            }
            let room = self.start + self.segment_len() - self.end;
            let most = usize::try_from(room).unwrap_or(usize::MAX).min(bytes.len());
            match self.file.write(&bytes[..most]) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => {
                    self.end += count as u64;
                    bytes = &bytes[count..];
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if is_full(&error) && self.cut_one()? == Cut::One => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Goes on at a later offset: what lies between was lost before it came here.
    ///
    /// # Errors
    /// When a segment cannot be made.
    pub fn skip_to(&mut self, offset: u64) -> io::Result<()> {
        match offset > self.end {
            true => self.begin(offset),
            false => Ok(()),
        }
    }

    /// Makes what was written durable.
    ///
    /// # Errors
    /// Those of the disk.
    pub fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    fn segment_len(&self) -> u64 {
        self.limit / SEGMENTS
    }

    fn begin(&mut self, at: u64) -> io::Result<()> {
        let all = starts(&self.dir)?;
        // With the new segment there is no more than the limit.
        let old = all
            .iter()
            .filter(|start| *start + self.limit < at + self.segment_len());
        for start in old {
            remove(&self.dir, *start)?;
        }
        if Free::at(&self.dir)?.bytes < SPARE {
            self.cut_one()?;
        }
        self.file = match open_segment(&self.dir, at) {
            Err(error) if is_full(&error) && self.cut_one()? == Cut::One => {
                open_segment(&self.dir, at)?
            }
            other => other?,
        };
        (self.start, self.end) = (at, at);
        Ok(())
    }

    /// Deletes the oldest segment that is not written to.
    fn cut_one(&self) -> io::Result<Cut> {
        match starts(&self.dir)?.first() {
            Some(oldest) if *oldest < self.start => {
                remove(&self.dir, *oldest)?;
                Ok(Cut::One)
            }
            Some(_) | None => Ok(Cut::Nothing),
        }
    }
}

#[derive(PartialEq, Eq)]
enum Cut {
    One,
    Nothing,
}

/// Reads a log from an offset on, while it may grow and be cut.
#[derive(Debug)]
pub struct LogReader {
    dir: PathBuf,
    offset: u64,
    open: Option<(u64, File)>,
}

/// What a look into a log found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Piece {
    /// So many bytes.
    Bytes(usize),
    /// The present end.
    End,
    /// What follows was cut; the log goes on at this offset.
    Cut {
        /// The next offset that is there.
        next: u64,
    },
}

impl LogReader {
    /// Begins at an offset; a log that is not there yet is empty.
    pub fn new(dir: &Path, offset: u64) -> Self {
        Self {
            dir: dir.to_owned(),
            offset,
            open: None,
        }
    }

    /// Returns the offset of the next byte.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Goes on at a later offset.
    pub fn skip_to(&mut self, offset: u64) {
        self.offset = offset;
        self.open = None;
    }

    /// Reads what comes next.
    ///
    /// # Errors
    /// Those of the disk.
    pub fn read(&mut self, buffer: &mut [u8]) -> io::Result<Piece> {
        loop {
            let Some((start, file)) = &self.open else {
                match self.enter()? {
                    Some(nothing) => return Ok(nothing),
                    None => continue,
                }
            };
            let start = *start;
            let mut count = file.read_at(buffer, self.offset - start)?;
            if count == 0 {
                let all = starts(&self.dir)?;
                let Some(next) = all.into_iter().find(|next| *next > start) else {
                    return Ok(Piece::End);
                };
                // What was written before the next one was begun.
                count = file.read_at(buffer, self.offset - start)?;
                if count == 0 {
                    self.open = None;
                    if next > self.offset {
                        return Ok(Piece::Cut { next });
                    }
                    continue;
                }
            }
            self.offset += count as u64;
            return Ok(Piece::Bytes(count));
        }
    }

    /// Opens the segment that the offset is in; returns why there is none to read.
    fn enter(&mut self) -> io::Result<Option<Piece>> {
        let all = starts(&self.dir)?;
        let Some(start) = all.iter().rev().find(|start| **start <= self.offset) else {
            return Ok(Some(match all.first() {
                Some(next) => Piece::Cut { next: *next },
                None => Piece::End,
            }));
        };
        match File::open(segment(&self.dir, *start)) {
            Ok(file) => self.open = Some((*start, file)),
            // Cut since: the next look sees that.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        Ok(None)
    }
}

/// Returns what there is of a log: from where to where.
///
/// # Errors
/// Those of the disk; a log that is not there is empty.
pub fn span(dir: &Path) -> io::Result<Range<u64>> {
    let all = starts(dir)?;
    let (Some(first), Some(last)) = (all.first(), all.last()) else {
        return Ok(0..0);
    };
    match fs::metadata(segment(dir, *last)) {
        Ok(file) => Ok(*first..last + file.len()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(*last..*last),
        Err(error) => Err(error),
    }
}

/// Returns how many bytes of the disk a log takes.
///
/// # Errors
/// Those of the disk; a log that is not there takes nothing.
pub fn size_on_disk(dir: &Path) -> io::Result<u64> {
    let files = starts(dir)?.into_iter();
    let files = files.filter_map(|start| fs::metadata(segment(dir, start)).ok());
    Ok(files.map(|file| file.blocks() * 512).sum())
}

/// Deletes all of a log that nobody writes to any more; only where it ended stays known.
///
/// # Errors
/// Those of the disk.
pub fn clear(dir: &Path) -> io::Result<()> {
    let all = starts(dir)?;
    let Some((last, older)) = all.split_last() else {
        return Ok(());
    };
    let end = span(dir)?.end;
    for start in older {
        remove(dir, *start)?;
    }
    if *last < end {
        let file = open_segment(dir, *last)?;
        file.set_len(0)?;
        // Needs no room, unlike a new file.
        fs::rename(segment(dir, *last), segment(dir, end))?;
    }
    Ok(())
}

/// The offsets at which segments begin, in order.
fn starts(dir: &Path) -> io::Result<Vec<u64>> {
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut all = Vec::new();
    for entry in entries {
        let name = entry?.file_name();
        all.extend(name.to_str().and_then(|name| name.parse::<u64>().ok()));
    }
    all.sort_unstable();
    Ok(all)
}

fn segment(dir: &Path, start: u64) -> PathBuf {
    dir.join(format!("{start:020}"))
}

fn open_segment(dir: &Path, start: u64) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).append(true).mode(0o600);
    options.open(segment(dir, start))
}

fn remove(dir: &Path, start: u64) -> io::Result<()> {
    match fs::remove_file(segment(dir, start)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

#[cfg(test)]
#[path = "log_tests.rs"]
mod tests;
