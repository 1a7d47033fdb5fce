//! Results out of a pod.

use std::fs;
use std::io::Write;
use std::os::fd::AsFd;
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt, chown, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use livery_content::{
    CollectLimits, Collected, Compression, ContentError, ContentStore, Halt, Origin, Owner,
    Patterns, Target, collect, materialise,
};
use livery_units::Bytes;
use rustix::fs::{Mode, OFlags};

use crate::disk_full::SmallDisk;
use crate::support::{noise, open, place, temp};

const LIMITS: CollectLimits = CollectLimits {
    entries: 1_000,
    bytes: Bytes::mib(100),
    visited: 10_000,
    paths: Bytes::mib(64),
};

/// An id that is no pod's.
const STRANGER: u32 = 3_000_000_000;

fn take(
    store: &ContentStore,
    root: &Path,
    base: &str,
    patterns: &[&str],
    limits: &CollectLimits,
) -> Result<Collected, ContentError> {
    take_until(store, root, base, patterns, (limits, &Halt::default()))
}

fn take_until(
    store: &ContentStore,
    root: &Path,
    base: &str,
    patterns: &[&str],
    (limits, halt): (&CollectLimits, &Halt),
) -> Result<Collected, ContentError> {
    let root = fs::File::open(root).unwrap();
    let patterns = Patterns::parse(patterns).unwrap();
    let origin = Origin {
        root: root.as_fd(),
        base: Path::new(base),
        ids: 0..STRANGER,
    };
    collect(store, &origin, &patterns, limits, halt)
}

fn paths(collected: &Collected) -> Vec<String> {
    let entries = collected.manifest.entries().iter();
    entries.map(|entry| entry.path.to_string()).collect()
}

/// Climbing to the top from every file took minutes here.
#[test]
fn a_very_deep_tree_comes_home() {
    const LEVELS: usize = 1_000;
    const FILES: usize = 500;
    let (pod, store_dir) = (temp(), temp());
    let bottom = pod.path().join("d/".repeat(LEVELS));
    fs::create_dir_all(&bottom).unwrap();
    for number in 0..FILES {
        fs::write(bottom.join(number.to_string()), "x").unwrap();
    }
    let limits = CollectLimits {
        entries: 10_000,
        ..LIMITS
    };
    // Directories match by one pattern, and are only on the way by the other.
    for pattern in ["**", "**/7*"] {
        let collected = take(
            &open(store_dir.path()),
            pod.path(),
            "/",
            &[pattern],
            &limits,
        )
        .unwrap();
        let dirs = paths(&collected)
            .iter()
            .filter(|path| path.ends_with('d'))
            .count();
        assert_eq!(dirs, LEVELS, "{pattern}");
        assert_eq!(collected.notes, Vec::<String>::new());
    }
}

#[test]
fn what_matches_comes_home_and_the_rest_stays() {
    let (pod, store_dir, home) = (temp(), temp(), temp());
    let work = pod.path().join("workspace");
    for name in [
        "output/run/loss.png",
        "adapter.safetensors",
        "venv/lib/x.so",
        "deep/y.safetensors",
    ] {
        let path = work.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, name).unwrap();
    }
    fs::write(work.join("output/large.bin"), noise(1, (8 << 20) + 5)).unwrap();
    symlink("run", work.join("output/latest")).unwrap();
    let store = open(store_dir.path());
    let patterns = ["output/**", "*.safetensors", "*.csv"];
    let taken = take(&store, pod.path(), "/workspace", &patterns, &LIMITS).unwrap();
    let found = paths(&taken);
    assert_eq!(
        found,
        [
            "adapter.safetensors",
            "output",
            "output/large.bin",
            "output/latest",
            "output/run",
            "output/run/loss.png"
        ]
    );
    assert_eq!(taken.notes, ["nothing matches `*.csv`"]);
    place(&store, &taken.manifest, home.path(), "").unwrap();
    let large = fs::read(home.path().join("output/large.bin")).unwrap();
    assert_eq!(large, noise(1, (8 << 20) + 5));
    let image = fs::read(home.path().join("output/latest/loss.png")).unwrap();
    assert_eq!(image, b"output/run/loss.png");
}

#[test]
fn nothing_outside_is_read_whatever_the_pod_has_planted() {
    let (pod, store_dir, outside) = (temp(), temp(), temp());
    fs::write(outside.path().join("secret"), "secret").unwrap();
    let output = pod.path().join("output");
    fs::create_dir(&output).unwrap();
    fs::write(output.join("good"), "good").unwrap();
    symlink(outside.path(), output.join("dir")).unwrap();
    symlink(outside.path().join("secret"), output.join("file")).unwrap();
    let _listener = UnixListener::bind(output.join("socket")).unwrap();
    let store = open(store_dir.path());
    let taken = take(&store, pod.path(), "", &["output"], &LIMITS).unwrap();
    assert_eq!(paths(&taken), ["output", "output/good"]);
    assert_eq!(taken.notes.len(), 3, "{:?}", taken.notes);
    assert!(!store.contains(&livery_content::hash_bytes(b"secret")));

    symlink(outside.path(), pod.path().join("base")).unwrap();
    assert!(take(&store, pod.path(), "base", &["**"], &LIMITS).is_err());
    assert!(take(&store, pod.path(), "../", &["**"], &LIMITS).is_err());
}

#[test]
fn limits_cut_with_a_note() {
    let (pod, store_dir) = (temp(), temp());
    for n in 0..20_u64 {
        fs::write(pod.path().join(format!("f{n:02}")), noise(n, 1_000)).unwrap();
    }
    let store = open(store_dir.path());
    let with = |limits: CollectLimits| take(&store, pod.path(), "", &["*"], &limits).unwrap();
    let few = with(CollectLimits {
        entries: 5,
        ..LIMITS
    });
    assert_eq!(paths(&few), ["f00", "f01", "f02", "f03", "f04"]);
    assert_eq!(few.notes.len(), 1);
    let small = with(CollectLimits {
        bytes: Bytes::new(3_500),
        ..LIMITS
    });
    assert_eq!(small.manifest.file_count(), 3);
    assert_eq!((small.notes.len(), small.lost.len()), (0, 17));
    assert!(small.lost[0].contains("`f03`"), "{:?}", small.lost);
    let brief = with(CollectLimits {
        visited: 7,
        ..LIMITS
    });
    assert_eq!(brief.manifest.file_count(), 7);
    assert_eq!(brief.notes.len(), 1);
    let short = with(CollectLimits {
        paths: Bytes::new(11),
        ..LIMITS
    });
    assert_eq!(paths(&short), ["f00", "f01", "f02"]);
    assert_eq!(short.notes.len(), 1);
}

#[test]
fn holes_are_neither_read_nor_kept_and_come_home_as_holes() {
    let (pod, store_dir, home) = (temp(), temp(), temp());
    // Larger than anything could be read in the time of a test, or kept on this disk.
    let size = 900 << 30;
    let large = fs::File::create(pod.path().join("large")).unwrap();
    large.set_len(size).unwrap();
    for at in [3 << 20, size / 2, size - 5] {
        large.write_all_at(b"here", at).unwrap();
    }
    let limits = CollectLimits {
        bytes: Bytes::gib(1_024),
        ..LIMITS
    };
    // A store that compresses nothing: the one chunk of zeros is all that is kept of the holes.
    let store = ContentStore::open(store_dir.path(), Compression::Never).unwrap();
    let taken = take(&store, pod.path(), "", &["large"], &limits).unwrap();
    assert_eq!(taken.notes, [] as [&str; 0]);
    let kept = disk_usage(store_dir.path());
    assert!(kept < 64 << 20, "{kept} bytes were kept");

    place(&store, &taken.manifest, home.path(), "").unwrap();
    let back = fs::File::open(home.path().join("large")).unwrap();
    assert_eq!(back.metadata().unwrap().len(), size);
    assert!(back.metadata().unwrap().blocks() * 512 < 64 << 20);
    for at in [3 << 20, size / 2, size - 5] {
        let mut bytes = [0; 4];
        back.read_exact_at(&mut bytes, at).unwrap();
        assert_eq!(&bytes, b"here", "{at}");
    }
}

/// The bytes that all files below a directory take on the disk.
fn disk_usage(dir: &Path) -> u64 {
    let entries = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap());
    let sizes = entries.map(|entry| match entry.metadata().unwrap() {
        dir if dir.is_dir() => disk_usage(&entry.path()),
        file => file.blocks() * 512,
    });
    sizes.sum()
}

#[test]
fn what_there_is_no_room_for_is_named_and_the_rest_comes_home() {
    let Some(disk) = SmallDisk::mount() else {
        return;
    };
    let pod = temp();
    fs::write(pod.path().join("model"), noise(1, 20 << 20)).unwrap();
    fs::write(pod.path().join("loss.csv"), "0.3").unwrap();
    let store = ContentStore::open(&disk.path().join("store"), Compression::Never).unwrap();
    let taken = take(&store, pod.path(), "", &["*"], &LIMITS).unwrap();
    assert_eq!(paths(&taken), ["loss.csv"]);
    assert_eq!(taken.notes, [] as [&str; 0]);
    assert_eq!(taken.lost.len(), 1);
    assert!(taken.lost[0].contains("`model` (20"), "{:?}", taken.lost);
    // The list of what did come home has its place all the same.
    store.put_tree(&taken.manifest).unwrap();
}

#[test]
fn a_collection_that_nobody_wants_any_more_ends() {
    let (pod, store_dir) = (temp(), temp());
    fs::write(pod.path().join("small"), "small").unwrap();
    fs::write(pod.path().join("large"), noise(1, 20 << 20)).unwrap();
    let store = open(store_dir.path());
    let halt = Halt::default();
    let with = |patterns: &[&str]| {
        let ended = take_until(&store, pod.path(), "", patterns, (&LIMITS, &halt));
        matches!(ended, Err(ContentError::Halted))
    };
    assert!(!with(&["**"]));
    halt.set();
    for patterns in [["**"], ["small"], ["large"], ["nothing"]] {
        assert!(with(&patterns), "{patterns:?}");
    }
    // Nor is a tree written any further.
    let taken = take(&store, pod.path(), "", &["**"], &LIMITS).unwrap();
    let home = temp();
    let root = fs::File::open(home.path()).unwrap();
    let target = Target {
        root: root.as_fd(),
        path: Path::new("in"),
        owner: Owner::current(),
    };
    let ended = materialise(&store, &taken.manifest, &target, &halt);
    assert!(matches!(ended, Err(ContentError::Halted)), "{ended:?}");
    assert!(!home.path().join("in/large").exists());
}

#[test]
fn a_tree_as_deep_as_can_be_is_looked_through() {
    let (pod, store_dir) = (temp(), temp());
    // Deeper than any path reaches, as a program makes it that goes down step by step.
    let mut dir = fs::File::open(pod.path()).unwrap();
    let name = "d".repeat(199);
    let name = name.as_str();
    for depth in 1..=40 {
        rustix::fs::mkdirat(&dir, name, Mode::RWXU).unwrap();
        let flags = OFlags::RDONLY | OFlags::DIRECTORY;
        dir = rustix::fs::openat(&dir, name, flags, Mode::empty())
            .unwrap()
            .into();
        if depth % 10 == 0 {
            let file = rustix::fs::openat(&dir, "f", OFlags::CREATE | OFlags::WRONLY, Mode::RUSR);
            fs::File::from(file.unwrap()).write_all(b"deep").unwrap();
        }
    }
    let store = open(store_dir.path());
    let taken = take(&store, pod.path(), "", &["**/f"], &LIMITS).unwrap();
    assert_eq!(taken.manifest.file_count(), 1);
    // One file and one directory have paths that are too long, and neither note is as long as they are.
    assert_eq!(taken.notes.len(), 2);
    for note in &taken.notes {
        assert!(
            note.chars().count() < 400 && note.ends_with("longer than 4000 bytes"),
            "{note}"
        );
    }
}

#[test]
fn a_file_that_is_being_written_never_comes_home_torn() {
    let (pod, store_dir) = (temp(), temp());
    let log = pod.path().join("train.log");
    fs::write(&log, "").unwrap();
    fs::write(pod.path().join("done"), "done").unwrap();
    let store = open(store_dir.path());
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for len in (0..2_000).cycle() {
                if stop.load(Ordering::Relaxed) {
                    break;
                }
                fs::write(&log, vec![b'x'; len]).unwrap();
            }
        });
        for _ in 0..200 {
            let taken = take(&store, pod.path(), "", &["*"], &LIMITS).unwrap();
            let found = paths(&taken);
            assert!(found.contains(&"done".to_owned()));
            match found.contains(&"train.log".to_owned()) {
                true => assert_eq!(taken.notes, [] as [&str; 0]),
                false => assert!(
                    taken.notes[0].contains("kept changing"),
                    "{:?}",
                    taken.notes
                ),
            }
            for (hash, len) in taken.manifest.chunks() {
                assert_eq!(store.get(&hash).unwrap().len() as u64, len);
            }
        }
        stop.store(true, Ordering::Relaxed);
    });
}

#[test]
fn what_the_pod_may_not_read_stays() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: only root can make files of other users");
        return;
    }
    let (pod, store_dir) = (temp(), temp());
    let (work, etc) = (pod.path().join("workspace"), pod.path().join("etc"));
    for dir in [&work, &etc, &work.join("closed"), &etc.join("open")] {
        fs::create_dir(dir).unwrap();
    }
    let foreign = |path: &Path, mode: u32| {
        chown(path, Some(STRANGER), Some(STRANGER)).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    };
    for (name, mode) in [
        ("secret", 0o640),
        ("public", 0o644),
        ("closed/public", 0o644),
    ] {
        fs::write(work.join(name), name).unwrap();
        foreign(&work.join(name), mode);
    }
    foreign(&work.join("closed"), 0o700);
    let store = open(store_dir.path());
    let taken = take(&store, pod.path(), "/workspace", &["**"], &LIMITS).unwrap();
    assert_eq!(paths(&taken), ["closed", "public"]);
    assert!(taken.notes.iter().any(|note| note.contains("`secret`")));
    // A link leads past a directory that the pod could not have entered.
    fs::write(etc.join("open/public"), "here").unwrap();
    foreign(&etc, 0o700);
    symlink("/etc/open", work.join("way")).unwrap();
    assert!(take(&store, pod.path(), "/workspace/way", &["**"], &LIMITS).is_err());
    foreign(&etc, 0o711);
    let taken = take(&store, pod.path(), "/workspace/way", &["**"], &LIMITS).unwrap();
    assert_eq!(paths(&taken), ["public"]);
}
