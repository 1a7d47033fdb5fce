//! Layers that try to get out.

use std::fs;
use std::path::Path;

use livery_images::{Error, Prepared};
use tar::EntryType;

use crate::build::{Image, Layer, Packing};
use crate::support::{SmallDisk, Store, cannot_run, read};

async fn unpack(layer: Layer) -> (Store, Result<Prepared, Error>) {
    let dir = tempfile::tempdir().unwrap();
    let image = Image::new().layer(layer, Packing::Plain);
    image.write_layout(dir.path(), "x");
    let store = Store::new();
    let outcome = store
        .prepare(&format!("oci:{}", dir.path().display()))
        .await;
    (store, outcome)
}

#[tokio::test]
async fn climbing_entries_are_refused_and_leave_nothing() {
    if cannot_run() {
        return;
    }
    let climbing = [
        Layer::new().file("../escaped", b"x"),
        Layer::new().dir("a/").file("a/../../escaped", b"x"),
        Layer::new()
            .file("a", b"")
            .hard_link("b", "../../../etc/passwd"),
        Layer::new().file(".wh...", b""),
    ];
    for (number, layer) in climbing.into_iter().enumerate() {
        let (store, outcome) = unpack(layer).await;
        assert!(
            matches!(outcome, Err(Error::UnsafeEntry { .. })),
            "{number}: {outcome:?}"
        );
        store.assert_empty();
    }
}

#[tokio::test]
async fn an_image_without_layers_is_refused() {
    if cannot_run() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let (layout, archive) = (dir.path().join("layout"), dir.path().join("saved.tar"));
    Image::new().write_layout(&layout, "x");
    Image::new().write_archive(&archive, "x");
    let store = Store::new();
    for image in [
        format!("oci:{}", layout.display()),
        format!("docker-archive:{}", archive.display()),
    ] {
        let error = store.prepare(&image).await.unwrap_err();
        assert!(matches!(error, Error::BadImage { .. }), "{error:?}");
        assert!(error.to_string().contains("no layers"), "{error}");
        store.assert_empty();
    }
}

#[tokio::test]
async fn links_lead_nowhere_but_into_the_layer() {
    if cannot_run() {
        return;
    }
    let outside = tempfile::tempdir().unwrap();
    let target = outside.path().display().to_string();
    // The link's target is looked up inside the layer, where it does not exist.
    let (store, outcome) = unpack(Layer::new().symlink("out", &target).file("out/x", b"x")).await;
    assert!(outcome.is_err(), "{outcome:?}");
    store.assert_empty();

    // And with a directory of that name in the layer, that is where things go.
    let inner = target.trim_start_matches('/').to_owned();
    let layer = Layer::new()
        .dir(&format!("{inner}/"))
        .symlink("out", &target)
        .file("out/x", b"x")
        .symlink("up", "../../../../../../../..")
        .file("up/y", b"y");
    let (_store, outcome) = unpack(layer).await;
    let root = outcome.unwrap().layers()[0].clone();
    assert_eq!(read(&root.join(&inner).join("x")), "x");
    assert_eq!(read(&root.join("y")), "y");
    assert!(fs::read_dir(outside.path()).unwrap().next().is_none());
}

#[tokio::test]
async fn hard_links_to_the_hosts_files_are_impossible() {
    if cannot_run() {
        return;
    }
    let (store, outcome) = unpack(Layer::new().hard_link("passwd", "/etc/passwd")).await;
    assert!(outcome.is_err(), "{outcome:?}");
    store.assert_empty();
    let layer = Layer::new()
        .symlink("etc", "/etc")
        .hard_link("passwd", "etc/passwd");
    let (store, outcome) = unpack(layer).await;
    assert!(outcome.is_err(), "{outcome:?}");
    store.assert_empty();
}

#[tokio::test]
async fn a_file_replaces_a_link_instead_of_writing_through_it() {
    if cannot_run() {
        return;
    }
    let outside = tempfile::tempdir().unwrap();
    let victim = outside.path().join("victim");
    fs::write(&victim, "untouched").unwrap();
    let layer = Layer::new()
        .symlink("file", &victim.display().to_string())
        .file("file", b"new");
    let (_store, outcome) = unpack(layer).await;
    let root = outcome.unwrap().layers()[0].clone();
    assert!(fs::symlink_metadata(root.join("file")).unwrap().is_file());
    assert_eq!(read(&victim), "untouched");
}

#[tokio::test]
async fn later_entries_win_whatever_was_there() {
    if cannot_run() {
        return;
    }
    let layer = Layer::new()
        .dir("thing/")
        .file("thing/below", b"x")
        .file("thing", b"a file now")
        .file("other", b"x")
        .dir("other/")
        .file("other/below", b"y")
        .file("/absolute", b"z")
        .file("./dotted/made-on-the-way", b"w");
    let (_store, outcome) = unpack(layer).await;
    let root = outcome.unwrap().layers()[0].clone();
    assert_eq!(read(&root.join("thing")), "a file now");
    assert_eq!(read(&root.join("other/below")), "y");
    assert_eq!(read(&root.join("absolute")), "z");
    assert_eq!(read(&root.join("dotted/made-on-the-way")), "w");
}

#[tokio::test]
async fn directories_of_any_depth_are_thrown_away() {
    if cannot_run() {
        return;
    }
    // Each link leads to the end of what was made through the one before it.
    const STEPS: usize = 12;
    let step = "/a".repeat(2_000);
    let mut layer = Layer::new().dir("0");
    for number in 1..STEPS {
        let end = format!("{}{step}", number - 1);
        layer = layer.long("path", &end).dir("x");
        layer = layer
            .long("linkpath", &end)
            .symlink(&number.to_string(), "x");
    }
    let dir = tempfile::tempdir().unwrap();
    let image = Image::new().layer(layer.file("0", b"a file now"), Packing::Gzip);
    image.write_layout(dir.path(), "x");
    // In memory: some disks take milliseconds for each directory.
    let disk = SmallDisk::mount();
    let store = Store::at(disk.path());
    let outcome = store
        .prepare(&format!("oci:{}", dir.path().display()))
        .await;
    let root = outcome.unwrap().layers()[0].clone();
    assert_eq!(read(&root.join("0")), "a file now");
    assert_eq!(store.names("scratch"), Vec::<String>::new());
}

#[tokio::test]
async fn attributes_that_steer_overlayfs_do_not_get_in() {
    if cannot_run() {
        return;
    }
    let layer = Layer::new()
        .xattr("trusted.overlay.redirect", b"/etc")
        .entry("dir/", EntryType::Directory, 0o755, "", b"")
        .xattr("user.plain", b"fine")
        .file("dir/file", b"");
    let (_store, outcome) = unpack(layer).await;
    let root = outcome.unwrap().layers()[0].clone();
    assert!(!has_xattr(&root.join("dir"), "trusted.overlay.redirect"));
    assert!(has_xattr(&root.join("dir/file"), "user.plain"));
}

#[tokio::test]
async fn endless_headers_are_not_taken_into_memory() {
    if cannot_run() {
        return;
    }
    let layer = Layer::new()
        .xattr("user.endless", &vec![b'x'; 17 << 20])
        .file("file", b"");
    let (store, outcome) = unpack(layer).await;
    let error = outcome.unwrap_err().to_string();
    assert!(error.contains("absurdly long"), "{error}");
    store.assert_empty();
}

#[tokio::test]
async fn a_layout_cannot_name_files_outside_it() {
    if cannot_run() {
        return;
    }
    let (dir, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let image = Image::new().layer(Layer::new().file("a", b"x"), Packing::Plain);
    image.write_layout(dir.path(), "x");
    let blobs = dir.path().join("blobs/sha256");
    for entry in fs::read_dir(&blobs).unwrap() {
        let entry = entry.unwrap();
        let moved = outside.path().join(entry.file_name());
        fs::copy(entry.path(), &moved).unwrap();
        fs::remove_file(entry.path()).unwrap();
        std::os::unix::fs::symlink(&moved, entry.path()).unwrap();
    }
    let store = Store::new();
    let error = store
        .prepare(&format!("oci:{}", dir.path().display()))
        .await
        .unwrap_err()
        .to_string();
    assert!(error.contains("leads out"), "{error}");
    store.assert_empty();
}

fn has_xattr(path: &Path, name: &str) -> bool {
    rustix::fs::getxattr(path, name, &mut [0_u8; 64]).is_ok()
}
