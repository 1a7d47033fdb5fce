//! A database of its own for each test, on both kinds.

use livery_store::Store;
use sqlx::{AnyPool, Executor};
use std::future::Future;
use std::path::PathBuf;
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};

/// A name that a URL could trip over.
const AWKWARD: &str = "li very?#%41";

/// Where the test's database is; the store can be opened several times, as by several processes.
#[derive(Clone)]
pub struct Database {
    pub url: String,
}

impl Database {
    pub async fn store(&self) -> Store {
        Store::open(&self.url).await.unwrap()
    }

    /// Runs SQL that the store has no method for.
    pub async fn sabotage(&self, sql: &'static str) {
        let pool = self.raw().await;
        pool.execute(sql).await.unwrap();
        pool.close().await;
    }

    /// Returns the texts that SQL selects, for what the store has no method for.
    pub async fn texts(&self, sql: &'static str) -> Vec<String> {
        let pool = self.raw().await;
        let rows = sqlx::query_scalar(sql).fetch_all(&pool).await.unwrap();
        pool.close().await;
        rows
    }

    async fn raw(&self) -> AnyPool {
        sqlx::any::install_default_drivers();
        // The store takes a path as it is, and the driver only an encoded one.
        let url = self.url.replace(AWKWARD, "li%20very%3F%23%2541");
        AnyPool::connect(&url).await.unwrap()
    }

    /// Returns the file of an SQLite database.
    pub fn file(&self) -> PathBuf {
        PathBuf::from(self.url.strip_prefix("sqlite:").unwrap())
    }
}

/// Makes one test per kind of database out of each function.
macro_rules! on_both {
    ($($name:ident),+ $(,)?) => {
        mod sqlite {
            $(#[test] fn $name() { crate::database::on_sqlite(super::$name); })+
        }
        mod postgres {
            $(#[test] fn $name() { crate::database::on_postgres(super::$name); })+
        }
    };
}
pub(crate) use on_both;

pub fn on_sqlite<F, Body>(test: F)
where
    F: FnOnce(Database) -> Body,
    Body: Future<Output = ()> + Send + 'static,
{
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(format!("{AWKWARD}.db"));
    let url = format!("sqlite:{}", path.to_str().unwrap());
    let ended = runtime().block_on(async { tokio::spawn(test(Database { url })).await });
    directory.close().unwrap();
    pass_on(ended);
}

pub fn on_postgres<F, Body>(test: F)
where
    F: FnOnce(Database) -> Body,
    Body: Future<Output = ()> + Send + 'static,
{
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let Ok(server) = std::env::var("LIVERY_TEST_POSTGRES") else {
        println!("skipped: LIVERY_TEST_POSTGRES names no server; `make test` starts one");
        return;
    };
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let schema = format!("store_{}_{count}", process::id());
    let joint = if server.contains('?') { '&' } else { '?' };
    let url = format!("{server}{joint}options[search_path]={schema}");
    let ended = runtime().block_on(async {
        sqlx::any::install_default_drivers();
        let pool = AnyPool::connect(&server).await.unwrap();
        let sql = |text: String| sqlx::raw_sql(sqlx::AssertSqlSafe(text));
        let create = sql(format!("CREATE SCHEMA {schema}"));
        create.execute(&pool).await.unwrap();
        let ended = tokio::spawn(test(Database { url })).await;
        let drop = sql(format!("DROP SCHEMA {schema} CASCADE"));
        drop.execute(&pool).await.unwrap();
        pool.close().await;
        ended
    });
    pass_on(ended);
}

fn runtime() -> tokio::runtime::Runtime {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(2).enable_all().build().unwrap()
}

fn pass_on(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended {
        std::panic::resume_unwind(error.into_panic());
    }
}
