//! Refuses an SQLite that can lose commits.

use crate::error::{Error, Result};
use sqlx::AnyPool;

/// The first release that keeps all commits when a write-ahead log is reset while another connection
/// folds it into the file.
const REPAIRED: [u32; 3] = [3, 51, 3];

/// Asks the library for its version. Which one a program is built with is decided by its lock file,
/// and nothing else would notice an old one.
///
/// # Errors
/// [`Error::OldSqlite`] when it is older than the repair, [`Error::Unavailable`] when it does not answer.
pub(crate) async fn ensure_repaired(pool: &AnyPool) -> Result<()> {
    let version = sqlx::query_scalar("SELECT sqlite_version()");
    judge(version.fetch_one(pool).await?)
}

fn judge(found: String) -> Result<()> {
    if numbers(&found) >= REPAIRED {
        return Ok(());
    }
    let least = REPAIRED.map(|number| number.to_string()).join(".");
    Err(Error::OldSqlite { found, least })
}

/// Reads the three numbers of a version; what is no number counts as the oldest.
fn numbers(version: &str) -> [u32; 3] {
    let mut numbers = version.split('.').map(|part| part.parse().unwrap_or(0));
    std::array::from_fn(|_| numbers.next().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_before_the_repair_are_refused() {
        for old in ["", "nonsense", "3", "3.9.0", "3.51.2"] {
            let refused = judge(old.to_owned()).unwrap_err();
            let words = refused.to_string();
            assert!(words.contains("SQLite 3.51.3 or newer"), "{words}");
        }
        for repaired in ["3.51.3", "3.51.10", "3.52.0", "4.0"] {
            assert_eq!(judge(repaired.to_owned()), Ok(()), "{repaired}");
        }
    }

    #[tokio::test]
    async fn the_library_of_this_program_is_asked() {
        sqlx::any::install_default_drivers();
        let options = sqlx::any::AnyPoolOptions::new().max_connections(1);
        let pool = options.connect("sqlite::memory:").await.unwrap();
        assert_eq!(ensure_repaired(&pool).await, Ok(()));
        pool.close().await;
        let unanswered = ensure_repaired(&pool).await;
        assert!(
            matches!(unanswered, Err(Error::Unavailable(_))),
            "{unanswered:?}"
        );
    }
}
