//! OCI layouts and `docker save` archives.

use std::fs;
use std::io::Write as _;

use livery_images::Error;
use serde_json::json;

use crate::build::{Image, Layer, Packing, sample};
use crate::support::{Store, cannot_run, read};

#[tokio::test]
async fn a_layout_is_read_with_its_tag_and_without() {
    if cannot_run() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    sample().write_layout(dir.path(), "v1");
    let store = Store::new();
    let at = dir.path().display();
    let named = store.prepare(&format!("oci:{at}:v1")).await.unwrap();
    let only = store.prepare(&format!("oci:{at}")).await.unwrap();
    assert_eq!(named, only);
    assert_eq!(read(&named.layers()[1].join("cache/fresh")), "fresh");
    let missing = store.prepare(&format!("oci:{at}:v2")).await.unwrap_err();
    assert!(missing.to_string().contains("there is v1"), "{missing}");
}

#[tokio::test]
async fn a_saved_archive_is_read_plain_and_compressed() {
    if cannot_run() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let plain = dir.path().join("app.tar");
    sample().write_archive(&plain, "team/app:1");
    let packed = dir.path().join("app.tar.gz");
    let mut encoder = flate2::write::GzEncoder::new(
        fs::File::create(&packed).unwrap(),
        flate2::Compression::fast(),
    );
    encoder.write_all(&fs::read(&plain).unwrap()).unwrap();
    encoder.finish().unwrap();

    let store = Store::new();
    let (plain, packed) = (plain.display(), packed.display());
    let first = store
        .prepare(&format!("docker-archive:{plain}"))
        .await
        .unwrap();
    for name in [
        format!("{plain}"),
        format!("{packed}"),
        format!("docker-archive:{plain}:team/app:1"),
    ] {
        assert_eq!(store.prepare(&name).await.unwrap(), first, "{name}");
    }
    assert_eq!(first.config.cmd, ["--serve"]);
    assert_eq!(read(&first.layers()[0].join("data/keep")), "keep");
    assert_eq!(store.names("scratch"), Vec::<String>::new());
    let missing = store
        .prepare(&format!("docker-archive:{plain}:other:1"))
        .await;
    assert!(
        matches!(missing, Err(Error::NotFound { .. })),
        "{missing:?}"
    );
}

#[tokio::test]
async fn images_share_layers() {
    if cannot_run() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let base = || Layer::new().file("base", b"base");
    let one = Image::new().layer(base(), Packing::Gzip);
    let two = Image::new()
        .layer(base(), Packing::Zstd)
        .layer(Layer::new().file("top", b"top"), Packing::Plain);
    assert_eq!(one.diff_ids()[0], two.diff_ids()[0]);
    let (a, b) = (dir.path().join("a"), dir.path().join("b"));
    one.write_layout(&a, "x");
    two.write_layout(&b, "x");
    let store = Store::new();
    let one = store
        .prepare(&format!("oci:{}", a.display()))
        .await
        .unwrap();
    let two = store
        .prepare(&format!("oci:{}", b.display()))
        .await
        .unwrap();
    assert_eq!(one.layers()[0], two.layers()[0]);
    assert_eq!(store.names("layers").len(), 2);
}

#[tokio::test]
async fn a_repeated_layer_is_laid_once_where_it_is_topmost() {
    if cannot_run() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let repeated = || Layer::new().file("file", b"x");
    Image::new()
        .layer(repeated(), Packing::Gzip)
        .layer(Layer::new().file(".wh.file", b""), Packing::Plain)
        .layer(repeated(), Packing::Gzip)
        .write_layout(dir.path(), "x");
    let store = Store::new();
    let image = format!("oci:{}", dir.path().display());
    let prepared = store.prepare(&image).await.unwrap();
    let [hiding, showing] = prepared.layers() else {
        panic!("two layers, lowest first: {prepared:?}");
    };
    assert!(fs::symlink_metadata(hiding.join("file")).is_ok_and(|found| !found.is_file()));
    assert!(showing.join("file").is_file());
}

#[tokio::test]
async fn an_image_for_another_machine_is_refused() {
    if cannot_run() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let mut foreign = sample();
    foreign.config["architecture"] = json!("s390x");
    foreign.write_layout(dir.path(), "v1");
    let archive = dir.path().join("foreign.tar");
    foreign.write_archive(&archive, "x:1");
    let store = Store::new();
    for name in [
        format!("oci:{}", dir.path().display()),
        archive.display().to_string(),
    ] {
        let refused = store.prepare(&name).await;
        assert!(
            matches!(&refused, Err(Error::NoPlatform { offered, .. }) if offered == "linux/s390x"),
            "{refused:?}"
        );
    }
    store.assert_empty();
}

#[tokio::test]
async fn what_is_no_image_is_told_apart() {
    if cannot_run() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let store = Store::new();
    let missing = store.prepare("/nonexistent/image.tar").await;
    assert!(
        matches!(missing, Err(Error::NotFound { .. })),
        "{missing:?}"
    );
    let missing = store.prepare("oci:/nonexistent").await;
    assert!(
        matches!(missing, Err(Error::NotFound { .. })),
        "{missing:?}"
    );
    let empty = store
        .prepare(&format!("oci:{}", dir.path().display()))
        .await;
    assert!(matches!(empty, Err(Error::BadImage { .. })), "{empty:?}");
    let text = dir.path().join("text.tar");
    fs::write(&text, "no tar at all".repeat(100)).unwrap();
    let bad = store.prepare(&text.display().to_string()).await;
    assert!(matches!(bad, Err(Error::BadImage { .. })), "{bad:?}");
}

#[tokio::test]
async fn a_damaged_layout_is_noticed() {
    if cannot_run() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let image = Image::new().layer(Layer::new().file("data", &[7; 5000]), Packing::Plain);
    image.write_layout(dir.path(), "v1");
    let blob = &image.blob_digests()[0]["sha256:".len()..];
    let path = dir.path().join("blobs/sha256").join(blob);
    let mut bytes = fs::read(&path).unwrap();
    bytes[1000] ^= 1;
    fs::write(&path, &bytes).unwrap();
    let store = Store::new();
    let name = format!("oci:{}", dir.path().display());
    let damaged = store.prepare(&name).await;
    assert!(matches!(damaged, Err(Error::Corrupt { .. })), "{damaged:?}");
    bytes[1000] ^= 1;
    bytes.truncate(3000);
    fs::write(&path, &bytes).unwrap();
    let cut = store.prepare(&name).await;
    assert!(matches!(cut, Err(Error::Corrupt { .. })), "{cut:?}");
    store.assert_empty();
}
