//! Databases for tests that need one for each case: copies of one that was made once.

use livery_store::Store;
use std::path::Path;
use tokio::sync::OnceCell;

/// Opens a database of its own in a directory.
///
/// To make the tables takes longer than most cases do, so they are made once in a process, and every
/// database is a copy of that file.
pub(super) async fn store_in(dir: &Path) -> Store {
    static EMPTY: OnceCell<Vec<u8>> = OnceCell::const_new();
    let file = dir.join("livery.db");
    std::fs::write(&file, EMPTY.get_or_init(empty).await).unwrap();
    Store::open(&url(&file)).await.unwrap()
}

/// The file of a database that has its tables and nothing else.
async fn empty() -> Vec<u8> {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("livery.db");
    // Closing it folds the write-ahead log into the file.
    Store::open(&url(&file)).await.unwrap().close().await;
    std::fs::read(&file).unwrap()
}

fn url(file: &Path) -> String {
    format!("sqlite:{}", file.display())
}
