//! What a scan takes and what it remembers.

use std::fs;
use std::path::Path;
use std::time::Duration;

use livery_content::{ContentError, IgnoreRules, RelPath, Scan, ScanOptions, scan, scan_file};

use crate::support::{noise, open, place, send, temp};

fn workdir(root: &Path) -> Vec<String> {
    let options = ScanOptions {
        ignore: IgnoreRules::Workdir,
        cache_dir: None,
    };
    let scan = scan(root, &options).unwrap();
    let paths = scan
        .manifest
        .entries()
        .iter()
        .map(|entry| entry.path.to_string());
    paths.collect()
}

#[test]
fn a_workdir_leaves_behind_what_is_ignored() {
    let from = temp();
    fs::create_dir_all(from.path().join("sub")).unwrap();
    for name in [
        "a.py",
        "a.pyc",
        ".hidden",
        "sub/b.log",
        "sub/c.txt",
        "sub/a.pyc",
    ] {
        fs::write(from.path().join(name), name).unwrap();
    }
    fs::write(from.path().join(".gitignore"), "*.pyc\n").unwrap();
    fs::write(from.path().join("sub/.gitignore"), "*.log\n!keep.log\n").unwrap();
    let taken = workdir(from.path());
    assert_eq!(
        taken,
        [
            ".gitignore",
            ".hidden",
            "a.py",
            "sub",
            "sub/.gitignore",
            "sub/c.txt"
        ]
    );
    fs::write(from.path().join(".skyignore"), "sub/\n").unwrap();
    let taken = workdir(from.path());
    assert_eq!(
        taken,
        [".gitignore", ".hidden", ".skyignore", "a.py", "a.pyc"]
    );
    let everything = ScanOptions {
        ignore: IgnoreRules::Nothing,
        cache_dir: None,
    };
    let all = scan(from.path(), &everything).unwrap();
    assert_eq!(all.manifest.file_count(), 9);
}

#[test]
fn unchanged_files_are_not_read_again_and_changed_ones_are() {
    let (from, cache, store_dir, to) = (temp(), temp(), temp(), temp());
    for n in 0..20_u64 {
        fs::write(from.path().join(n.to_string()), noise(n, 5_000)).unwrap();
    }
    let options = ScanOptions {
        ignore: IgnoreRules::Nothing,
        cache_dir: Some(cache.path().join("hashes")),
    };
    let again = || -> Scan { scan(from.path(), &options).unwrap() };
    // Files as young as the clock's tick are not remembered; scans go on until these are older.
    let first = std::iter::repeat_with(again)
        .take(1_000)
        .inspect(|_| std::thread::sleep(Duration::from_millis(5)))
        .find(|scan| scan.reused_files == 20)
        .unwrap();
    fs::write(from.path().join("7"), noise(77, 5_000)).unwrap();
    let second = again();
    assert_eq!(second.reused_files, 19);
    assert_ne!(second.manifest, first.manifest);
    let store = open(store_dir.path());
    send(&second, &store);
    place(&store, &second.manifest, to.path(), "").unwrap();
    assert_eq!(fs::read(to.path().join("7")).unwrap(), noise(77, 5_000));

    for file in fs::read_dir(cache.path().join("hashes")).unwrap() {
        let path = file.unwrap().path();
        let mut bytes = fs::read(&path).unwrap();
        bytes[100] ^= 1;
        fs::write(&path, bytes).unwrap();
    }
    let third = again();
    assert_eq!(third.reused_files, 0);
    assert_eq!(third.manifest, second.manifest);
}

#[test]
fn one_file_makes_a_tree_under_another_name() {
    let (from, store_dir, to) = (temp(), temp(), temp());
    fs::write(from.path().join("local.bin"), noise(5, 70_000)).unwrap();
    let name = RelPath::new("remote.bin").unwrap();
    let tree = scan_file(&from.path().join("local.bin"), &name).unwrap();
    let store = open(store_dir.path());
    send(&tree, &store);
    place(&store, &tree.manifest, to.path(), "data").unwrap();
    assert_eq!(
        fs::read(to.path().join("data/remote.bin")).unwrap(),
        noise(5, 70_000)
    );
    assert!(scan_file(from.path(), &name).is_err());
}

#[test]
fn a_file_changed_after_the_scan_is_an_error_and_not_wrong_content() {
    let from = temp();
    let file = from.path().join("file");
    fs::write(&file, "before").unwrap();
    let options = ScanOptions {
        ignore: IgnoreRules::Nothing,
        cache_dir: None,
    };
    let tree = scan(from.path(), &options).unwrap();
    let hash = *tree.sources.hashes().next().unwrap();
    assert_eq!(tree.sources.len_of(&hash), Some(6));
    let time = fs::metadata(&file).unwrap().modified().unwrap();
    fs::write(&file, "beyond").unwrap();
    // Even with the old size and time the hash gives it away.
    fs::File::open(&file).unwrap().set_modified(time).unwrap();
    let error = tree.sources.read(&hash).unwrap_err();
    assert!(matches!(error, ContentError::FileChanged { .. }));
    fs::remove_file(&file).unwrap();
    assert!(tree.sources.read(&hash).is_err());
}
