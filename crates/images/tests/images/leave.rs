//! Who may use layers that are here already.

use livery_images::Error;
use serde_json::json;

use crate::build::{Image, Layer, Packing, sample};
use crate::scripted::Scripted;
use crate::support::{
    Door, PASSWORD, Registry, Store, allowing, cannot_run, credentials, read, stranger,
};

fn private() -> Image {
    Image::new().layer(Layer::new().file("secret", b"of the owner"), Packing::Gzip)
}

#[tokio::test]
async fn a_private_image_that_is_here_is_for_who_may_pull_it() {
    let Some(registry) = Registry::start(Door::Locked) else {
        return;
    };
    let host = format!("127.0.0.1:{}", registry.port);
    let name = registry.name("private/app:1");
    let known = credentials(PASSWORD);
    let image = private();
    image.push(&name, Some(&known)).await;
    let store = Store::with(allowing(&[host]));
    let (ann, bob) = (stranger(1, Some(&known)), stranger(2, Some(&known)));
    let first = store.prepare_for(&name, &ann).await.unwrap();

    // Without a password, or with a wrong one, it is as if it were not here, under any name.
    let by_digest = format!("{}@{}", registry.name("private/app"), first.digest);
    for name in [&name, &by_digest] {
        for eve in [stranger(3, None), stranger(3, Some(&credentials("wrong")))] {
            let outcome = store.prepare_for(name, &eve).await;
            assert!(
                matches!(outcome, Err(Error::Unauthorized { .. })),
                "{outcome:?}"
            );
        }
    }
    let outcome = store.prepare(&name).await;
    assert!(
        matches!(outcome, Err(Error::Unauthorized { .. })),
        "{outcome:?}"
    );

    // Who may read the manifest gets the layer from here, and then nobody is asked any more.
    assert_eq!(store.prepare_for(&name, &bob).await.unwrap(), first);
    let blob = format!("/blobs/{}", image.blob_digests()[0]);
    assert_eq!(registry.count_in_log(&blob), 1);
    let requests = registry.count_in_log("/v2/");
    assert_eq!(store.prepare_for(&name, &bob).await.unwrap(), first);
    assert_eq!(store.prepare_for(&name, &ann).await.unwrap(), first);
    // A password is forgotten, and the image is still theirs: nothing is pulled.
    assert_eq!(
        store.prepare_for(&name, &stranger(1, None)).await.unwrap(),
        first
    );
    assert_eq!(registry.count_in_log("/v2/"), requests);
}

#[tokio::test]
async fn a_registry_of_ones_own_cannot_claim_the_layers_of_others() {
    if cannot_run() {
        return;
    }
    let victim = Scripted::with(&private());
    let hidden = private().parts();
    let layer = hidden.manifest["layers"][0]["digest"]
        .as_str()
        .unwrap()
        .to_owned();
    // It names the layer, says that it has it, and never sends it.
    let evil = {
        let mut parts = private().parts();
        parts.blobs.remove(&layer);
        let layer = layer.clone();
        Scripted::start(
            move |heard| match heard.method == "HEAD" && heard.path.ends_with(&layer) {
                true => parts.head(&layer),
                false => parts.answer(heard),
            },
        )
    };
    // It names bytes of its own and says that they unpack to the layer.
    let forged = Scripted::with(
        &Image::new()
            .layer(Layer::new().file("own", b"x"), Packing::Gzip)
            .with_diff_ids(&[&private().diff_ids()[0]]),
    );
    let store = Store::with(allowing(&[victim.host(), evil.host(), forged.host()]));
    let ann = stranger(1, None);
    let theirs = store
        .prepare_for(&victim.name("private:1"), &ann)
        .await
        .unwrap();

    let eve = stranger(2, None);
    for registry in [&evil, &forged] {
        let outcome = store.prepare_for(&registry.name("mine:1"), &eve).await;
        assert!(
            matches!(outcome, Err(Error::NotFound { .. } | Error::Corrupt { .. })),
            "{outcome:?}"
        );
    }
    // Not even after the owner was made to use it: it did not come from there.
    store.prepare(&evil.name("mine:1")).await.unwrap();
    let outcome = store.prepare_for(&evil.name("mine:1"), &eve).await;
    assert!(
        matches!(outcome, Err(Error::NotFound { .. })),
        "{outcome:?}"
    );
    assert_eq!(read(&theirs.layers()[0].join("secret")), "of the owner");
}

#[tokio::test]
async fn a_layer_of_the_same_registry_is_used_when_it_says_so() {
    if cannot_run() {
        return;
    }
    let shared = sample();
    let registry = Scripted::with(&shared);
    let store = Store::with(allowing(&[registry.host()]));
    store
        .prepare_for(&registry.name("ann/one:1"), &stranger(1, None))
        .await
        .unwrap();
    let fetched = |registry: &Scripted| {
        let asked = registry.asked();
        let layers = shared.blob_digests();
        let is_layer = |line: &&String| layers.iter().any(|layer| line.ends_with(layer.as_str()));
        let gets = |line: &&String| line.starts_with("GET") && is_layer(line);
        let heads = |line: &&String| line.starts_with("HEAD") && is_layer(line);
        (
            asked.iter().filter(gets).count(),
            asked.iter().filter(heads).count(),
        )
    };
    assert_eq!(fetched(&registry), (2, 0));
    // Another repository: the registry is asked whether the bytes are in there too.
    store
        .prepare_for(&registry.name("bob/two:1"), &stranger(2, None))
        .await
        .unwrap();
    assert_eq!(fetched(&registry), (2, 2));
    // Another registry has to send them.
    let other = Scripted::with(&shared);
    let store = Store::with(allowing(&[registry.host(), other.host()]));
    store
        .prepare_for(&registry.name("ann/one:1"), &stranger(1, None))
        .await
        .unwrap();
    store
        .prepare_for(&other.name("bob/two:1"), &stranger(2, None))
        .await
        .unwrap();
    assert_eq!(fetched(&other), (2, 0));
    assert_eq!(store.names("layers").len(), 2, "kept once");
}

#[tokio::test]
async fn sizes_are_checked_also_of_what_is_here() {
    if cannot_run() {
        return;
    }
    let honest = Scripted::with(&sample());
    let mut parts = sample().parts();
    parts.manifest["layers"][0]["size"] = json!(7);
    let liar = Scripted::start(move |heard| parts.answer(heard));
    let store = Store::new();
    store.prepare(&honest.name("app:1")).await.unwrap();
    let outcome = store.prepare(&liar.name("app:1")).await;
    assert!(matches!(outcome, Err(Error::Corrupt { .. })), "{outcome:?}");
}
