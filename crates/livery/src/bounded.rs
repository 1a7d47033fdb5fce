//! Reads files that a user names: never more of them than they may have, and never waiting in silence.

use crate::ui::warn;
use livery_units::Bytes;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{FileType, Mode, OFlags};
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// How long a pipe may be silent before its user hears what is waited for.
const SILENCE: Timespec = Timespec {
    tv_sec: 1,
    tv_nsec: 0,
};

/// Reads a whole file of at most that many bytes. It may be a pipe.
///
/// # Errors
/// Those of the system, and [`io::ErrorKind::FileTooLarge`] when it has more; `/dev/zero` has.
pub fn read(path: &Path, most: usize) -> io::Result<Vec<u8>> {
    // Otherwise opening a pipe that nobody writes to would wait.
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let file = rustix::fs::open(path, flags, Mode::empty())?;
    if FileType::from_raw_mode(rustix::fs::fstat(&file)?.st_mode) == FileType::Fifo {
        wait(&file, path)?;
    }
    let flags = rustix::fs::fcntl_getfl(&file)?;
    rustix::fs::fcntl_setfl(&file, flags - OFlags::NONBLOCK)?;
    all(File::from(file), most)
}

/// Reads all that comes, if it is at most that many bytes.
///
/// # Errors
/// As [`read`].
pub fn all(from: impl Read, most: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let limit = u64::try_from(most).unwrap_or(u64::MAX);
    from.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() > most {
        let why = format!("it has more than {}", Bytes::new(limit));
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, why));
    }
    Ok(bytes)
}

/// Waits until something can be read from a pipe, or its writer has left.
fn wait(pipe: &impl std::os::fd::AsFd, path: &Path) -> io::Result<()> {
    let mut waiting = [PollFd::new(pipe, PollFlags::IN)];
    if poll(&mut waiting, Some(&SILENCE))? == 0 {
        warn(&format!(
            "{} is a pipe; waiting for what is written to it",
            path.display()
        ));
        poll(&mut waiting, None)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_an_end_is_not_read_for_ever() {
        let error = read(Path::new("/dev/zero"), 1 << 20).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::FileTooLarge);
        assert_eq!(all(&b"1234"[..], 4).unwrap(), b"1234");
        assert!(all(&b"12345"[..], 4).is_err());
        assert!(read(Path::new("/"), 4).is_err());
    }

    #[test]
    fn a_pipe_that_is_written_to_later_is_read_whole() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("pipe");
        rustix::fs::mkfifoat(rustix::fs::CWD, &path, Mode::RUSR | Mode::WUSR).unwrap();
        let writer = path.clone();
        let writing = std::thread::spawn(move || std::fs::write(writer, "run: echo").unwrap());
        assert_eq!(read(&path, 100).unwrap(), b"run: echo");
        writing.join().unwrap();
    }
}
