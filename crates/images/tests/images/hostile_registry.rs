//! Registries that send more, or something else, than they should.

use livery_images::{Error, Prepared};
use serde_json::json;

use crate::build::{Image, Layer, Packing, Parts, digest, sample};
use crate::scripted::{Heard, Said, Scripted};
use crate::support::{PASSWORD, Store, cannot_run, credentials};

static BLANKS: [u8; 1 << 16] = [b' '; 1 << 16];

/// Pulls from a registry that does as it is told, which must fail in a few printable words.
async fn refused(answer: impl Fn(&Heard) -> Said + Send + Sync + 'static) -> Error {
    let registry = Scripted::start(answer);
    let store = Store::new();
    let outcome: Result<Prepared, Error> = store.prepare(&registry.name("app:1")).await;
    store.assert_no_image();
    let error = outcome.unwrap_err();
    let text = error.to_string();
    assert!(text.chars().count() < 1_000, "{text}");
    assert!(!text.contains(livery_units::text::is_control), "{text}");
    error
}

/// The sample with its manifest changed.
fn with_manifest(change: impl FnOnce(&mut serde_json::Value)) -> Parts {
    let mut parts = sample().parts();
    change(&mut parts.manifest);
    parts
}

#[tokio::test]
async fn documents_without_end_are_given_up() {
    let error = refused(|_| Said::endless("200 OK", &BLANKS)).await;
    assert!(
        error.to_string().contains("more than 4194304 bytes"),
        "{error}"
    );

    // A configuration is read as far as the manifest says, and no further.
    let parts = sample().parts();
    let config = parts.manifest["config"]["digest"]
        .as_str()
        .unwrap()
        .to_owned();
    let error = refused(move |heard| match heard.path.ends_with(&config) {
        true => Said::endless("200 OK", &BLANKS),
        false => parts.answer(heard),
    })
    .await;
    assert!(
        error.to_string().contains("answers with more than"),
        "{error}"
    );
    let parts = with_manifest(|manifest| manifest["config"]["size"] = json!(1_u64 << 32));
    let error = refused(move |heard| parts.answer(heard)).await;
    assert!(
        error
            .to_string()
            .contains("its configuration has more than"),
        "{error}"
    );
}

#[tokio::test]
async fn errors_of_any_length_are_short_words() {
    let text = [b"\x1b[31m\xe2\x80\xaered ".as_slice(), &[b'x'; 1 << 16]].concat();
    let error = refused(move |_| Said::endless("500 Internal Server Error", &text)).await;
    assert!(error.to_string().contains("red xxx"), "{error}");
    let problem = json!({"errors": [{"code": "OTHER", "message": "\u{1b}]0;title\u{7} no"}]});
    let problem = problem.to_string().into_bytes();
    let error = refused(move |_| Said {
        body: problem.clone(),
        ..Said::status("418 I'm a teapot")
    })
    .await;
    assert!(error.to_string().contains("418"), "{error}");
    // What a manifest says is repeated too.
    let parts = with_manifest(|manifest| {
        manifest["config"]["digest"] = json!(format!("sha256:\u{1b}[31m{}", "é".repeat(1 << 20)));
    });
    refused(move |heard| parts.answer(heard)).await;
}

#[tokio::test]
async fn a_token_without_end_is_given_up() {
    let registry = Scripted::start(|heard| match heard.path.starts_with("/token") {
        true => Said::endless("200 OK", &BLANKS),
        false => {
            Said::status("401 Unauthorized").header("www-authenticate", "Bearer realm=\"/token\"")
        }
    });
    let store = Store::new();
    let error = store.prepare(&registry.name("app:1")).await.unwrap_err();
    assert!(
        error.to_string().contains("answers with more than"),
        "{error}"
    );
}

#[tokio::test]
async fn a_layer_is_as_long_as_its_manifest_says() {
    if cannot_run() {
        return;
    }
    let parts = sample().parts();
    let layer = parts.manifest["layers"][0]["digest"]
        .as_str()
        .unwrap()
        .to_owned();
    // With its length in the headers and without.
    for endless in [true, false] {
        let (parts, layer) = (sample().parts(), layer.clone());
        let error = refused(move |heard| match (heard.path.ends_with(&layer), endless) {
            (true, true) => Said::endless("200 OK", &parts.blobs[&layer]),
            (true, false) => Said::ok([parts.blobs[&layer].as_slice(), b"more"].concat()),
            (false, _) => parts.answer(heard),
        })
        .await;
        assert!(matches!(error, Error::Corrupt { .. }), "{error:?}");
    }
    for size in [1_u64, 1 << 30] {
        let parts = with_manifest(|manifest| manifest["layers"][0]["size"] = json!(size));
        let error = refused(move |heard| parts.answer(heard)).await;
        assert!(matches!(error, Error::Corrupt { .. }), "{error:?}");
    }
    // More than there can be, also in sum.
    let parts = with_manifest(|manifest| {
        manifest["layers"][0]["size"] = json!(i64::MAX);
        manifest["layers"][1]["size"] = json!(i64::MAX);
    });
    let error = refused(move |heard| parts.answer(heard)).await;
    assert!(matches!(error, Error::DiskFull { .. }), "{error:?}");
}

#[tokio::test]
async fn there_is_a_most_to_layers_and_a_least() {
    for (count, wanted) in [(501, "500 are the most"), (0, "no layers")] {
        let mut parts = Image::new().parts();
        let layer = json!({
            "mediaType": "application/vnd.oci.image.layer.v1.tar",
            "digest": digest(b""), "size": 0
        });
        parts.manifest["layers"] = vec![layer; count].into();
        let mut config = Image::new().config;
        config["rootfs"] = json!({"type": "layers", "diff_ids": vec![digest(b""); count]});
        let config = config.to_string().into_bytes();
        parts.manifest["config"]["digest"] = json!(digest(&config));
        parts.manifest["config"]["size"] = json!(config.len());
        parts.blobs.insert(digest(&config), config);
        let error = refused(move |heard| parts.answer(heard)).await;
        assert!(error.to_string().contains(wanted), "{error}");
    }
}

#[tokio::test]
async fn what_unpacks_to_more_than_there_is_room_for_is_refused() {
    if cannot_run() {
        return;
    }
    // A tar of nothing is over at once, and then goes on for longer than any padding.
    let bomb = vec![0; 64 << 20];
    let image = Image::new().raw_layer(bomb, Packing::Zstd);
    let parts = image.parts();
    let error = refused(move |heard| parts.answer(heard)).await;
    assert!(error.to_string().contains("after its end"), "{error}");
}

#[tokio::test]
async fn an_image_of_another_machine_a_wrong_content_and_a_missing_layer_are_said() {
    if cannot_run() {
        return;
    }
    let mut other = sample();
    other.config["architecture"] = json!("s390x");
    let parts = other.parts();
    let error = refused(move |heard| parts.answer(heard)).await;
    assert!(matches!(error, Error::NoPlatform { .. }), "{error:?}");

    let lie = Image::new()
        .layer(Layer::new().file("a", b"x"), Packing::Gzip)
        .with_diff_ids(&[&digest(b"something else")]);
    let parts = lie.parts();
    let error = refused(move |heard| parts.answer(heard)).await;
    assert!(matches!(error, Error::Corrupt { .. }), "{error:?}");

    let mut parts = sample().parts();
    let layer = parts.manifest["layers"][1]["digest"]
        .as_str()
        .unwrap()
        .to_owned();
    parts.blobs.remove(&layer);
    let error = refused(move |heard| parts.answer(heard)).await;
    assert!(matches!(error, Error::NotFound { .. }), "{error:?}");
}

#[tokio::test]
async fn a_registry_that_repeats_a_password_does_not_get_it_into_an_error() {
    let registry = Scripted::start(|heard| match &heard.authorization {
        None => Said::status("401 Unauthorized").header("www-authenticate", "Basic realm=x"),
        Some(shown) => Said {
            body: format!("you sent {shown} for {PASSWORD}").into_bytes(),
            ..Said::status("500 Internal Server Error")
        },
    });
    let store = Store::new();
    let known = credentials(PASSWORD);
    let outcome = store
        .prepare_as(&registry.name("app:1"), Some(&known))
        .await;
    let text = outcome.unwrap_err().to_string();
    assert!(text.contains("you sent Basic *** for ***"), "{text}");
}
