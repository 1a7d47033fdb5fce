//! Logins at registries: they travel with the pods of their account that need them, and nowhere else.

use crate::support::{Bench, until};
use livery_domain::pod::{Phase, Pod, PodFailure};
use livery_domain::registry::{Credentials, RegistryName};
use livery_engine::{Error, TOP_UP_MIN};
use livery_host_api::dto;
use livery_units::{AccountId, Secret};

fn registry(name: &str) -> RegistryName {
    name.parse().unwrap()
}

fn known(username: &str, password: &str) -> Credentials {
    Credentials {
        username: username.to_owned(),
        password: Secret::new(password.to_owned()),
    }
}

async fn login(bench: &Bench, account: &AccountId, name: &str, credentials: &Credentials) {
    let login = bench
        .engine
        .registry_login(account, registry(name), credentials);
    let login = login.await.unwrap();
    assert_eq!(login.registry, registry(name));
}

/// Makes a pod of an image and returns who it is to the image's registry, as its host was told.
async fn carried(bench: &Bench, account: &AccountId, image: &str) -> Option<dto::Credentials> {
    let mut new = bench.new_pod();
    new.image = image.to_owned();
    let pod = bench.engine.pod_create(account, new).await.unwrap();
    ends_at(bench, account, &pod, Phase::Running).await;
    let spec = bench.host.spec(&pod.id).unwrap();
    bench
        .engine
        .pod_terminate(account, pod.id.as_str())
        .await
        .unwrap();
    ends_at(bench, account, &pod, Phase::Terminated).await;
    spec.credentials
}

async fn ends_at(bench: &Bench, account: &AccountId, pod: &Pod, wanted: Phase) -> Pod {
    until(&format!("the pod is {wanted}"), || async {
        let pod = bench
            .engine
            .pod_fetch(account, pod.id.as_str())
            .await
            .unwrap();
        (pod.phase() == wanted).then_some(pod)
    })
    .await
}

fn names(carried: Option<&dto::Credentials>) -> Option<(&str, &str)> {
    carried.map(|known| (known.username.as_str(), known.password.as_str()))
}

#[tokio::test]
async fn a_login_travels_with_the_pods_that_need_it_and_with_no_others() {
    let bench = Bench::new().await;
    let owner = &bench.account;
    let lab = bench.engine.account_create("lab").await.unwrap().id;
    bench
        .engine
        .account_grant(&lab, TOP_UP_MIN, "first")
        .await
        .unwrap();
    login(&bench, owner, "ghcr.io", &known("ada", "hunter2")).await;
    login(&bench, &lab, "docker.io", &known("bob", "b0b")).await;

    let image = "ghcr.io/team/private:1";
    assert_eq!(
        names(carried(&bench, owner, image).await.as_ref()),
        Some(("ada", "hunter2"))
    );
    for image in ["ubuntu:24.04", "quay.io/ghcr.io/private:1", "host"] {
        assert_eq!(carried(&bench, owner, image).await, None, "{image}");
    }
    assert_eq!(carried(&bench, &lab, image).await, None);
    let hub = carried(&bench, &lab, "team/app:1").await;
    assert_eq!(names(hub.as_ref()), Some(("bob", "b0b")));

    // Nothing that is shown has a password.
    let logins = bench.engine.registry_logins(owner).await.unwrap();
    assert_eq!(logins.len(), 1);
    assert!(!format!("{logins:?}").contains("hunter2"));

    bench
        .engine
        .registry_logout(owner, &registry("ghcr.io"))
        .await
        .unwrap();
    assert_eq!(carried(&bench, owner, image).await, None);
    let again = bench
        .engine
        .registry_logout(owner, &registry("ghcr.io"))
        .await;
    assert!(matches!(again, Err(Error::LoginNotFound(_))), "{again:?}");
}

#[tokio::test]
async fn dockers_logins_serve_the_owner_alone() {
    let bench = Bench::new().await;
    let owner = &bench.account;
    let lab = bench.engine.account_create("lab").await.unwrap().id;
    bench
        .engine
        .account_grant(&lab, TOP_UP_MIN, "first")
        .await
        .unwrap();
    let config =
        r#"{"auths":{"https://index.docker.io/v1/":{"username":"ada","password":"d0cker"}}}"#;
    std::fs::write(bench.docker_config(), config).unwrap();
    let image = "team/private:1";
    assert_eq!(
        names(carried(&bench, owner, image).await.as_ref()),
        Some(("ada", "d0cker"))
    );
    assert_eq!(carried(&bench, owner, "ghcr.io/x/y:1").await, None);
    assert_eq!(carried(&bench, &lab, image).await, None);
    // A login of Livery's own is preferred.
    login(&bench, owner, "docker.io", &known("ada", "of-livery")).await;
    let found = carried(&bench, owner, image).await;
    assert_eq!(names(found.as_ref()), Some(("ada", "of-livery")));
}

#[tokio::test]
async fn a_broken_file_of_docker_ends_the_owners_pod_with_the_reason() {
    let bench = Bench::new().await;
    std::fs::write(bench.docker_config(), "{").unwrap();
    let mut new = bench.new_pod();
    new.image = "team/private:1".to_owned();
    let pod = bench.engine.pod_create(&bench.account, new).await.unwrap();
    let gone = ends_at(&bench, &bench.account, &pod, Phase::Terminated).await;
    assert_eq!(gone.failure, Some(PodFailure::Final));
    let reason = gone.reason.unwrap();
    assert!(reason.contains("broken at line 1"), "{reason}");
    assert_eq!(bench.host.created(), 0);
}

#[tokio::test]
async fn credentials_that_cannot_be_used_are_refused() {
    let bench = Bench::new().await;
    for (username, password) in [("", "x"), ("a:b", "x"), ("ada", "")] {
        let login = known(username, password);
        let login = bench
            .engine
            .registry_login(&bench.account, RegistryName::default(), &login);
        let refused = login.await;
        assert!(matches!(refused, Err(Error::Registry(_))), "{refused:?}");
    }
    for number in 0..100 {
        login(
            &bench,
            &bench.account,
            &format!("r{number}.example"),
            &known("a", "b"),
        )
        .await;
    }
    let more = known("a", "b");
    let refused = bench
        .engine
        .registry_login(&bench.account, registry("more.example"), &more);
    assert!(matches!(refused.await, Err(Error::Registry(_))));
    // What is there can still be replaced.
    login(&bench, &bench.account, "r1.example", &known("a", "c")).await;
}
