//! Files belong to accounts: what one has sent or brought home is nothing to another, and there is a
//! quota.

use crate::support::{Bench, submission, until};
use livery_content::{Compression, Frame, Holding, Manifest, Quota, hash_bytes};
use livery_domain::run::{EventKind, Outcome, Run, Submission};
use livery_engine::{Authority, SettingsChange, TOP_UP_MIN};
use livery_units::{AccountId, Bytes, ContentHash, Money, Span};

const JOB: &str = "name: job\nresources: {cpus: 1+, image_id: 'ubuntu:24.04'}\nrun: echo run\n\
                   outputs: ['out/**']\n";

async fn account(bench: &Bench, name: &str) -> AccountId {
    let made = bench.engine.account_create(name).await.unwrap();
    let paid = bench.engine.account_grant(&made.id, TOP_UP_MIN, "first");
    paid.await.unwrap();
    made.id
}

/// Sends an empty tree on behalf of an account.
fn send(bench: &Bench, account: &AccountId) -> ContentHash {
    let tree = Manifest::new(Vec::new()).unwrap().to_blobs();
    let frames: Vec<Frame> = tree
        .blobs
        .iter()
        .map(|(hash, bytes)| Frame::pack(*hash, bytes.clone(), Compression::Never).unwrap())
        .collect();
    let content = bench.engine.content();
    content
        .put_frames(account, &frames, Quota::Unlimited)
        .unwrap();
    tree.root
}

fn with_workdir(tree: ContentHash) -> Submission {
    Submission {
        workdir: Some(tree),
        ..submission(&format!("{JOB}workdir: .\n"))
    }
}

async fn quota(bench: &Bench, account: &AccountId, most: Option<Bytes>) {
    let change = SettingsChange {
        content_quota: Some(most),
        ..SettingsChange::default()
    };
    let settled = bench
        .engine
        .account_settle(account, &change, Authority::Owner);
    settled.await.unwrap();
}

async fn notes(bench: &Bench, run: &Run) -> Vec<String> {
    let events = bench
        .engine
        .run_events(&run.id, 0, Span::ZERO)
        .await
        .unwrap();
    let notes = events
        .into_iter()
        .filter(|event| event.kind == EventKind::Note);
    notes.map(|event| event.message).collect()
}

async fn over(bench: &Bench, account: &AccountId, run: &Run) -> Run {
    until("the run is over", || async {
        let run = bench
            .engine
            .run_fetch(account, run.id.as_str())
            .await
            .unwrap();
        run.is_over().then_some(run)
    })
    .await
}

#[tokio::test]
async fn a_job_is_refused_unless_every_blob_of_its_files_is_its_accounts_own() {
    let bench = Bench::new().await;
    let (a, b) = (account(&bench, "a").await, account(&bench, "b").await);
    let tree = send(&bench, &a);
    bench
        .engine
        .run_submit(&a, with_workdir(tree))
        .await
        .unwrap();
    // The same files, by their name, are not there for another.
    let refused = bench.engine.run_submit(&b, with_workdir(tree)).await;
    assert_eq!(refused.unwrap_err().code(), "RUN003");
    send(&bench, &b);
    bench
        .engine
        .run_submit(&b, with_workdir(tree))
        .await
        .unwrap();
}

#[tokio::test]
async fn results_belong_to_the_account_of_their_run_until_it_drops_them() {
    let bench = Bench::new().await;
    let (a, b) = (account(&bench, "a").await, account(&bench, "b").await);
    let output = b"weights".repeat(1_000);
    bench.host.script(|script| {
        script.run_exit = Some(0);
        script.result = Some(output.clone());
    });
    let run = bench.engine.run_submit(&a, submission(JOB)).await.unwrap();
    let run = over(&bench, &a, &run).await;
    assert_eq!(run.outcome, Outcome::Succeeded, "{:?}", run.reason);
    let content = bench.engine.content();
    let results = run.results.unwrap();
    assert_eq!(content.tree_missing(&a, &results).unwrap(), []);
    assert!(content.get_frame(&a, &hash_bytes(&output)).is_ok());
    assert_eq!(content.missing(&b, &[results]), [results]);
    assert!(content.get_frame(&b, &results).is_err());

    let (engine, id) = (&bench.engine, run.id.as_str());
    let others = engine.run_results_drop(&b, id).await.unwrap_err();
    assert_eq!(others.code(), "RUN001");
    let dropped = engine.run_results_drop(&a, id).await.unwrap();
    assert_eq!(dropped.results, None);
    let again = engine.run_results_drop(&a, id).await.unwrap_err();
    assert_eq!(again.code(), "RUN004");
}

#[tokio::test]
async fn results_beyond_the_quota_wait_until_there_is_room_for_them() {
    let bench = Bench::new().await;
    let a = account(&bench, "a").await;
    quota(&bench, &a, Some(Bytes::new(5_000))).await;
    bench.host.script(|script| {
        script.run_exit = Some(0);
        script.result = Some(b"weights".repeat(1_000));
    });
    let run = bench.engine.run_submit(&a, submission(JOB)).await.unwrap();
    let said = until("the run says that there is no room", || async {
        let notes = notes(&bench, &run).await;
        notes.into_iter().find(|note| note.contains("CNT001"))
    })
    .await;
    assert!(said.contains("quota is 4.8 KiB"), "{said}");
    assert!(said.contains("--content-quota"), "{said}");
    assert_eq!(bench.engine.content().holding(&a), Holding::default());
    bench.clock.hurry(10);
    quota(&bench, &a, Some(Bytes::new(50_000))).await;
    let run = over(&bench, &a, &run).await;
    assert_eq!(run.outcome, Outcome::Succeeded, "{:?}", run.reason);
    assert!(run.results.is_some());
    let room = bench.engine.content_room(&a).await.unwrap();
    assert!(room.kept > Bytes::new(7_000), "{room:?}");
    assert_eq!(room.room, Bytes::new(50_000 - room.kept.get()));
}

#[tokio::test]
async fn what_an_account_may_not_run_is_refused_before_its_files_are_sent() {
    let bench = Bench::new().await;
    let poor = bench.engine.account_create("poor").await.unwrap().id;
    let check = async |account: &AccountId, job: &str| {
        let submission = with_workdir(hash_bytes(b"a tree that was never sent"));
        let submission = Submission {
            job_text: format!("{job}workdir: .\n"),
            ..submission
        };
        let checked = bench.engine.run_check(account, &submission).await;
        checked.map_err(|error| error.code())
    };
    assert_eq!(check(&poor, JOB).await, Err("MON001"));
    let rich = account(&bench, "rich").await;
    assert_eq!(check(&rich, JOB).await, Ok(()));
    for (more, code) in [
        ("budget: {max_total: 0.000001}\n", "RUN005"),
        ("volumes: {/data: nothing}\n", "VOL001"),
    ] {
        assert_eq!(check(&rich, &format!("{JOB}{more}")).await, Err(code));
    }
    let on_host = "resources: {image_id: host}\nrun: echo run\n";
    assert_eq!(check(&rich, on_host).await, Err("POD006"));
    let limit = SettingsChange {
        limit_day: Some(Some(Money::from_nanos(1))),
        ..SettingsChange::default()
    };
    let settled = bench.engine.account_settle(&rich, &limit, Authority::User);
    settled.await.unwrap();
    assert_eq!(check(&rich, JOB).await, Err("MON003"));
    // One who does not ask is refused all the same.
    let refused = bench.engine.run_submit(&poor, submission(JOB)).await;
    assert_eq!(refused.unwrap_err().code(), "MON001");
}

#[tokio::test]
async fn a_quota_is_for_the_owner_to_set_and_not_on_his_own_account() {
    let bench = Bench::new().await;
    let a = account(&bench, "a").await;
    let change = SettingsChange {
        content_quota: Some(None),
        ..SettingsChange::default()
    };
    let settle = async |account: &AccountId, authority| {
        let settled = bench.engine.account_settle(account, &change, authority);
        settled.await.map(drop).map_err(|error| error.code())
    };
    let standard = bench.engine.content_room(&a).await.unwrap();
    assert_eq!(standard.quota, Some(Bytes::gib(100)));
    assert_eq!(settle(&a, Authority::User).await, Err("MON013"));
    assert_eq!(
        settle(&bench.account, Authority::Owner).await,
        Err("MON013")
    );
    assert_eq!(settle(&a, Authority::Owner).await, Ok(()));
    assert_eq!(bench.engine.content_room(&a).await.unwrap().quota, None);
    let owners = bench.engine.content_room(&bench.account).await.unwrap();
    assert_eq!(owners.quota, None);
}
