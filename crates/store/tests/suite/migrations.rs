//! A database is brought up to date once, whoever comes first, and never by an older Livery.

use crate::database::{Database, on_both};
use crate::samples::at;
use livery_store::{Error, Store};
use livery_units::AccountId;

/// The steps that a database had taken when two accounts could have one name.
const BEFORE_NAMES_WERE_UNIQUE: &[&str] = &[
    include_str!("../../migrations/0001_accounts.sql"),
    include_str!("../../migrations/0002_pods.sql"),
    include_str!("../../migrations/0003_runs.sql"),
    include_str!("../../migrations/0004_money.sql"),
    include_str!("../../migrations/0005_policies.sql"),
    include_str!("../../migrations/0006_meters.sql"),
    include_str!("../../migrations/0007_credit.sql"),
    include_str!("../../migrations/0008_notices.sql"),
    include_str!("../../migrations/0009_volumes.sql"),
    include_str!("../../migrations/0010_activity.sql"),
    include_str!("../../migrations/0011_orphans.sql"),
];

/// The further ones that it had taken when pods had no column for their host.
const BEFORE_SEATS: &[&str] = &[
    include_str!("../../migrations/0012_account_names.sql"),
    include_str!("../../migrations/0013_notices_by_pod.sql"),
    include_str!("../../migrations/0014_by_end.sql"),
    include_str!("../../migrations/0015_counted.sql"),
];

on_both!(
    opening_twice_changes_nothing,
    six_openers_at_once_agree,
    a_newer_database_is_refused,
    accounts_that_shared_a_name_are_told_apart,
    pods_from_before_seats_are_on_their_hosts,
);

async fn opening_twice_changes_nothing(database: Database) {
    let id = AccountId::from_entropy(1);
    let store = database.store().await;
    store.account_ensure(&id, "owner", at(1)).await.unwrap();
    store.close().await;
    let store = database.store().await;
    assert_eq!(store.account_fetch(&id).await.unwrap().name, "owner");
    assert_eq!(store.ledger_check().await, Ok(0));
}

async fn six_openers_at_once_agree(database: Database) {
    let mut openers = tokio::task::JoinSet::new();
    for number in 0..6 {
        let url = database.url.clone();
        openers.spawn(async move {
            let store = Store::open(&url).await.unwrap();
            let id = AccountId::from_entropy(number);
            store.account_ensure(&id, id.as_str(), at(1)).await.unwrap();
        });
    }
    openers.join_all().await;
    let accounts = database.store().await.account_list().await.unwrap();
    assert_eq!(accounts.len(), 6);
}

async fn a_newer_database_is_refused(database: Database) {
    database.store().await.close().await;
    raw(&database)
        .sabotage("INSERT INTO schema_version (version) VALUES (9999)")
        .await;
    let error = Store::open(&database.url).await.unwrap_err();
    assert!(
        matches!(error, Error::TooNew { found: 9_999, .. }),
        "{error:?}"
    );
    assert!(
        error.to_string().contains("use the newer Livery"),
        "{error}"
    );
}

async fn accounts_that_shared_a_name_are_told_apart(database: Database) {
    let old = old(&database, &[BEFORE_NAMES_WERE_UNIQUE]).await;
    let ids = [3, 1, 2, 4].map(AccountId::from_entropy);
    for (id, (name, time)) in ids
        .iter()
        .zip([("lab", 5), ("lab", 9), ("lab", 5), ("own", 1)])
    {
        let sql = format!(
            "INSERT INTO accounts (id, name, credit, created)
             VALUES ('{id}', '{name}', 'prepaid', {time})"
        );
        old.sabotage(sql.leak()).await;
    }

    let store = database.store().await;
    let accounts = store.account_list().await.unwrap();
    let name = |id: &AccountId| {
        let account = accounts.iter().find(|account| account.id == *id);
        account.unwrap().name.clone()
    };
    // The oldest keeps it: it is the one that the name stood for.
    assert_eq!(name(&ids[2]), "lab");
    assert_eq!(name(&ids[0]), format!("lab ({})", ids[0]));
    assert_eq!(name(&ids[1]), format!("lab ({})", ids[1]));
    assert_eq!(name(&ids[3]), "own");
    let named = store.account_stand_named("lab").await.unwrap();
    assert_eq!(named.id, ids[2]);
    let another = AccountId::from_entropy(5);
    let another = store.account_ensure(&another, "lab", at(20)).await;
    assert_eq!(another, Err(Error::Exists));
}

async fn pods_from_before_seats_are_on_their_hosts(database: Database) {
    let old = old(&database, &[BEFORE_NAMES_WERE_UNIQUE, BEFORE_SEATS]).await;
    old.sabotage(
        "INSERT INTO accounts (id, name, credit, created) VALUES ('acc_1', 'lab', 'owner', 1)",
    )
    .await;
    for (pod, foreign_id) in [
        ("pod_1", "'host_1/pod_1'"),
        ("pod_2", "'host_2/pod_2'"),
        ("pod_3", "'i-0123'"),
        ("pod_4", "NULL"),
    ] {
        let sql = format!(
            "INSERT INTO pods (id, account_id, pod_order, offer, launch_key, foreign_id, desired,
                observed, attempts, created, generation, due, claim_until)
             VALUES ('{pod}', 'acc_1', '{{}}', '{{}}', 'key_{pod}', {foreign_id}, 'running', 'up',
                0, 1, 0, 0, 0)"
        );
        old.sabotage(sql.leak()).await;
    }
    let store = database.store().await;
    store.close().await;
    let hosts = "SELECT COALESCE(host, 'none') FROM pods ORDER BY id";
    let hosts = old.texts(hosts).await;
    assert_eq!(hosts, ["host_1", "host_2", "none", "none"]);
}

/// Makes a database that has taken those steps and no more.
async fn old(database: &Database, steps: &[&[&'static str]]) -> Database {
    if let Some(path) = database.url.strip_prefix("sqlite:") {
        std::fs::File::create(path).unwrap();
    }
    let old = raw(database);
    if database.url.starts_with("sqlite:") {
        // What says that a file is ours.
        old.sabotage("PRAGMA application_id = 1280725593").await;
    }
    old.sabotage("CREATE TABLE schema_version (version BIGINT PRIMARY KEY)")
        .await;
    let steps: Vec<&str> = steps.concat();
    for step in &steps {
        old.sabotage(step).await;
    }
    let sql = format!(
        "INSERT INTO schema_version (version) VALUES ({})",
        steps.len()
    );
    old.sabotage(sql.leak()).await;
    old
}

/// The same database, by a URL that is not Livery's own way to write one.
fn raw(database: &Database) -> Database {
    let url = database.url.replace("li very?#%41", "li%20very%3F%23%2541");
    Database { url }
}
