//! A process that is killed while it posts leaves books that balance and keeps what it was told
//! is posted.

use crate::database::{Database, on_both};
use crate::samples::{account, at, counted, metered, with_account};
use livery_ledger::{Party, charge, hold};
use livery_store::{Credit, Posted, Store};
use livery_units::{Money, PodId};
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

on_both!(books_balance_after_a_kill);

/// Where the child finds its database; the parent sets it.
const URL: &str = "STORE_TEST_URL";
const POSTED: &str = "posted ";

async fn books_balance_after_a_kill(database: Database) {
    let store = database.store().await;
    with_account(&store, Credit::Owner).await;
    let mut announced = 0;
    for _ in 0..3 {
        let url = database.url.clone();
        let ids = tokio::task::spawn_blocking(move || kill_after(&url, 25));
        let ids = ids.await.unwrap();
        announced += ids.len();
        let count = usize::try_from(store.ledger_check().await.unwrap()).unwrap();
        assert!(count >= announced, "{count} of {announced} are there");
        let posted = database.texts("SELECT id FROM transfers").await;
        for id in ids {
            assert!(posted.contains(&id), "{id}");
        }
    }
    assert!(announced >= 75);
}

/// Starts a child that posts for ever, kills it after it has announced `count` transfers, and
/// returns all that it announced.
fn kill_after(url: &str, count: usize) -> Vec<String> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([
            "crash::child_that_posts",
            "--exact",
            "--ignored",
            "--nocapture",
        ])
        .env(URL, url)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut ids = Vec::new();
    for line in lines.map_while(Result::ok) {
        if let Some((_, id)) = line.split_once(POSTED) {
            ids.push(id.to_owned());
        }
        if ids.len() == count {
            child.kill().unwrap();
        }
    }
    let status = child.wait().unwrap();
    assert!(!status.success(), "it was killed and did not end");
    ids
}

/// What the child does.
#[test]
#[ignore = "started by books_balance_after_a_kill alone"]
fn child_that_posts() {
    let Ok(url) = std::env::var(URL) else {
        println!("skipped: only books_balance_after_a_kill gives it a database");
        return;
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(post_for_ever(&url));
}

async fn post_for_ever(url: &str) {
    let store = Store::open(url).await.unwrap();
    let party = Party {
        account: account(),
        pod: PodId::from_entropy(1),
        run: None,
        start: 0,
    };
    let held = hold(&party, Money::from_nanos(60_000), at(0));
    store.transfer_post(&[held]).await.unwrap();
    loop {
        let charged = store.pod_charged(&party.pod).await.unwrap();
        let held = store.pod_held(&party.pod).await.unwrap();
        let meter = metered(1, at(0), at(charged.nanos()));
        let change = counted(&meter, at(charged.nanos() + 1_000));
        let transfers = charge(&change, held).unwrap();
        let posted = store.transfer_post(&transfers).await.unwrap();
        assert_eq!(posted, Posted::New);
        for transfer in transfers {
            println!("{POSTED}{}", transfer.id);
        }
    }
}
