//! Where pulls lead, and what they carry along: the images of other accounts must not make this
//! machine talk to itself or to its neighbours, and nobody but the registry sees a password.

use livery_images::{Error, Registries};

use crate::build::sample;
use crate::scripted::{Said, Scripted};
use crate::support::{PASSWORD, Store, allowing, cannot_run, credentials, stranger};

#[tokio::test]
async fn other_accounts_do_not_reach_this_machine_by_any_name() {
    let registry = Scripted::with(&sample());
    let store = Store::new();
    let port = registry.port;
    for host in [
        "127.0.0.1",
        "localhost",
        "127.1",
        "2130706433.",
        "127.0.0.1.nip.io",
    ] {
        let name = format!("{host}:{port}/app:1");
        let outcome = store.prepare_for(&name, &stranger(1, None)).await;
        assert!(outcome.is_err(), "{name}");
    }
    let named = registry.name("app:1");
    let error = store
        .prepare_for(&named, &stranger(1, None))
        .await
        .unwrap_err();
    assert!(
        matches!(error, Error::ForbiddenRegistry { .. }),
        "{error:?}"
    );
    assert!(error.to_string().contains("--registry-allow"), "{error}");
    assert_eq!(registry.asked(), [""; 0]);
}

#[tokio::test]
async fn what_the_owner_allowed_is_reached() {
    if cannot_run() {
        return;
    }
    let registry = Scripted::with(&sample());
    let store = Store::with(allowing(&[registry.host()]));
    let name = registry.name("app:1");
    store.prepare_for(&name, &stranger(1, None)).await.unwrap();
}

/// Every hop that a registry can make somebody else's pull take to a server that the owner did not
/// allow.
#[tokio::test]
async fn no_hop_leads_other_accounts_to_this_machine() {
    let inner = Scripted::with(&sample());
    let secret = format!("http://{}/latest/meta-data", inner.host());
    let parts = sample().parts();
    let config = parts.manifest["config"]["digest"]
        .as_str()
        .unwrap()
        .to_owned();
    let (manifest_hop, realm_hop, blob_hop) = (secret.clone(), secret.clone(), secret.clone());
    let registries = [
        Scripted::start(move |_| Said::redirect(manifest_hop.clone())),
        Scripted::start(move |_| {
            let challenge = format!("Bearer realm=\"{realm_hop}\"");
            Said::status("401 Unauthorized").header("www-authenticate", challenge)
        }),
        Scripted::start(move |heard| match heard.path.ends_with(&config) {
            true => Said::redirect(blob_hop.clone()),
            false => parts.answer(heard),
        }),
    ];
    for (hop, registry) in registries.iter().enumerate() {
        let store = Store::with(allowing(&[registry.host()]));
        let name = registry.name("app:1");
        let outcome = store.prepare_for(&name, &stranger(1, None)).await;
        assert!(
            matches!(outcome, Err(Error::ForbiddenRegistry { .. })),
            "{hop}: {outcome:?}"
        );
        assert!(!registry.asked().is_empty(), "{hop}");
        assert_eq!(inner.asked(), [""; 0], "{hop}");
        // The owner may go there.
        assert!(store.prepare(&name).await.is_err(), "{hop}");
        assert!(!inner.asked().is_empty(), "{hop}");
        inner.forget();
    }
}

#[tokio::test]
async fn redirects_in_circles_end() {
    let registry = Scripted::start(|heard| Said::redirect(heard.path.clone()));
    let error = Store::new()
        .prepare(&registry.name("app:1"))
        .await
        .unwrap_err();
    assert!(
        error.to_string().contains("leads on more than 5 times"),
        "{error}"
    );
}

#[tokio::test]
async fn only_the_registry_sees_the_password() {
    if cannot_run() {
        return;
    }
    let parts = sample().parts();
    let storage = Scripted::with(&sample());
    let elsewhere = storage.host();
    let registry = Scripted::start(move |heard| {
        if heard.authorization.is_none() {
            return Said::status("401 Unauthorized").header("www-authenticate", "Basic realm=x");
        }
        match heard.path.contains("/blobs/") {
            true => Said::redirect(format!("http://{elsewhere}{}", heard.path)),
            false => parts.answer(heard),
        }
    });
    let store = Store::new();
    let known = credentials(PASSWORD);
    store
        .prepare_as(&registry.name("app:1"), Some(&known))
        .await
        .unwrap();
    assert!(
        registry
            .heard()
            .iter()
            .any(|heard| heard.authorization.is_some())
    );
    assert_eq!(storage.heard().len(), 3);
    assert!(
        storage
            .heard()
            .iter()
            .all(|heard| heard.authorization.is_none())
    );
}

#[tokio::test]
async fn a_token_is_fetched_once_and_its_server_gets_the_password_only_when_that_is_safe() {
    if cannot_run() {
        return;
    }
    // Tokens of the registry's own server.
    let parts = sample().parts();
    let registry = Scripted::start(move |heard| {
        if heard.path.starts_with("/token?") {
            return Said::ok(br#"{"token":"t0ken"}"#.to_vec());
        }
        match heard.authorization.as_deref() {
            Some("Bearer t0ken") => parts.answer(heard),
            Some(_) | None => Said::status("401 Unauthorized").header(
                "www-authenticate",
                "Bearer realm=\"/token?a=b\",service=\"here\",scope=\"repository:app:pull\"",
            ),
        }
    });
    let known = credentials(PASSWORD);
    let store = Store::new();
    store
        .prepare_as(&registry.name("app:1"), Some(&known))
        .await
        .unwrap();
    let tokens: Vec<_> = registry
        .heard()
        .into_iter()
        .filter(|heard| heard.path.starts_with("/token"))
        .collect();
    let [asked] = &tokens[..] else {
        panic!("{tokens:?}");
    };
    assert_eq!(
        asked.path,
        "/token?a=b&scope=repository%3Aapp%3Apull&service=here"
    );
    assert!(asked.authorization.as_ref().unwrap().starts_with("Basic "));

    // Another server, in the clear.
    let other = Scripted::start(|_| Said::ok(br#"{"token":"t0ken"}"#.to_vec()));
    let realm = format!("Bearer realm=\"http://{}/token\"", other.host());
    let registry = Scripted::start(move |_| {
        Said::status("401 Unauthorized").header("www-authenticate", realm.clone())
    });
    let outcome = store
        .prepare_as(&registry.name("app:1"), Some(&known))
        .await;
    let text = outcome.unwrap_err().to_string();
    assert!(text.contains("not encrypted"), "{text}");
    assert_eq!(other.asked(), [""; 0]);
    // Without a password there is nothing to keep.
    let outcome = store.prepare(&registry.name("app:1")).await;
    assert!(
        matches!(outcome, Err(Error::Unauthorized { .. })),
        "{outcome:?}"
    );
    assert_eq!(other.heard()[0].authorization, None);
}

#[tokio::test]
async fn mirrors_of_docker_hub_are_asked_in_order_and_are_not_told_who_asks() {
    if cannot_run() {
        return;
    }
    let (broken, mirror) = (
        Scripted::start(|_| Said::status("500 Internal Server Error")),
        Scripted::with(&sample()),
    );
    let mirrors = [
        "http://127.0.0.1:1".to_owned(),
        broken.host(),
        mirror.host(),
    ];
    let url = |host: &String| match host.starts_with("http") {
        true => host.clone(),
        false => format!("http://{host}"),
    };
    let store = Store::with(Registries {
        mirrors: mirrors
            .iter()
            .map(|host| url(host).parse().unwrap())
            .collect(),
        ..Registries::default()
    });
    let known = credentials(PASSWORD);
    // The owner's mirrors serve everybody, wherever they are.
    let prepared = store
        .prepare_for("busybox:1", &stranger(1, Some(&known)))
        .await
        .unwrap();
    assert_eq!(prepared.layers().len(), 2);
    assert_eq!(broken.asked(), ["GET /v2/library/busybox/manifests/1"]);
    let heard = mirror.heard();
    assert_eq!(heard[0].path, "/v2/library/busybox/manifests/1");
    assert!(heard.iter().all(|one| one.authorization.is_none()));
    // Other registries have no mirrors.
    let registry = Scripted::with(&sample());
    store.prepare(&registry.name("app:1")).await.unwrap();
    assert_eq!(mirror.heard().len(), heard.len());
}
