//! Of several control planes each claims what it can drive, and all of them what nobody else can.

use crate::database::{Database, on_both};
use crate::samples::{at, bare_pod, full_run, with_account};
use crate::volumes::volume;
use livery_domain::offer::Offer;
use livery_domain::pod::Pod;
use livery_domain::run::Run;
use livery_domain::volume::NetworkVolume;
use livery_store::{Credit, Store};
use livery_units::{ClaimToken, HostId, PlaneId, PodId, RunId, Timestamp};

on_both!(
    what_is_on_a_host_is_claimed_where_it_is_connected,
    what_a_dead_control_plane_had_is_claimed_by_all,
    a_host_that_moves_takes_its_pods_along_at_once,
    a_pod_of_before_there_were_seats_is_of_its_host_once_it_is_written,
    a_life_beyond_belief_is_none,
    a_run_is_driven_where_its_pod_is_and_else_where_its_files_are,
    the_only_control_plane_forgets_the_seats_of_others,
    one_that_is_back_takes_up_what_it_had_claimed_and_nothing_of_others,
);

const NOW: i64 = 100_000;

fn host(number: u128) -> HostId {
    HostId::from_entropy(number)
}

fn plane(number: u128) -> PlaneId {
    PlaneId::from_entropy(number)
}

/// A pod on that host; on none of ours when it is zero.
fn pod_on(number: u128) -> Pod {
    let pod = bare_pod(number);
    let host = (number > 0).then(|| host(number));
    Pod {
        offer: Offer { host, ..pod.offer },
        ..pod
    }
}

/// Two control planes that live, the first with host 1 and the second with host 2.
async fn two(database: &Database) -> [Store; 2] {
    let store = database.store().await;
    with_account(&store, Credit::Owner).await;
    let planes = [1, 2].map(|number| store.of_plane(plane(number)));
    for (number, plane) in (1..).zip(&planes) {
        let name = format!("plane {number}");
        plane.plane_alive(&name, at(NOW + 30_000)).await.unwrap();
        plane.seat_take(&host(number)).await.unwrap();
    }
    planes
}

/// Claims all pods that may be, gives them back and returns of which hosts they were.
async fn pods(store: &Store, now: Timestamp) -> Vec<u128> {
    let token = ClaimToken::from_entropy(1);
    let until = at(now.millis() + 1_000);
    let claimed = store.pod_claim(&token, now, until, 99).await.unwrap();
    let mut hosts = Vec::new();
    for number in 0..9 {
        let id = PodId::from_entropy(number);
        if claimed.iter().any(|pod| pod.id == id) {
            store.pod_release(&id, &token, at(0)).await.unwrap();
            hosts.push(number);
        }
    }
    assert_eq!(hosts.len(), claimed.len());
    hosts
}

async fn what_is_on_a_host_is_claimed_where_it_is_connected(database: Database) {
    let [first, second] = two(&database).await;
    for number in 0..4 {
        first.pod_insert(&pod_on(number)).await.unwrap();
        let host = host(number);
        let on = NetworkVolume {
            host,
            ..volume(number)
        };
        first.volume_insert(&on).await.unwrap();
    }
    assert_eq!(pods(&first, at(NOW)).await, [0, 1, 3]);
    assert_eq!(pods(&second, at(NOW)).await, [0, 2, 3]);

    let token = ClaimToken::from_entropy(1);
    let until = at(NOW + 1_000);
    let own = second.volume_claim(&token, at(NOW), until, 99).await;
    let own: Vec<HostId> = own.unwrap().into_iter().map(|one| one.host).collect();
    assert_eq!(own.len(), 3);
    assert!(!own.contains(&host(1)), "{own:?}");
    let rest = first.volume_claim(&token, at(NOW), until, 99).await;
    let rest: Vec<HostId> = rest.unwrap().into_iter().map(|one| one.host).collect();
    assert_eq!(rest, [host(1)]);

    let seat = async |store: &Store, number| {
        let other = store.seat_elsewhere(&host(number), at(NOW)).await.unwrap();
        other.map(|other| (other.plane, other.name))
    };
    let told = Some((plane(2), "plane 2".to_owned()));
    assert_eq!(seat(&first, 2).await, told);
    assert_eq!(seat(&second, 2).await, None, "it is here");
    assert_eq!(seat(&first, 3).await, None, "it is nowhere");
}

async fn what_a_dead_control_plane_had_is_claimed_by_all(database: Database) {
    let [first, second] = two(&database).await;
    for number in 1..3 {
        first.pod_insert(&pod_on(number)).await.unwrap();
    }
    assert_eq!(pods(&second, at(NOW)).await, [2]);
    let later = at(NOW + 30_000);
    second
        .plane_alive("plane 2", at(NOW + 60_000))
        .await
        .unwrap();
    assert_eq!(pods(&second, later).await, [1, 2], "nobody sees to it");
    // It was only slow to say that it lives: it has the host all the same.
    assert_eq!(pods(&first, later).await, [1]);
    assert_eq!(
        first
            .seat_elsewhere(&host(2), later)
            .await
            .unwrap()
            .map(|other| other.plane),
        Some(plane(2))
    );
    assert_eq!(second.seat_elsewhere(&host(1), later).await, Ok(None));
}

async fn a_host_that_moves_takes_its_pods_along_at_once(database: Database) {
    let [first, second] = two(&database).await;
    first.pod_insert(&pod_on(1)).await.unwrap();
    let token = ClaimToken::from_entropy(1);
    let claim = async |store: &Store| {
        let until = at(NOW + 1_000);
        let claimed = store.pod_claim(&token, at(NOW), until, 9).await.unwrap();
        claimed.len()
    };
    assert_eq!(claim(&first).await, 1);
    let id = PodId::from_entropy(1);
    let rests = at(NOW + 300_000);
    first.pod_release(&id, &token, rests).await.unwrap();
    assert_eq!(claim(&first).await, 0);
    // Connected to both, it is of both, once at a time.
    second.seat_take(&host(1)).await.unwrap();
    assert_eq!(claim(&second).await, 1, "it rests for minutes");
    assert_eq!(claim(&first).await, 0);
    second.pod_release(&id, &token, at(0)).await.unwrap();
    assert_eq!(claim(&first).await, 1);
    first.pod_release(&id, &token, at(0)).await.unwrap();
    first.seat_leave(&host(1)).await.unwrap();
    assert_eq!(claim(&first).await, 0);
    assert_eq!(claim(&second).await, 1);
    second.pod_release(&id, &token, at(0)).await.unwrap();
    second.plane_begin().await.unwrap();
    assert_eq!(claim(&first).await, 1, "it is of nobody now");
}

async fn a_pod_of_before_there_were_seats_is_of_its_host_once_it_is_written(database: Database) {
    let [first, second] = two(&database).await;
    let pod = pod_on(1);
    first.pod_insert(&pod).await.unwrap();
    database.sabotage("UPDATE pods SET host = NULL").await;
    assert_eq!(
        pods(&second, at(NOW)).await,
        [1],
        "nobody knows whose it is"
    );
    let pod = first.pod_fetch(&pod.id).await.unwrap();
    first.pod_update(&pod).await.unwrap();
    assert!(pods(&second, at(NOW)).await.is_empty());
    assert_eq!(pods(&first, at(NOW)).await, [1]);
}

async fn a_life_beyond_belief_is_none(database: Database) {
    const HOURS: i64 = 5 * 3_600_000;
    let [first, second] = two(&database).await;
    first.pod_insert(&pod_on(1)).await.unwrap();
    // Its clock was ahead by hours, and it died.
    let ahead = at(NOW + HOURS);
    first.plane_alive("plane 1", ahead).await.unwrap();
    assert_eq!(pods(&second, at(NOW)).await, [1]);
    assert_eq!(second.seat_elsewhere(&host(1), at(NOW)).await, Ok(None));
}

/// Claims the one run if it may be, and gives it back.
async fn takes(store: &Store, now: Timestamp) -> bool {
    let token = ClaimToken::from_entropy(1);
    let until = at(now.millis() + 1_000);
    let claimed = store.run_claim(&token, now, until, 9).await.unwrap();
    for run in &claimed {
        store.run_release(&run.id, &token, at(0)).await.unwrap();
    }
    let id = RunId::from_entropy(1);
    let stays = store.run_stays(&id, now).await.unwrap();
    assert_eq!(stays, claimed.len() == 1, "who claims it may go on with it");
    stays
}

async fn a_run_is_driven_where_its_pod_is_and_else_where_its_files_are(database: Database) {
    let [first, second] = two(&database).await;
    for number in 1..4 {
        first.pod_insert(&pod_on(number)).await.unwrap();
    }
    let run = Run {
        pod: None,
        ..full_run(1)
    };
    first.run_insert(&run).await.unwrap();
    let home = async |store: &Store| {
        let other = store.run_elsewhere(&run.id).await.unwrap();
        other.map(|other| other.plane)
    };
    assert!(takes(&first, at(NOW)).await);
    assert!(!takes(&second, at(NOW)).await, "its files are not there");
    assert_eq!(home(&first).await, None);
    assert_eq!(home(&second).await, Some(plane(1)));

    let on = async |run: &Run, pod: u128| {
        let pod = Some(PodId::from_entropy(pod));
        let run = Run { pod, ..run.clone() };
        first.run_update(&run).await.unwrap()
    };
    let run = on(&run, 3).await;
    assert!(takes(&first, at(NOW)).await);
    assert!(!takes(&second, at(NOW)).await, "nobody has the host");
    let run = on(&run, 2).await;
    assert!(!takes(&first, at(NOW)).await, "the other has the host");
    assert!(takes(&second, at(NOW)).await);
    assert_eq!(home(&first).await, Some(plane(2)), "its log is there now");
    assert_eq!(home(&second).await, None);

    let run = on(&run, 3).await;
    assert!(!takes(&first, at(NOW)).await);
    assert!(takes(&second, at(NOW)).await);
    let later = at(NOW + 60_000);
    assert!(takes(&first, later).await, "nobody sees to it");
    assert_eq!(home(&first).await, Some(plane(2)), "what it has is there");
    let alone = database.store().await;
    assert!(alone.run_stays(&run.id, at(NOW)).await.unwrap());
}

async fn the_only_control_plane_forgets_the_seats_of_others(database: Database) {
    let [first, _] = two(&database).await;
    first.pod_insert(&pod_on(1)).await.unwrap();
    first.pod_insert(&pod_on(3)).await.unwrap();
    let run = Run {
        pod: None,
        ..full_run(1)
    };
    first.run_insert(&run).await.unwrap();
    let alone = database.store().await;
    assert_eq!(pods(&alone, at(NOW)).await, [3]);
    alone.claims_forget().await.unwrap();
    assert_eq!(pods(&alone, at(NOW)).await, [1, 3]);
    assert!(takes(&alone, at(NOW)).await);
    assert_eq!(alone.run_elsewhere(&run.id).await, Ok(None));
}

async fn one_that_is_back_takes_up_what_it_had_claimed_and_nothing_of_others(database: Database) {
    let [first, second] = two(&database).await;
    let token = ClaimToken::from_entropy(1);
    for number in [1, 2] {
        first.pod_insert(&pod_on(number)).await.unwrap();
    }
    let until = at(NOW + 500);
    for plane in [&first, &second] {
        let claimed = plane.pod_claim(&token, at(NOW), until, 9).await.unwrap();
        assert_eq!(claimed.len(), 1);
    }
    let back = database.store().await.of_plane(plane(1));
    back.plane_begin().await.unwrap();
    back.seat_take(&host(1)).await.unwrap();
    let fresh = ClaimToken::from_entropy(2);
    let claimed = back.pod_claim(&fresh, at(NOW), until, 9).await.unwrap();
    let ids: Vec<PodId> = claimed.into_iter().map(|pod| pod.id).collect();
    assert_eq!(ids, [pod_on(1).id]);
    // What is left of its predecessor is fenced off.
    let [lost, kept] = [(&first, 1), (&second, 2)].map(|(plane, number)| {
        let (plane, token, id) = (plane.clone(), token.clone(), pod_on(number).id);
        async move { plane.pod_claim_renew(&id, &token, until).await }
    });
    assert_eq!((lost.await, kept.await), (Ok(false), Ok(true)));
}
