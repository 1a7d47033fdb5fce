//! Opening the database.

use crate::error::{Error, Result};
use crate::migrate::{Owned, migrate};
use crate::own_file;
use crate::sqlite_version::ensure_repaired;
use livery_disk::Reserve;
use livery_units::PlaneId;
use sqlx::any::AnyPoolOptions;
use sqlx::{AnyConnection, AnyPool, Connection, Executor};
use std::collections::BTreeSet;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

/// Everything that is kept; clones share one database.
#[derive(Debug, Clone)]
pub struct Store {
    pools: Arc<Pools>,
    /// Which of several control planes this is.
    pub(crate) plane: Option<PlaneId>,
}

/// SQLite has one writer at a time: a pool of one connection is a fair queue for it, where several
/// connections would sleep and poll. PostgreSQL uses one pool for both.
#[derive(Debug)]
struct Pools {
    kind: Kind,
    read: AnyPool,
    write: AnyPool,
    /// The rows that could not be read, each logged once.
    unreadable: Mutex<BTreeSet<String>>,
    /// Given back when a change would find the disk of SQLite's files full.
    reserve: SharedReserve,
}

type SharedReserve = Arc<OnceLock<Reserve>>;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Sqlite,
    Postgres,
}

const SQLITE_READERS: u32 = 3;
const POSTGRES_CONNECTIONS: u32 = 8;

/// How long a statement waits for a connection. PostgreSQL that does not take one is away, and whoever
/// asked is to hear of it; SQLite's writer may have many before it.
const POSTGRES_PATIENCE: Duration = Duration::from_secs(10);

/// Another process may be creating or migrating the same SQLite file.
const OPEN_ATTEMPTS: u32 = 40;
const OPEN_REST: Duration = Duration::from_millis(50);

/// How every SQLite connection is set up. `FULL` makes each commit durable: the books and the
/// intents written before a supplier is called must outlive a power cut. The log is folded into the
/// file when it has 32 MB, and not when it has 4: a page that many charges change is then written there
/// once. Of the pages of a large fleet, 64 MB are kept by each connection that reads so many.
const SQLITE_SETUP: &str = "\
    PRAGMA busy_timeout = 10000;\
    PRAGMA journal_mode = WAL;\
    PRAGMA synchronous = FULL;\
    PRAGMA wal_autocheckpoint = 8192;\
    PRAGMA cache_size = -65536;\
    PRAGMA foreign_keys = ON;\
    PRAGMA secure_delete = ON;";

impl Store {
    /// Opens `sqlite:PATH` (made if missing, readable by its owner alone) or `postgres://…`, and
    /// brings its tables up to date.
    ///
    /// # Errors
    /// [`Error::TooNew`] for a newer Livery's database, [`Error::Foreign`] for one that is no Livery's,
    /// [`Error::Corrupt`] for a damaged file,
    /// [`Error::OldSqlite`] when this program was built with an SQLite that can lose commits,
    /// [`Error::Unavailable`] when it cannot be reached or the URL is of another kind.
    pub async fn open(url: &str) -> Result<Self> {
        sqlx::any::install_default_drivers();
        let pools = match url.split_once(':') {
            Some(("sqlite", rest)) => sqlite(rest.strip_prefix("//").unwrap_or(rest)).await?,
            Some(("postgres" | "postgresql", _)) => postgres(url).await?,
            Some(_) | None => {
                return Err(Error::Unavailable(
                    "a database is named sqlite:PATH or postgres://USER:PASSWORD@HOST/NAME"
                        .to_owned(),
                ));
            }
        };
        let owned = match pools.kind {
            Kind::Sqlite => Owned::Known,
            Kind::Postgres => Owned::ByItsTables,
        };
        migrate(&pools.write, owned).await?;
        let pools = Arc::new(pools);
        Ok(Self { pools, plane: None })
    }

    /// Looks at a reserve before each change, so that what must be recorded on a full disk can be. It
    /// must be on the disk that SQLite's files are on.
    pub fn keep_reserve(&self, reserve: Reserve) {
        // A second one would hold as much again for the same need.
        drop(self.pools.reserve.set(reserve));
    }

    /// Closes all connections; SQLite's write-ahead log is folded into the file.
    pub async fn close(&self) {
        self.pools.read.close().await;
        self.pools.write.close().await;
    }

    /// Folds SQLite's write-ahead log into the file and empties it, so that what was deleted is not
    /// found there either. Readers under way may keep the log as it is until the next time.
    pub(crate) async fn fold_log(&self) -> Result<()> {
        match self.pools.kind {
            Kind::Sqlite => {
                let fold = "PRAGMA wal_checkpoint(TRUNCATE)";
                sqlx::query(fold).fetch_all(self.write()).await?;
                Ok(())
            }
            Kind::Postgres => Ok(()),
        }
    }

    pub(crate) fn unreadable(&self) -> &Mutex<BTreeSet<String>> {
        &self.pools.unreadable
    }

    pub(crate) fn read(&self) -> &AnyPool {
        &self.pools.read
    }

    /// For statements that change something. On SQLite a transaction must begin with such a
    /// statement: it takes the lock that a later one could only fail to get.
    pub(crate) fn write(&self) -> &AnyPool {
        &self.pools.write
    }
}

async fn postgres(url: &str) -> Result<Pools> {
    probe(url, "SELECT 1").await?;
    let options = AnyPoolOptions::new()
        .max_connections(POSTGRES_CONNECTIONS)
        .acquire_timeout(POSTGRES_PATIENCE);
    let pool = options.connect(url).await?;
    Ok(Pools {
        kind: Kind::Postgres,
        read: pool.clone(),
        write: pool,
        unreadable: Mutex::default(),
        reserve: SharedReserve::default(),
    })
}

async fn sqlite(path: &str) -> Result<Pools> {
    if path.is_empty() || path.starts_with(":memory:") {
        return Err(Error::Unavailable(
            "the database needs a file: write sqlite:PATH".to_owned(),
        ));
    }
    own_file::ensure(Path::new(path)).await?;
    let url = sqlite_url(Path::new(path));
    let mut attempt = 1;
    while let Err(error) = probe(&url, SQLITE_SETUP).await {
        match error {
            Error::Unavailable(_) | Error::Busy(_) | Error::Failed(_)
                if attempt < OPEN_ATTEMPTS =>
            {
                attempt += 1;
                tokio::time::sleep(OPEN_REST).await;
            }
            Error::Unavailable(why) => return Err(Error::Unavailable(format!("{path}: {why}"))),
            Error::Busy(why) => return Err(Error::Busy(format!("{path}: {why}"))),
            Error::Failed(why) => return Err(Error::Failed(format!("{path}: {why}"))),
            Error::Corrupt(why) => return Err(Error::Corrupt(format!("{path}: {why}"))),
            other => return Err(other),
        }
    }
    let reserve = SharedReserve::default();
    let write = sqlite_pool(&url, 1, &reserve).await?;
    ensure_repaired(&write).await?;
    // Readers change nothing.
    let read = sqlite_pool(&url, SQLITE_READERS, &SharedReserve::default()).await?;
    Ok(Pools {
        kind: Kind::Sqlite,
        read,
        write,
        unreadable: Mutex::default(),
        reserve,
    })
}

/// Connects once and says what is wrong at once: a pool would hide the cause and go on trying.
async fn probe(url: &str, setup: &'static str) -> Result<()> {
    let mut connection = AnyConnection::connect(url).await?;
    // The first statement reads the file: one that is no database is found here.
    connection.execute(setup).await?;
    connection.close().await?;
    Ok(())
}

async fn sqlite_pool(url: &str, connections: u32, reserve: &SharedReserve) -> Result<AnyPool> {
    let reserve = Arc::clone(reserve);
    let options = AnyPoolOptions::new()
        .max_connections(connections)
        .after_connect(|connection, _| {
            Box::pin(async move {
                connection.execute(SQLITE_SETUP).await?;
                Ok(())
            })
        })
        .before_acquire(move |connection, _| {
            if let Some(reserve) = reserve.get() {
                // A disk that cannot be looked at fails the change itself.
                drop(reserve.look());
            }
            Box::pin(async move {
                // On a full disk SQLite rolls a transaction back by itself, the driver's count of
                // open ones goes wrong, and a later roll-back leaves one open: what is written from
                // then on would never be committed. Such a connection is replaced.
                let was_open = connection.execute("ROLLBACK").await.is_ok();
                Ok(!was_open)
            })
        });
    Ok(options.connect(url).await?)
}

/// Writes a file that is there as the driver names it.
pub(crate) fn sqlite_url(path: &Path) -> String {
    format!("sqlite:{}?mode=rw", percent_encoded(path))
}

fn percent_encoded(path: &Path) -> String {
    let bytes = path.as_os_str().as_bytes();
    let mut text = String::with_capacity(bytes.len());
    for byte in bytes.iter().copied() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'_' | b'-' => {
                text.push(char::from(byte));
            }
            other => text.push_str(&format!("%{other:02X}")),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_transaction_that_was_left_open_swallows_no_later_write() {
        let dir = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", dir.path().join("livery.db").display());
        let store = Store::open(&url).await.unwrap();
        let mut connection = store.write().acquire().await.unwrap();
        connection.execute("BEGIN").await.unwrap();
        drop(connection);
        store.setting_set("name", "value").await.unwrap();
        let read = store.setting_get("name").await.unwrap();
        assert_eq!(read.as_deref(), Some("value"));
    }
}
