//! Blobs in and out.

use std::fs;
use std::thread;

use livery_content::{Compression, ContentError, Frame, RelPath, hash_bytes};
use livery_units::Span;

use crate::support::{noise, object, one_of_everything, open, send, take_all, temp};

#[test]
fn blobs_of_all_sizes_come_back_from_any_thread_and_after_reopening() {
    let dir = temp();
    let blobs: Vec<Vec<u8>> = [0, 1, 255, 256, 65_535, 65_536, 65_537, 3 << 20]
        .into_iter()
        .flat_map(|len| [noise(len as u64, len), b"text ".repeat(len / 5 + 1)])
        .collect();
    let store = open(dir.path());
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for blob in &blobs {
                    store.put(blob).unwrap();
                }
            });
        }
    });
    let names: Vec<_> = blobs.iter().map(|blob| hash_bytes(blob)).collect();
    for _ in 0..2 {
        for (name, blob) in names.iter().zip(&blobs) {
            assert_eq!(store.get(name).unwrap(), blob);
            assert_eq!(store.get_frame(name).unwrap().unpack().unwrap(), blob);
        }
    }
    drop(store);
    let store = open(dir.path());
    let absent = hash_bytes(b"absent");
    let mut asked = names.clone();
    asked.extend([absent, absent]);
    assert_eq!(store.missing(&asked), [absent]);
    assert!(matches!(
        store.get(&absent),
        Err(ContentError::Missing { .. })
    ));
    for (name, blob) in names.iter().zip(&blobs) {
        assert_eq!(store.get(name).unwrap(), blob);
    }
}

#[test]
fn a_frame_that_is_not_what_it_says_is_refused() {
    let dir = temp();
    let store = open(dir.path());
    let name = hash_bytes(b"this");
    let frame = Frame::pack(name, b"that".to_vec().into(), Compression::Never).unwrap();
    let result = store.put_frame(&frame);
    assert!(matches!(result, Err(ContentError::HashMismatch { .. })));
    assert!(!store.contains(&name));
}

#[test]
fn a_store_has_one_owner_and_a_foreign_directory_is_refused() {
    let dir = temp();
    let store = open(dir.path());
    let again = livery_content::ContentStore::open(dir.path(), Compression::Never);
    let error = again.unwrap_err().to_string();
    assert!(error.contains(&std::process::id().to_string()), "{error}");
    drop(store);
    drop(open(dir.path()));
    fs::write(dir.path().join("state"), "something else\n").unwrap();
    let foreign = livery_content::ContentStore::open(dir.path(), Compression::Never);
    assert!(matches!(foreign, Err(ContentError::NotAStore { .. })));
}

#[test]
fn a_sweep_keeps_trees_and_drops_the_rest() {
    let (from, dir) = (temp(), temp());
    one_of_everything(from.path());
    let store = open(dir.path());
    let kept = send(&take_all(from.path()).unwrap(), &store);
    let rest: Vec<_> = (100..400_u64)
        .map(|n| store.put(&noise(n, 2_000)).unwrap())
        .chain([store.put(&noise(7, 200_000)).unwrap()])
        .collect();
    let gone = hash_bytes(b"a tree that never came");

    let young = store.gc(&[kept, gone], Span::from_secs(3_600)).unwrap();
    assert_eq!(young.dropped_blobs, 0);
    assert_eq!(young.unreadable_trees, [gone]);
    assert_eq!(store.missing(&rest), []);
    let swept = store.gc(&[kept], Span::ZERO).unwrap();
    assert_eq!(swept.dropped_blobs, rest.len() as u64);
    assert!(swept.freed_bytes > 800_000);

    drop(store);
    let store = open(dir.path());
    assert_eq!(store.missing(&rest).len(), rest.len());
    assert_eq!(store.tree_missing(&kept).unwrap(), []);
    let blobs = store.tree_blobs(&kept).unwrap();
    assert_eq!(store.verify(&blobs).unwrap(), []);
}

#[test]
fn a_tree_that_lies_about_a_length_is_not_written() {
    let (from, dir, to) = (temp(), temp(), temp());
    fs::write(from.path().join("a"), noise(3, 100_000)).unwrap();
    let store = open(dir.path());
    let tree = take_all(from.path()).unwrap();
    send(&tree, &store);
    let mut entries = tree.manifest.entries().to_vec();
    let name = RelPath::new("a").unwrap();
    assert_eq!(entries[0].path, name);
    let livery_content::Kind::File { size, chunks } = &mut entries[0].kind else {
        panic!("a file was expected");
    };
    *size += 1;
    assert!(object(dir.path(), &chunks[0]).is_file());
    let lie = livery_content::Manifest::new(entries).unwrap();
    let error = crate::support::place(&store, &lie, to.path(), "in").unwrap_err();
    assert!(
        matches!(error, ContentError::InvalidManifest { .. }),
        "{error}"
    );
    assert!(!to.path().join("in/a").exists());
}
