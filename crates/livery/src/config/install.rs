//! Puts a file for its owner alone in place of another, whole or not at all.

use anyhow::Context;
use rustix::process::geteuid;
use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, fchown};
use std::path::{Path, PathBuf};

/// Writes a file that its owner alone may read. Whatever happens meanwhile, the old one or the new one
/// is there. A link is followed, and stays.
pub fn private(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let written = write(path, bytes);
    written.with_context(|| format!("{} cannot be written", path.display()))
}

fn write(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let real = match fs::canonicalize(path) {
        Ok(real) => real,
        Err(error) if error.kind() == ErrorKind::NotFound => path.to_owned(),
        Err(error) => return Err(error),
    };
    let dir = real.parent().unwrap_or(Path::new("/")).to_owned();
    let fresh = beside(&real);
    let mut options = File::options();
    let mut file = options
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&fresh)?;
    let put = file
        .write_all(bytes)
        .and_then(|()| keep_owner(&file, &dir))
        .and_then(|()| file.sync_all())
        .and_then(|()| fs::rename(&fresh, &real));
    if put.is_err() {
        // What is half written serves nobody; that it cannot be removed is of less interest.
        let _ = fs::remove_file(&fresh);
    }
    put?;
    File::open(&dir)?.sync_all()
}

/// Returns a name in the same directory that no other process uses.
fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{}.new", std::process::id()));
    name.into()
}

/// What root writes into a user's directory is the user's: otherwise its owner could not read it.
fn keep_owner(file: &File, dir: &Path) -> std::io::Result<()> {
    if !geteuid().is_root() {
        return Ok(());
    }
    let owner = fs::metadata(dir)?;
    fchown(file, Some(owner.uid()), Some(owner.gid()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_file_is_replaced_whole_and_for_its_owner_alone() {
        let dir = tempfile::tempdir().unwrap();
        let (path, link) = (dir.path().join("real"), dir.path().join("link"));
        fs::write(&path, "before").unwrap();
        std::os::unix::fs::symlink("real", &link).unwrap();
        private(&link, b"after").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "after");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(
            fs::read_dir(dir.path()).unwrap().count(),
            2,
            "nothing else is left"
        );
    }
}
