//! Formatted disks of sizes that were asked for before, to be copied instead of formatted again.
//!
//! A fresh ext4 of 10 GiB is a few MiB of data in a sparse file. Copying those takes two
//! milliseconds, formatting takes thirty, and a user waits for it. All copies have one UUID, which
//! ext4 bears: nothing here is mounted by UUID.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::fs::{SeekFrom, copy_file_range, seek};
use rustix::io::Errno;

/// More templates than this are not kept; the oldest goes.
const KEPT_MAX: usize = 16;

/// A template that would take more room than this (a disk of many TiB) is not kept.
const TEMPLATE_BYTES_MAX: u64 = 64 << 20;

/// Copies a template to `to`, if there is one of that name.
pub(crate) fn copy_to(templates: &Path, name: &str, to: &Path) -> io::Result<Found> {
    let from = match File::open(templates.join(name)) {
        Ok(from) => from,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Found::No),
        Err(error) => return Err(error),
    };
    copy_sparse(&from, &File::create(to)?)?;
    Ok(Found::Yes)
}

/// Whether there was a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found {
    /// There was, and the disk is ready.
    Yes,
    /// There was none.
    No,
}

/// Keeps a copy of a disk that was just formatted. A copy that is cut short is never found: it gets
/// its name when it is whole.
pub(crate) fn keep(templates: &Path, name: &str, disk: &Path) -> io::Result<()> {
    let from = File::open(disk)?;
    if from.metadata()?.blocks() * 512 > TEMPLATE_BYTES_MAX {
        return Ok(());
    }
    fs::create_dir_all(templates)?;
    make_room(templates)?;
    static PARTS: AtomicU64 = AtomicU64::new(0);
    let number = PARTS.fetch_add(1, Ordering::Relaxed);
    let part = templates.join(format!("part-{}-{number}", std::process::id()));
    copy_sparse(&from, &File::create(&part)?)?;
    fs::rename(&part, templates.join(name))
}

fn make_room(templates: &Path) -> io::Result<()> {
    let mut kept: Vec<(std::time::SystemTime, PathBuf)> = Vec::new();
    for entry in fs::read_dir(templates)? {
        let entry = entry?;
        kept.push((entry.metadata()?.modified()?, entry.path()));
    }
    kept.sort();
    let surplus = (kept.len() + 1).saturating_sub(KEPT_MAX);
    kept.iter()
        .take(surplus)
        .try_for_each(|(_, path)| fs::remove_file(path))
}

/// Copies what a file holds and leaves its holes holes.
fn copy_sparse(from: &File, to: &File) -> io::Result<()> {
    to.set_len(from.metadata()?.len())?;
    let mut at = 0;
    loop {
        let data = match seek(from, SeekFrom::Data(at)) {
            Ok(data) => data,
            // Nothing but a hole is left.
            Err(Errno::NXIO) => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        let end = seek(from, SeekFrom::Hole(data))?;
        let (mut source, mut target) = (data, data);
        while source < end {
            let left = usize::try_from(end - source).unwrap_or(usize::MAX);
            if copy_file_range(from, Some(&mut source), to, Some(&mut target), left)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        at = end;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::FileExt;

    #[test]
    fn a_copy_has_the_same_content_and_the_same_holes() {
        let dir = tempfile::tempdir().unwrap();
        let (disk, copy) = (dir.path().join("disk"), dir.path().join("copy"));
        let file = File::create(&disk).unwrap();
        file.set_len(64 << 20).unwrap();
        file.write_all_at(b"first", 4_096).unwrap();
        file.write_all_at(b"last", (64 << 20) - 4).unwrap();
        let templates = dir.path().join("templates");
        assert_eq!(copy_to(&templates, "t", &copy).unwrap(), Found::No);
        keep(&templates, "t", &disk).unwrap();
        assert_eq!(copy_to(&templates, "t", &copy).unwrap(), Found::Yes);
        assert_eq!(fs::read(&copy).unwrap(), fs::read(&disk).unwrap());
        assert!(fs::metadata(&copy).unwrap().blocks() * 512 < 1 << 20);
    }

    #[test]
    fn the_oldest_templates_go() {
        let dir = tempfile::tempdir().unwrap();
        let disk = dir.path().join("disk");
        File::create(&disk).unwrap().set_len(4_096).unwrap();
        let templates = dir.path().join("templates");
        for number in 0..KEPT_MAX + 5 {
            keep(&templates, &number.to_string(), &disk).unwrap();
        }
        assert_eq!(fs::read_dir(&templates).unwrap().count(), KEPT_MAX);
    }
}
