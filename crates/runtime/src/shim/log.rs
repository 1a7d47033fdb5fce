//! Output of commands, written down as it comes; of a long one, the end is kept.

use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

use livery_disk::LogWriter;
use livery_units::Bytes;
use rustix::fs::OFlags;

use crate::error::{Context, Error};

/// How many pieces are copied before the shim looks at other things: a writer that never pauses must
/// not hide that the command ended. More than any pipe holds.
const PIECES: usize = 256;

/// Copies a pipe into a log.
///
/// The command never waits for the log and never fails because of it: what the disk has no room for
/// is counted and dropped.
#[derive(Debug)]
pub(super) struct Log {
    pipe: OwnedFd,
    log: LogWriter,
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
        let log = LogWriter::open(path, limit).on("open", path)?;
        let (reader, writer) = io::pipe().during("make a pipe")?;
        let pipe = OwnedFd::from(reader);
        rustix::fs::fcntl_setfl(&pipe, OFlags::NONBLOCK).during("set up a pipe")?;
        let log = Self {
            pipe,
            log,
            dropped: 0,
            buffer: vec![0; 64 << 10],
        };
        Ok((log, writer.into()))
    }

    /// Returns the end to wait on.
    pub fn pipe(&self) -> &OwnedFd {
        &self.pipe
    }

    /// Returns how many bytes were dropped because the disk was full.
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

    /// Adds a line of our own.
    pub fn say(&mut self, line: &str) {
        let text = format!("{line}\n");
        if self.log.append(text.as_bytes()).is_err() {
            self.dropped += text.len() as u64;
        }
    }

    fn keep(&mut self, length: usize) {
        let end = self.log.end() + length as u64;
        if self.log.append(&self.buffer[..length]).is_err() {
            self.dropped += end - self.log.end();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;
    use std::io::Write;

    #[test]
    fn of_a_long_output_the_end_is_kept() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log");
        let (mut log, writer) = Log::open(&path, Bytes::new(16)).unwrap();
        let mut writer = File::from(writer);
        writer.write_all(b"0123456789").unwrap();
        assert_eq!(log.copy(), Flow::Open);
        writer.write_all(b"abcdefghijklm").unwrap();
        drop(writer);
        assert_eq!(log.copy(), Flow::Closed);
        log.say("last");
        assert_eq!(log.dropped(), 0);
        let kept = livery_disk::span(&path).unwrap();
        assert_eq!(kept.end, 28);
        assert!((12..=16).contains(&(kept.end - kept.start)), "{kept:?}");
    }
}
