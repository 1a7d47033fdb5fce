//! Whose an SQLite file is: a new one is made only where there is none, and nobody else's is ever taken for
//! ours.

use crate::error::{Error, Result};
use sqlx::{AnyConnection, Connection, Executor};
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{ErrorKind, Read};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// What SQLite files of ours carry in their head: "LVRY".
const APPLICATION_ID: u32 = 0x4c56_5259;

/// How every SQLite file begins.
const MAGIC: &[u8] = b"SQLite format 3\0";

/// Length of the head, and where in it the application's id is.
const HEAD_BYTES: usize = 100;
const APPLICATION_AT: usize = 68;

/// Makes the file if there is none, and sees that the one there is ours and its owner's alone.
///
/// # Errors
/// [`Error::Foreign`] for any other file, [`Error::Unavailable`] when it cannot be looked at or made.
pub(crate) async fn ensure(path: &Path) -> Result<()> {
    let unavailable = |error| Error::Unavailable(format!("{}: {error}", path.display()));
    // Opening a pipe would wait for its other end.
    if fs::metadata(path).is_ok_and(|found| !found.is_file()) {
        return Err(foreign(path, "is no file"));
    }
    match File::open(path) {
        Ok(file) => look(path, file)?,
        Err(error) if error.kind() == ErrorKind::NotFound => make(path).await?,
        Err(error) => return Err(unavailable(error)),
    }
    close_to_others(path).map_err(unavailable)
}

/// Looks at the head of the file alone: SQLite would begin to change one that is not ours.
fn look(path: &Path, file: File) -> Result<()> {
    let foreign = |why: &str| Err(foreign(path, why));
    let mut head = Vec::with_capacity(HEAD_BYTES);
    let read = file.take(HEAD_BYTES as u64).read_to_end(&mut head);
    read.map_err(|error| Error::Unavailable(format!("{}: {error}", path.display())))?;
    if head.is_empty() {
        return foreign("is empty");
    }
    if head.len() < HEAD_BYTES || !head.starts_with(MAGIC) {
        return foreign("is no SQLite database");
    }
    let id = head[APPLICATION_AT..].first_chunk().copied();
    match id.map(u32::from_be_bytes) {
        Some(APPLICATION_ID) => Ok(()),
        Some(_) | None => foreign("is the database of another program"),
    }
}

fn foreign(path: &Path, why: &str) -> Error {
    Error::Foreign {
        place: path.display().to_string(),
        why: why.to_owned(),
    }
}

/// Makes a file that carries our id. It gets its name when it is whole, so that a crash leaves nothing
/// there that would be refused, and when others make one at the same time, the first one counts.
async fn make(path: &Path) -> Result<()> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let log = beside(path, "-wal");
    if log.exists() {
        let why = format!("is missing, and its log {} is there", log.display());
        return Err(foreign(path, &why));
    }
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let fresh = beside(path, &format!(".new-{}-{number}", std::process::id()));
    let made = async {
        let unavailable = |error| Error::Unavailable(format!("{}: {error}", path.display()));
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(0o600);
        options.open(&fresh).map_err(unavailable)?;
        mark(&fresh).await?;
        match fs::hard_link(&fresh, path) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(unavailable(error)),
            Ok(()) | Err(_) => Ok(()),
        }
    };
    let made = made.await;
    // It was never there, or has its name: nothing is lost with this one.
    let _ = fs::remove_file(&fresh);
    made
}

async fn mark(file: &Path) -> Result<()> {
    let mut connection = AnyConnection::connect(&super::pool::sqlite_url(file)).await?;
    let mark = format!("PRAGMA synchronous = FULL; PRAGMA application_id = {APPLICATION_ID};");
    connection.execute(sqlx::AssertSqlSafe(mark)).await?;
    connection.close().await?;
    Ok(())
}

/// Returns the path of a file whose name is the database's and more.
fn beside(path: &Path, more: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(more);
    name.into()
}

/// SQLite gives the same mode to the files next to it.
fn close_to_others(path: &Path) -> std::io::Result<()> {
    if fs::metadata(path)?.permissions().mode() & 0o077 != 0 {
        fs::set_permissions(path, Permissions::from_mode(0o600))?;
    }
    Ok(())
}
