//! Keeping, listing and throwing out.

use std::collections::HashSet;
use std::fs;
use std::os::unix::fs::MetadataExt as _;

use livery_images::{Error, Images, Options, Registries, Root};
use livery_units::Timestamp;

use crate::build::{Image, Layer, Packing};
use crate::support::{SmallDisk, Store, cannot_run, read};

/// After the beginning of time, and before any test.
const YESTERDAY: Timestamp = Timestamp::from_millis(1_000);
const END: Timestamp = Timestamp::from_millis(i64::MAX);

#[tokio::test]
async fn the_hosts_own_root_needs_nothing() {
    let store = Store::new();
    let host = store.prepare("host").await.unwrap();
    assert_eq!(host.root, Root::Host);
    store.assert_empty();
}

#[tokio::test]
async fn a_store_belongs_to_one_process_and_its_owner_alone() {
    let store = Store::new();
    let root = store.dir.path().join("images");
    let second = Images::open(Options {
        root: root.clone(),
        registries: Registries::default(),
    });
    assert!(matches!(second, Err(Error::InUse { .. })), "{second:?}");
    assert_eq!(fs::metadata(root).unwrap().mode() & 0o777, 0o700);
}

#[tokio::test]
async fn garbage_goes_and_what_is_used_stays() {
    if cannot_run() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let store = Store::new();
    let mut names = Vec::new();
    let mut layers = Vec::new();
    for tag in ["kept", "removed", "running"] {
        let at = dir.path().join(tag);
        let image = Image::new().layer(Layer::new().file(tag, b""), Packing::Plain);
        image.write_layout(&at, tag);
        let name = format!("oci:{}:{tag}", at.display());
        layers.extend_from_slice(store.prepare(&name).await.unwrap().layers());
        names.push(name);
    }
    // All but the first were last used long ago.
    let records = store.dir.path().join("images/images");
    for entry in fs::read_dir(records).unwrap() {
        let path = entry.unwrap().path();
        if !read(&path).contains(&names[0]) {
            let record = fs::File::options().write(true).open(&path).unwrap();
            record.set_modified(std::time::UNIX_EPOCH).unwrap();
        }
    }
    let in_use = HashSet::from([layers[2].clone()]);
    let gone = store.images.collect_garbage(in_use, YESTERDAY).await;
    assert_eq!(gone.unwrap(), Some(1));
    assert!(layers[0].is_dir() && !layers[1].exists() && layers[2].is_dir());

    // Nothing was used since the end of time.
    let gone = store.images.collect_garbage(HashSet::new(), END).await;
    assert_eq!(gone.unwrap(), Some(2));
    store.assert_empty();
}

#[tokio::test]
async fn an_image_whose_layer_was_lost_is_made_again() {
    if cannot_run() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let image = Image::new().layer(Layer::new().file("x", b""), Packing::Zstd);
    image.write_layout(dir.path(), "v");
    let store = Store::new();
    let name = format!("oci:{}", dir.path().display());
    let first = store.prepare(&name).await.unwrap();
    fs::remove_dir_all(&first.layers()[0]).unwrap();
    assert_eq!(store.prepare(&name).await.unwrap(), first);
    assert!(first.layers()[0].join("x").is_file());
}

#[tokio::test]
async fn a_full_disk_is_said_and_left_as_it_was() {
    if cannot_run() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    // Small on its way and large when unpacked, so that only the writing finds out; and large on
    // its way, which is refused beforehand.
    let swelling = Image::new().layer(Layer::new().file("zeros", &[0; 4 << 20]), Packing::Gzip);
    let large = Image::new().layer(Layer::new().file("zeros", &[0; 4 << 20]), Packing::Plain);
    let disk = SmallDisk::mount();
    let store = Store::at(disk.path());
    for (name, image) in [("swelling", swelling), ("large", large)] {
        let at = dir.path().join(name);
        image.write_layout(&at, "x");
        let full = store.prepare(&format!("oci:{}", at.display())).await;
        assert!(
            matches!(full, Err(Error::DiskFull { .. })),
            "{name}: {full:?}"
        );
        store.assert_empty();
    }
    let small = Image::new().layer(Layer::new().file("ok", b"ok"), Packing::Plain);
    let at = dir.path().join("small");
    small.write_layout(&at, "x");
    store
        .prepare(&format!("oci:{}", at.display()))
        .await
        .unwrap();
}
