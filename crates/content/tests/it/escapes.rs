//! Trees and pods that try to get out.

use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use livery_content::{ContentError, Manifest, hash_bytes};

use crate::support::{one_of_everything, open, place, send, take_all, temp};

#[test]
fn links_out_of_a_scanned_directory_are_refused_by_name() {
    for target in ["/etc/passwd", "..", "../../x", "a/../../x"] {
        let from = temp();
        fs::create_dir(from.path().join("sub")).unwrap();
        symlink(target, from.path().join("leaves")).unwrap();
        let error = take_all(from.path()).unwrap_err();
        assert!(matches!(error, ContentError::EscapingSymlink { .. }));
        assert!(error.to_string().contains("`leaves`"), "{error}");
    }
}

#[test]
fn special_files_are_refused_by_name() {
    let from = temp();
    let _listener = UnixListener::bind(from.path().join("agent.sock")).unwrap();
    let error = take_all(from.path()).unwrap_err().to_string();
    assert!(error.contains("`agent.sock` is a socket"), "{error}");
}

#[test]
fn a_manifest_with_a_path_that_escapes_does_not_decode() {
    let from = temp();
    fs::create_dir(from.path().join("ab")).unwrap();
    fs::write(from.path().join("ab/cd"), "x").unwrap();
    let good = take_all(from.path()).unwrap().manifest.encode();
    assert!(Manifest::decode(&good).is_ok());
    for (old, new) in [
        ("ab", ".."),
        ("ab", "/b"),
        ("/cd", "/.."),
        ("/cd", "//d"),
        ("/cd", "/c\0"),
    ] {
        let place = good
            .windows(old.len())
            .position(|part| part == old.as_bytes());
        let mut bad = good.clone();
        let place = place.unwrap();
        bad[place..place + old.len()].copy_from_slice(new.as_bytes());
        assert!(Manifest::decode(&bad).is_err(), "{old} {new}");
    }
}

#[test]
fn links_planted_in_the_destination_lead_nowhere() {
    let (from, store_dir, pod, outside) = (temp(), temp(), temp(), temp());
    one_of_everything(from.path());
    let tree = take_all(from.path()).unwrap();
    let store = open(store_dir.path());
    send(&tree, &store);
    let victim = outside.path().join("victim");
    fs::write(&victim, "untouched").unwrap();
    let inside = pod.path().join("workspace");
    fs::create_dir(&inside).unwrap();
    symlink(outside.path(), inside.join("data")).unwrap();
    symlink(&victim, inside.join("small.txt")).unwrap();
    symlink(&victim, inside.join("dangling")).unwrap();
    symlink("/proc/self/root/etc", inside.join("bin")).unwrap();

    place(&store, &tree.manifest, pod.path(), "workspace").unwrap();
    assert_eq!(fs::read(&victim).unwrap(), b"untouched");
    assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 1);
    assert_eq!(take_all(&inside).unwrap().manifest, tree.manifest);
}

#[test]
fn the_way_to_the_destination_stays_inside_the_root() {
    let (from, store_dir, pod, outside) = (temp(), temp(), temp(), temp());
    fs::write(from.path().join("file"), "x").unwrap();
    let tree = take_all(from.path()).unwrap();
    let store = open(store_dir.path());
    send(&tree, &store);
    // Absolute for the pod: it means the pod's own /mnt, as it would from inside.
    fs::create_dir(pod.path().join("mnt")).unwrap();
    symlink("/mnt", pod.path().join("data")).unwrap();
    symlink("../../../mnt", pod.path().join("up")).unwrap();
    symlink(outside.path(), pod.path().join("out")).unwrap();
    symlink("/proc/self/root", pod.path().join("magic")).unwrap();
    place(&store, &tree.manifest, pod.path(), "/data/a").unwrap();
    place(&store, &tree.manifest, pod.path(), "up/b").unwrap();
    assert!(pod.path().join("mnt/a/file").is_file());
    assert!(pod.path().join("mnt/b/file").is_file());
    for path in ["out", "out/x", "magic/x"] {
        assert!(
            place(&store, &tree.manifest, pod.path(), path).is_err(),
            "{path}"
        );
    }
    for path in ["..", "a/../../b"] {
        let error = place(&store, &tree.manifest, pod.path(), path).unwrap_err();
        assert!(matches!(error, ContentError::InvalidPath { .. }), "{path}");
    }
    assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 0);
}

#[test]
fn a_second_name_of_another_file_is_replaced_not_given_away() {
    let (from, store_dir, pod) = (temp(), temp(), temp());
    fs::write(from.path().join("file"), "same").unwrap();
    let tree = take_all(from.path()).unwrap();
    let store = open(store_dir.path());
    send(&tree, &store);
    let shadow = pod.path().join("shadow");
    fs::write(&shadow, "safe").unwrap();
    let time = fs::metadata(from.path().join("file"))
        .unwrap()
        .modified()
        .unwrap();
    fs::File::open(&shadow).unwrap().set_modified(time).unwrap();
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(&shadow, fs::Permissions::from_mode(0o600)).unwrap();
    fs::hard_link(&shadow, pod.path().join("file")).unwrap();
    place(&store, &tree.manifest, pod.path(), "").unwrap();
    assert_eq!(fs::read(pod.path().join("file")).unwrap(), b"same");
    assert_eq!(fs::read(&shadow).unwrap(), b"safe");
    assert_eq!(
        fs::metadata(&shadow).unwrap().permissions().mode() & 0o777,
        0o600
    );
    assert_ne!(hash_bytes(b"same"), hash_bytes(b"safe"));
}

#[test]
fn a_directory_swapped_for_a_link_while_a_tree_is_written_leads_nowhere() {
    let (from, store_dir, pod, outside) = (temp(), temp(), temp(), temp());
    fs::create_dir_all(from.path().join("data/inner")).unwrap();
    for n in 0..40_u32 {
        fs::write(from.path().join(format!("data/f{n}")), n.to_string()).unwrap();
        fs::write(from.path().join(format!("data/inner/f{n}")), n.to_string()).unwrap();
    }
    let tree = take_all(from.path()).unwrap();
    let store = open(store_dir.path());
    send(&tree, &store);
    fs::create_dir(outside.path().join("inner")).unwrap();
    let (data, aside) = (pod.path().join("data"), pod.path().join("aside"));
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                // What fails here is what the writer was faster at; the next turn tries again.
                if fs::rename(&data, &aside).is_ok() {
                    let _ = symlink(outside.path(), &data);
                    thread::sleep(Duration::from_micros(300));
                    let _ = fs::remove_file(&data);
                    let _ = fs::remove_dir_all(&aside);
                }
            }
        });
        for _ in 0..300 {
            // Losing the race is an error for the writer, never a file outside.
            let _ = place(&store, &tree.manifest, pod.path(), "");
        }
        stop.store(true, Ordering::Relaxed);
    });
    assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 1);
    assert_eq!(
        fs::read_dir(outside.path().join("inner")).unwrap().count(),
        0
    );
}
