//! Scan, send, write, scan again: the same tree comes out.

use std::ffi::OsStr;
use std::fs;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt};
use std::path::Path;

use livery_content::{CHUNK_LEN, Halt, Kind, Owner, RelPath, Target, materialise};
use proptest::prelude::*;

use crate::support::{noise, object, one_of_everything, open, place, send, take_all, temp};

#[test]
fn a_tree_arrives_as_it_was() {
    let (from, store_dir, to) = (temp(), temp(), temp());
    one_of_everything(from.path());
    let bad_name = from.path().join(OsStr::from_bytes(b"not \xff utf8"));
    fs::write(bad_name, "bytes").unwrap();
    let before = take_all(from.path()).unwrap();
    let store = open(store_dir.path());
    let root = send(&before, &store);
    let manifest = store.tree(&root).unwrap();
    assert_eq!(manifest, before.manifest);

    let written = place(&store, &manifest, to.path(), "/workspace/in").unwrap();
    assert_eq!(written.files_written, manifest.file_count());
    assert_eq!(written.bytes_written, manifest.total_bytes());
    let after = take_all(&to.path().join("workspace/in")).unwrap();
    assert_eq!(after.manifest, before.manifest);
}

#[test]
fn a_second_time_nothing_is_sent_and_nothing_is_written() {
    let (from, store_dir, to) = (temp(), temp(), temp());
    one_of_everything(from.path());
    let tree = take_all(from.path()).unwrap();
    let store = open(store_dir.path());
    let root = send(&tree, &store);
    place(&store, &tree.manifest, to.path(), "in").unwrap();
    let changed = to.path().join("in/small.txt");
    fs::write(&changed, "other").unwrap();
    fs::set_permissions(
        to.path().join("in/bin/run.sh"),
        fs::Permissions::from_mode(0o600),
    )
    .unwrap();
    fs::write(to.path().join("in/mine"), "stays").unwrap();

    assert_eq!(store.tree_missing(&root).unwrap(), []);
    let written = place(&store, &tree.manifest, to.path(), "in").unwrap();
    assert_eq!(written.files_written, 1);
    assert_eq!(written.bytes_written, 6);
    assert_eq!(written.files_kept, tree.manifest.file_count() - 1);
    assert_eq!(fs::read(to.path().join("in/mine")).unwrap(), b"stays");
    fs::remove_file(to.path().join("in/mine")).unwrap();
    // The root's own time is no part of a tree, so removing a file above changes nothing.
    let after = take_all(&to.path().join("in")).unwrap();
    assert_eq!(after.manifest, tree.manifest);
}

#[test]
fn what_is_in_the_way_is_replaced_unless_it_holds_something() {
    let (from, store_dir, to) = (temp(), temp(), temp());
    one_of_everything(from.path());
    let tree = take_all(from.path()).unwrap();
    let store = open(store_dir.path());
    send(&tree, &store);
    fs::create_dir_all(to.path().join("small.txt")).unwrap();
    fs::create_dir_all(to.path().join("link")).unwrap();
    fs::write(to.path().join("data"), "a file where a directory goes").unwrap();
    fs::write(to.path().join("dangling"), "a file where a link goes").unwrap();
    place(&store, &tree.manifest, to.path(), "").unwrap();
    assert_eq!(take_all(to.path()).unwrap().manifest, tree.manifest);

    fs::remove_file(to.path().join("empty")).unwrap();
    fs::create_dir_all(to.path().join("empty/full")).unwrap();
    let error = place(&store, &tree.manifest, to.path(), "").unwrap_err();
    assert!(
        error.to_string().contains("`empty` is in the way"),
        "{error}"
    );
}

#[test]
fn five_thousand_small_files_and_a_sparse_one_arrive() {
    let (from, store_dir, to) = (temp(), temp(), temp());
    for n in 0..5_000_u32 {
        let dir = from.path().join(format!("d{}", n % 50));
        fs::create_dir_all(&dir).unwrap();
        fs::write(dir.join(n.to_string()), noise(n.into(), (n % 900) as usize)).unwrap();
    }
    let sparse = fs::File::create(from.path().join("sparse")).unwrap();
    sparse.set_len(4 * CHUNK_LEN + 100).unwrap();
    sparse.write_all_at(b"data", 2 * CHUNK_LEN + 5).unwrap();
    let tree = take_all(from.path()).unwrap();
    let store = open(store_dir.path());
    send(&tree, &store);
    let files = |dir: &str| walk_files(&store_dir.path().join(dir));
    assert!(files("packs") + files("objects") < 20);

    place(&store, &tree.manifest, to.path(), "in").unwrap();
    let to = to.path().join("in");
    assert_eq!(take_all(&to).unwrap().manifest, tree.manifest);
    let blocks = fs::metadata(to.join("sparse")).unwrap().blocks();
    assert!(blocks * 512 < 2 * CHUNK_LEN, "{blocks} blocks");
}

#[test]
fn a_file_one_name_long_after_many_directories_arrives() {
    let (from, store_dir, to) = (temp(), temp(), temp());
    let deep = vec!["d"; 900].join("/");
    fs::create_dir_all(from.path().join(&deep)).unwrap();
    fs::write(from.path().join(&deep).join("leaf"), "leaf").unwrap();
    let tree = take_all(from.path()).unwrap();
    let store = open(store_dir.path());
    send(&tree, &store);
    place(&store, &tree.manifest, to.path(), "in").unwrap();
    assert_eq!(
        take_all(&to.path().join("in")).unwrap().manifest,
        tree.manifest
    );
}

#[test]
fn damaged_content_is_not_written() {
    let (from, store_dir, to) = (temp(), temp(), temp());
    one_of_everything(from.path());
    let tree = take_all(from.path()).unwrap();
    let store = open(store_dir.path());
    let root = send(&tree, &store);
    let noise = tree
        .manifest
        .get(&RelPath::new("data/noise.bin").unwrap())
        .unwrap();
    let Kind::File { chunks, .. } = &noise.kind else {
        panic!("a file was expected");
    };
    let [only] = chunks.as_slice() else {
        panic!("one chunk was expected");
    };
    let file = object(store_dir.path(), only);
    let mut bytes = fs::read(&file).unwrap();
    bytes[1_000] ^= 1;
    fs::write(&file, bytes).unwrap();
    assert!(store.get(only).is_err());
    let blobs = store.tree_blobs(&root).unwrap();
    assert_eq!(store.verify(&blobs).unwrap(), [*only]);
    assert_eq!(store.tree_missing(&root).unwrap(), [*only]);
    let error = place(&store, &tree.manifest, to.path(), "in").unwrap_err();
    assert!(error.to_string().contains(&only.to_string()), "{error}");
    assert!(!to.path().join("in/data/noise.bin").exists());
}

#[test]
fn special_mode_bits_stay_behind_and_the_owner_is_who_was_named() {
    let (from, store_dir, to) = (temp(), temp(), temp());
    let tool = from.path().join("dir/tool");
    fs::create_dir(from.path().join("dir")).unwrap();
    fs::write(&tool, "tool").unwrap();
    fs::set_permissions(&tool, fs::Permissions::from_mode(0o6755)).unwrap();
    std::os::unix::fs::symlink("tool", from.path().join("dir/link")).unwrap();
    let tree = take_all(from.path()).unwrap();
    let store = open(store_dir.path());
    send(&tree, &store);
    let current = Owner::current();
    // Only root may give files away; others keep them.
    let owner = match current.uid {
        0 => Owner {
            uid: 70_001,
            gid: 70_002,
        },
        _ => current,
    };
    let root = fs::File::open(to.path()).unwrap();
    let target = Target {
        root: root.as_fd(),
        path: Path::new("a/b"),
        owner,
    };
    for _first_and_second in 0..2 {
        materialise(&store, &tree.manifest, &target, &Halt::default()).unwrap();
        for path in ["a", "a/b", "a/b/dir", "a/b/dir/tool", "a/b/dir/link"] {
            let meta = fs::symlink_metadata(to.path().join(path)).unwrap();
            assert_eq!((meta.uid(), meta.gid()), (owner.uid, owner.gid), "{path}");
        }
        let mode = fs::metadata(to.path().join("a/b/dir/tool")).unwrap().mode();
        assert_eq!(mode & 0o7777, 0o755);
    }
}

#[test]
fn what_is_somebody_elses_never_changes_hands() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: only root can make files of other users");
        return;
    }
    let (from, store_dir, to) = (temp(), temp(), temp());
    fs::create_dir(from.path().join("private")).unwrap();
    fs::write(from.path().join("shadow"), "guess!").unwrap();
    let tree = take_all(from.path()).unwrap();
    let store = open(store_dir.path());
    send(&tree, &store);
    // What is there has the same size and time, which everybody may see, and another content.
    let (file, dir) = (to.path().join("shadow"), to.path().join("private"));
    fs::write(&file, "secret").unwrap();
    let like = fs::metadata(from.path().join("shadow")).unwrap();
    let there = fs::File::options().write(true).open(&file).unwrap();
    there.set_modified(like.modified().unwrap()).unwrap();
    there
        .set_permissions(fs::Permissions::from_mode(0o640))
        .unwrap();
    fs::create_dir(&dir).unwrap();
    fs::set_permissions(&dir, fs::Permissions::from_mode(0o700)).unwrap();
    let root = fs::File::open(to.path()).unwrap();
    let owner = Owner {
        uid: 70_001,
        gid: 70_002,
    };
    let target = Target {
        root: root.as_fd(),
        path: Path::new("/"),
        owner,
    };
    materialise(&store, &tree.manifest, &target, &Halt::default()).unwrap();
    assert_eq!(fs::read(&file).unwrap(), b"guess!");
    assert_eq!(fs::metadata(&file).unwrap().uid(), owner.uid);
    let dir = fs::metadata(&dir).unwrap();
    assert_eq!((dir.uid(), dir.mode() & 0o777), (0, 0o700));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_files_arrive_as_they_were(
        files in prop::collection::btree_map("[a-c]{1,2}(/[d-f]{1,2}){0,2}\\.x", 0_usize..200_000, 0..12),
        mode in 0o400_u32..0o1000,
    ) {
        let (from, store_dir, to) = (temp(), temp(), temp());
        for (path, len) in &files {
            let path = from.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, noise(*len as u64, *len)).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(mode | 0o400)).unwrap();
        }
        let tree = take_all(from.path()).unwrap();
        let store = open(store_dir.path());
        send(&tree, &store);
        place(&store, &tree.manifest, to.path(), "in").unwrap();
        let after = take_all(&to.path().join("in")).unwrap();
        prop_assert_eq!(after.manifest, tree.manifest);
    }
}

fn walk_files(dir: &Path) -> usize {
    let entries = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    entries
        .map(|path| if path.is_dir() { walk_files(&path) } else { 1 })
        .sum()
}
