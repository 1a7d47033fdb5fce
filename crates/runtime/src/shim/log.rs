//! Output of commands, written down as it comes and up to a limit.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::path::Path;

use livery_units::Bytes;
use rustix::fs::OFlags;

use crate::error::{Context, Error};

/// The last line of a log that is full.
const FULL: &str = "\n[livery] the log is full; what follows is dropped\n";

/// How many pieces are copied before the shim looks at other things: a writer that never pauses must
/// not hide that the command ended. More than any pipe holds.
const PIECES: usize = 256;

/// Copies a pipe into a file.
///
/// The command never waits for the log and never fails because of it: when the limit is reached or
/// the machine's disk is full, output is counted and dropped.
#[derive(Debug)]
pub(super) struct Log {
    pipe: OwnedFd,
    file: File,
    room: u64,
    dropped: u64,
    buffer: Vec<u8>,
}

/// What a look at the pipe found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flow {
    /// More may come.
    Open,
    /// Every writer is gone.
    Closed,
}

impl Log {
    /// Opens the log and makes the pipe that leads to it; returns its writing end too.
    pub fn open(path: &Path, limit: Bytes) -> Result<(Self, OwnedFd), Error> {
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(path)
            .on("open", path)?;
        let written = file.metadata().on("look at", path)?.len();
        let (reader, writer) = io::pipe().during("make a pipe")?;
        let pipe = OwnedFd::from(reader);
        rustix::fs::fcntl_setfl(&pipe, OFlags::NONBLOCK).during("set up a pipe")?;
        let log = Self {
            pipe,
            file,
            room: limit.get().saturating_sub(written),
            dropped: 0,
            buffer: vec![0; 64 << 10],
        };
        Ok((log, writer.into()))
    }

    /// Returns the end to wait on.
    pub fn pipe(&self) -> &OwnedFd {
        &self.pipe
    }

    /// Returns how many bytes were dropped.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Copies what is there now, or a good part of it.
    pub fn copy(&mut self) -> Flow {
        for _ in 0..PIECES {
            match rustix::io::read(&self.pipe, &mut self.buffer) {
                Ok(0) => return Flow::Closed,
                Ok(length) => self.keep(length),
                Err(rustix::io::Errno::INTR) => {}
                Err(rustix::io::Errno::AGAIN) => return Flow::Open,
                Err(_) => return Flow::Closed,
            }
        }
        Flow::Open
    }

    fn keep(&mut self, length: usize) {
        let kept = usize::try_from(self.room).unwrap_or(usize::MAX).min(length);
        let written = self.file.write_all(&self.buffer[..kept]).is_ok();
        let kept = if written { kept } else { 0 };
        self.room -= kept as u64;
        if kept < length {
            if self.dropped == 0 {
                let _ = self.file.write_all(FULL.as_bytes());
            }
            self.dropped += (length - kept) as u64;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_log_drops_and_counts() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log");
        let (mut log, writer) = Log::open(&path, Bytes::new(5)).unwrap();
        let mut writer = File::from(writer);
        writer.write_all(b"abc").unwrap();
        assert_eq!(log.copy(), Flow::Open);
        writer.write_all(b"defgh").unwrap();
        drop(writer);
        assert_eq!(log.copy(), Flow::Closed);
        assert_eq!(log.dropped(), 3);
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text, format!("abcde{FULL}"));
    }
}
