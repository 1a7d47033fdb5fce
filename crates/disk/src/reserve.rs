//! Room that is given back when the disk is full, so that what must be written then can be.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use livery_units::Bytes;

use crate::free::{Free, is_full};

/// How many files are held, so that as many others can be made in need.
const FILES: u64 = 64;

/// A look gives the reserve back when less than this is free.
const LOW: Free = Free {
    bytes: 4 << 20,
    files: 16,
};

/// Bytes and files of a disk that are held for the time when it is full.
///
/// The reserve is given back whole, and taken again once there is twice as much room as it takes.
#[derive(Debug)]
pub struct Reserve {
    dir: PathBuf,
    bytes: u64,
    held: Mutex<Held>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Held {
    Yes,
    No,
}

impl Reserve {
    /// Takes the reserve in a directory of its own; on a disk that has no room for it, later.
    ///
    /// # Errors
    /// When the disk cannot be looked at.
    pub fn take(dir: &Path, bytes: Bytes) -> io::Result<Self> {
        let held = match fs::metadata(dir.join("bytes")) {
            Ok(file) if file.len() == bytes.get() => Held::Yes,
            Ok(_) | Err(_) => Held::No,
        };
        let reserve = Self {
            dir: dir.to_owned(),
            bytes: bytes.get(),
            held: Mutex::new(held),
        };
        reserve.look()?;
        Ok(reserve)
    }

    /// Does what has to be written; if the disk is full, gives the reserve back and does it again.
    ///
    /// # Errors
    /// Those of what is done.
    pub fn with<T>(&self, mut write: impl FnMut() -> io::Result<T>) -> io::Result<T> {
        match write() {
            Err(error) if is_full(&error) && self.release() == Held::Yes => write(),
            other => other,
        }
    }

    /// Gives the reserve back when the disk is nearly full, and takes it again when there is room.
    ///
    /// # Errors
    /// When the disk cannot be looked at.
    pub fn look(&self) -> io::Result<()> {
        let parent = self.dir.parent().unwrap_or(&self.dir);
        let free = Free::at(parent)?;
        if free.bytes < LOW.bytes || free.files < LOW.files {
            self.release();
        } else if free.bytes / 2 >= self.bytes && free.files / 2 >= FILES {
            self.fill();
        }
        Ok(())
    }

    /// Returns what was held until now.
    fn release(&self) -> Held {
        let mut held = self.lock();
        let before = *held;
        if before == Held::Yes {
            // Of what cannot be removed nothing more can be had.
            drop(fs::remove_dir_all(&self.dir));
            *held = Held::No;
        }
        before
    }

    fn fill(&self) {
        let mut held = self.lock();
        if *held == Held::Yes {
            return;
        }
        match self.make() {
            Ok(()) => *held = Held::Yes,
            // Half a reserve would be taken for a whole one. The next look tries again.
            Err(_) => drop(fs::remove_dir_all(&self.dir)),
        }
    }

    fn make(&self) -> io::Result<()> {
        let mut directory = fs::DirBuilder::new();
        directory.recursive(true).mode(0o700).create(&self.dir)?;
        for number in 0..FILES {
            self.file(&format!("file-{number}"))?;
        }
        // Last: it says that all the others are there.
        let temporary = self.dir.join("bytes.new");
        allocate(&self.file("bytes.new")?, self.bytes)?;
        fs::rename(temporary, self.dir.join("bytes"))
    }

    fn file(&self, name: &str) -> io::Result<File> {
        let mut options = OpenOptions::new();
        options.create(true).truncate(true).write(true).mode(0o600);
        options.open(self.dir.join(name))
    }

    fn lock(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn allocate(mut file: &File, bytes: u64) -> io::Result<()> {
    use rustix::io::Errno;
    match rustix::fs::fallocate(file, rustix::fs::FallocateFlags::empty(), 0, bytes) {
        Ok(()) => return Ok(()),
        Err(Errno::OPNOTSUPP | Errno::NOSYS) => {}
        Err(error) => return Err(error.into()),
    }
    let block = vec![0; 64 << 10];
    let mut left = bytes;
    while left > 0 {
        let piece = usize::try_from(left)
            .unwrap_or(block.len())
            .min(block.len());
        file.write_all(&block[..piece])?;
        left -= piece as u64;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reserve_serves_one_need_and_is_taken_again() {
        let place = tempfile::tempdir().unwrap();
        let dir = place.path().join("reserve");
        let reserve = Reserve::take(&dir, Bytes::mib(1)).unwrap();
        let count = || fs::read_dir(&dir).map_or(0, |entries| entries.count() as u64);
        assert_eq!(count(), FILES + 1);
        assert_eq!(fs::metadata(dir.join("bytes")).unwrap().len(), 1 << 20);

        let mut tries = 0;
        let full = || io::Error::from(io::ErrorKind::StorageFull);
        let written = reserve.with(|| {
            tries += 1;
            match count() {
                0 => Ok(()),
                _ => Err(full()),
            }
        });
        assert!(written.is_ok());
        assert_eq!((tries, count()), (2, 0));
        let nothing_left = reserve.with(|| Err::<(), _>(full()));
        assert!(nothing_left.is_err_and(|error| is_full(&error)));

        reserve.look().unwrap();
        assert_eq!(count(), FILES + 1);
        // It outlives the process, and is then known to be there.
        drop(reserve);
        let reserve = Reserve::take(&dir, Bytes::mib(1)).unwrap();
        assert_eq!(reserve.release(), Held::Yes);
        assert_eq!(count(), 0);
    }
}
