//! Small files of the pod, read and written whatever the pod or its image made of them.
//!
//! A name may lead to a pipe that nobody writes to, to a file without end or to somebody else's open
//! descriptor. The first process must not wait for any of these: it is the only one that the pod has.

use std::fs::File;
use std::io::{self, Read as _, Write as _};

use rustix::fs::{CWD, Mode, OFlags, ResolveFlags};

/// Tables of users have some kilobytes.
const LONGEST: u64 = 1 << 20;

/// Reads a file. What is no regular file, or longer than a mebibyte, is as good as none.
pub(super) fn read(path: &str) -> Option<String> {
    let file = open(path, OFlags::RDONLY).ok()?;
    let mut text = String::new();
    file.take(LONGEST + 1).read_to_string(&mut text).ok()?;
    (text.len() as u64 <= LONGEST).then_some(text)
}

/// Writes a file, in place of what it had.
pub(super) fn write(path: &str, text: &str) -> io::Result<()> {
    open(path, OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC)?.write_all(text.as_bytes())
}

fn open(path: &str, access: OFlags) -> io::Result<File> {
    let flags = access | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    // The kernel takes a mode only where a file may be made.
    let mode = match access.contains(OFlags::CREATE) {
        true => Mode::from_raw_mode(0o644),
        false => Mode::empty(),
    };
    let file = rustix::fs::openat2(CWD, path, flags, mode, ResolveFlags::NO_MAGICLINKS)?;
    let file = File::from(file);
    match file.metadata()?.is_file() {
        true => Ok(file),
        false => Err(io::ErrorKind::InvalidInput.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;

    #[test]
    fn only_regular_files_of_a_sensible_length_are_read_and_written() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name).display().to_string();
        fs::write(at("file"), "text").unwrap();
        symlink("file", at("link")).unwrap();
        assert_eq!(read(&at("file")).as_deref(), Some("text"));
        assert_eq!(read(&at("link")).as_deref(), Some("text"));
        write(&at("file"), "new").unwrap();
        write(&at("made"), "made").unwrap();
        assert_eq!(read(&at("link")).as_deref(), Some("new"));
        assert_eq!(read(&at("made")).as_deref(), Some("made"));

        rustix::fs::mkfifoat(CWD, at("pipe"), Mode::RUSR | Mode::WUSR).unwrap();
        symlink("/dev/zero", at("endless")).unwrap();
        symlink("/proc/self/fd/0", at("magic")).unwrap();
        symlink("loop", at("loop")).unwrap();
        fs::create_dir(at("dir")).unwrap();
        for odd in ["pipe", "endless", "magic", "loop", "dir"] {
            assert_eq!(read(&at(odd)), None, "{odd}");
            assert!(write(&at(odd), "x").is_err(), "{odd}");
        }
        fs::write(at("long"), vec![b'x'; (1 << 20) + 1]).unwrap();
        fs::write(at("binary"), [0xff, 0xfe]).unwrap();
        for odd in ["long", "binary", "absent"] {
            assert_eq!(read(&at(odd)), None, "{odd}");
        }
    }
}
