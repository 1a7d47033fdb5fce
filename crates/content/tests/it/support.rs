//! What several tests need.

use std::fs;
use std::os::fd::AsFd;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use livery_content::{
    Compression, ContentError, ContentStore, Halt, IgnoreRules, Manifest, Owner, Scan, ScanOptions,
    Target, Written, materialise, scan,
};
use tempfile::TempDir;

/// Bytes that do not compress; another seed gives others.
pub fn noise(seed: u64, len: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut bytes = Vec::with_capacity(len + 8);
    while bytes.len() < len {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.wrapping_mul(0x2545_f491_4f6c_dd1d).to_le_bytes());
    }
    bytes.truncate(len);
    bytes
}

pub fn temp() -> TempDir {
    tempfile::tempdir().unwrap()
}

pub fn open(dir: &Path) -> ContentStore {
    ContentStore::open(dir, Compression::WherePays).unwrap()
}

pub fn take_all(root: &Path) -> Result<Scan, ContentError> {
    let options = ScanOptions {
        ignore: IgnoreRules::Nothing,
        cache_dir: None,
    };
    scan(root, &options)
}

/// Sends a tree into a store as a client does: manifest first, then what is missing.
pub fn send(scan: &Scan, store: &ContentStore) -> livery_units::ContentHash {
    let tree = scan.manifest.to_blobs();
    for (_, bytes) in &tree.blobs {
        store.put(bytes).unwrap();
    }
    for hash in store.tree_missing(&tree.root).unwrap() {
        let frame = scan.sources.frame(&hash, Compression::WherePays).unwrap();
        store.put_frame(&frame).unwrap();
    }
    assert_eq!(store.tree_missing(&tree.root).unwrap(), []);
    tree.root
}

/// Writes a tree to a path inside a root, owned by this process's user.
pub fn place(
    store: &ContentStore,
    manifest: &Manifest,
    root: &Path,
    path: &str,
) -> Result<Written, ContentError> {
    let root = fs::File::open(root).unwrap();
    let target = Target {
        root: root.as_fd(),
        path: Path::new(path),
        owner: Owner::current(),
    };
    materialise(store, manifest, &target, &Halt::default())
}

/// A tree with one of everything that travels.
pub fn one_of_everything(root: &Path) {
    let write = |path: &str, bytes: &[u8], mode: u32, secs: u64| {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        let time = UNIX_EPOCH + Duration::new(secs, 123_456_789);
        let file = fs::File::options().read(true).open(&path).unwrap();
        file.set_modified(time).unwrap();
    };
    write("empty", b"", 0o644, 1);
    write("small.txt", b"hello\n", 0o600, 1_000_000_000);
    write("bin/run.sh", b"#!/bin/sh\n", 0o755, 1_600_000_000);
    write(
        "text.log",
        &b"loss 0.3\n".repeat(20_000),
        0o640,
        1_700_000_000,
    );
    write("data/noise.bin", &noise(1, 300_000), 0o444, 1_500_000_000);
    write(
        "data/large.bin",
        &noise(2, (16 << 20) + 17),
        0o644,
        1_500_000_001,
    );
    write(
        "data/deep/er/and/deeper/leaf",
        b"leaf",
        0o644,
        1_500_000_002,
    );
    write("new\nline and \\ space", b"odd", 0o644, 5);
    write(&"n".repeat(255), b"long name", 0o644, 6);
    symlink("small.txt", root.join("link")).unwrap();
    symlink("../small.txt", root.join("data/up")).unwrap();
    symlink("nowhere", root.join("dangling")).unwrap();
    fs::create_dir(root.join("empty dir")).unwrap();
    fs::set_permissions(root.join("data"), fs::Permissions::from_mode(0o750)).unwrap();
    let dir = fs::File::open(root.join("data")).unwrap();
    dir.set_modified(UNIX_EPOCH + Duration::from_secs(42))
        .unwrap();
}

/// The only pack of a store.
pub fn only_pack(store: &Path) -> PathBuf {
    let packs = fs::read_dir(store.join("packs")).unwrap();
    let packs: Vec<_> = packs
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ext| ext == "pack"))
        .collect();
    assert_eq!(packs.len(), 1);
    packs[0].clone()
}

/// The file of a large blob that is kept as it is.
pub fn object(store: &Path, hash: &livery_units::ContentHash) -> PathBuf {
    let name = hash.to_string();
    store.join("objects").join(&name[..2]).join(name)
}
