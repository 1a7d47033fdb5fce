//! Full disks. A small tmpfs is mounted for each test, which needs root.

use std::fs;
use std::path::{Path, PathBuf};

use livery_content::{Compression, ContentError, ContentStore, hash_bytes};
use rustix::mount::{MountFlags, UnmountFlags, mount, unmount};
use tempfile::TempDir;

use crate::support::{noise, open, place, send, take_all, temp};

/// A file system of four megabytes that goes with the test.
pub struct SmallDisk(TempDir);

impl SmallDisk {
    #[allow(clippy::print_stderr, reason = "a test says why it is skipped")]
    pub fn mount() -> Option<Self> {
        let dir = temp();
        let options = c"size=4m,mode=755";
        match mount("tmpfs", dir.path(), "tmpfs", MountFlags::empty(), options) {
            Ok(()) => Some(Self(dir)),
            Err(error) => {
                eprintln!("skipped: mounting a small file system needs root ({error})");
                None
            }
        }
    }

    pub fn path(&self) -> PathBuf {
        self.0.path().to_owned()
    }

    /// Takes all of the disk but about so many bytes.
    fn leave(&self, bytes: usize) {
        let filler = self.0.path().join("filler");
        let mut len = 4 << 20;
        while fs::write(&filler, vec![1; len]).is_err() {
            len -= 4_096;
        }
        let file = fs::File::options().write(true).open(&filler).unwrap();
        file.set_len(len.saturating_sub(bytes) as u64).unwrap();
    }

    fn free(&self) {
        fs::remove_file(self.0.path().join("filler")).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        unmount(self.0.path(), UnmountFlags::DETACH).unwrap();
    }
}

fn store_on(dir: &Path) -> ContentStore {
    ContentStore::open(&dir.join("store"), Compression::Never).unwrap()
}

#[test]
fn a_store_on_a_full_disk_says_so_and_stays_whole() {
    let Some(disk) = SmallDisk::mount() else {
        return;
    };
    let store = store_on(&disk.path());
    let before = store.put(&noise(1, 1_000)).unwrap();
    disk.leave(200_000);
    let small = (100..).map(|n| noise(n, 5_000));
    let mut kept = Vec::new();
    let refused = small
        .map(|blob| (store.put(&blob), blob))
        .find_map(|(put, blob)| match put {
            Ok(hash) => {
                kept.push((hash, blob));
                None
            }
            Err(error) => Some((error, blob)),
        });
    let (error, refused) = refused.unwrap();
    assert!(matches!(error, ContentError::DiskFull { .. }), "{error}");
    let large = store.put(&noise(2, 150_000));
    assert!(matches!(large, Err(ContentError::DiskFull { .. })));
    assert_eq!(
        fs::read_dir(disk.path().join("store/tmp")).unwrap().count(),
        0
    );

    drop(store);
    let store = store_on(&disk.path());
    assert_eq!(store.recovery().cut_bytes, 0);
    assert!(store.contains(&before));
    assert!(!store.contains(&hash_bytes(&refused)));
    for (hash, blob) in &kept {
        assert_eq!(store.get(hash).unwrap(), blob);
    }
    disk.free();
    let hash = store.put(&refused).unwrap();
    assert_eq!(store.get(&hash).unwrap(), refused);
    store.put(&noise(2, 150_000)).unwrap();
}

#[test]
fn a_tree_that_does_not_fit_says_so_and_leaves_no_half_file() {
    let Some(disk) = SmallDisk::mount() else {
        return;
    };
    let (from, store_dir) = (temp(), temp());
    fs::write(from.path().join("small"), "fits").unwrap();
    fs::write(from.path().join("large"), noise(1, 9 << 20)).unwrap();
    let tree = take_all(from.path()).unwrap();
    let store = open(store_dir.path());
    send(&tree, &store);
    let error = place(&store, &tree.manifest, &disk.path(), "in").unwrap_err();
    assert!(matches!(error, ContentError::DiskFull { .. }), "{error}");
    let names: Vec<_> = fs::read_dir(disk.path().join("in"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(names, ["small"]);
}
