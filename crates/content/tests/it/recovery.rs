//! What a crash leaves behind.

use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use livery_content::hash_bytes;
use livery_units::Span;

use crate::support::{noise, object, only_pack, open, temp};

/// Puts some blobs and returns them; they all go to one pack.
fn fill(dir: &std::path::Path) -> Vec<Vec<u8>> {
    let store = open(dir);
    let blobs: Vec<_> = [20, 40, 60, 80, 100]
        .map(|len| noise(len as u64, len))
        .into();
    for blob in &blobs {
        store.put(blob).unwrap();
    }
    blobs
}

#[test]
fn a_pack_torn_at_any_byte_of_its_last_record_opens_and_tells_no_lies() {
    let dir = temp();
    let blobs = fill(dir.path());
    let pack = only_pack(dir.path());
    let whole = fs::read(&pack).unwrap();
    let (last, before) = blobs.split_last().unwrap();
    let record_len = 37 + 4 + last.len();
    for torn_len in whole.len() - record_len..whole.len() {
        fs::write(&pack, &whole[..torn_len]).unwrap();
        let store = open(dir.path());
        let kept = whole.len() - record_len;
        assert_eq!(store.recovery().cut_bytes, (torn_len - kept) as u64);
        assert_eq!(store.missing(&[hash_bytes(last)]), [hash_bytes(last)]);
        for blob in before {
            assert_eq!(store.get(&hash_bytes(blob)).unwrap(), blob);
        }
        let again = store.put(last).unwrap();
        drop(store);
        assert_eq!(open(dir.path()).get(&again).unwrap(), last);
        assert_eq!(fs::read(&pack).unwrap(), whole);
    }
}

#[test]
fn a_pack_torn_anywhere_gives_back_only_what_is_whole() {
    let dir = temp();
    let blobs = fill(dir.path());
    let pack = only_pack(dir.path());
    let whole = fs::read(&pack).unwrap();
    for torn_len in 0..whole.len() {
        fs::write(&pack, &whole[..torn_len]).unwrap();
        let store = open(dir.path());
        let names: Vec<_> = blobs.iter().map(|blob| hash_bytes(blob)).collect();
        let missing = store.missing(&names);
        for (blob, name) in blobs.iter().zip(&names) {
            match missing.contains(name) {
                true => assert!(store.get(name).is_err()),
                false => assert_eq!(store.get(name).unwrap(), blob),
            }
        }
        store.put(&blobs[0]).unwrap();
    }
}

#[test]
fn bytes_changed_in_the_last_record_are_found_at_opening() {
    let dir = temp();
    let blobs = fill(dir.path());
    let pack = only_pack(dir.path());
    let mut bytes = fs::read(&pack).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&pack, &bytes).unwrap();
    let store = open(dir.path());
    let last = hash_bytes(blobs.last().unwrap());
    assert_eq!(store.missing(&[last]), [last]);
}

#[test]
fn half_written_objects_are_cleared() {
    let dir = temp();
    drop(open(dir.path()));
    fs::write(dir.path().join("tmp/7"), noise(1, 100_000)).unwrap();
    let store = open(dir.path());
    assert_eq!(fs::read_dir(dir.path().join("tmp")).unwrap().count(), 0);
    assert!(!store.contains(&hash_bytes(&noise(1, 100_000))));
}

#[test]
fn after_the_machine_stopped_everything_not_flushed_is_hashed() {
    let dir = temp();
    let blobs = fill(dir.path());
    let large = [noise(8, 100_000), noise(9, 100_000)];
    let store = open(dir.path());
    let names = large.each_ref().map(|blob| store.put(blob).unwrap());
    drop(store);
    // What a file system may do with unflushed data: the length is right, the bytes are zeros.
    fs::write(object(dir.path(), &names[0]), vec![0; 100_000]).unwrap();
    let pack = only_pack(dir.path());
    let mut bytes = fs::read(&pack).unwrap();
    let second = 8 + 41 + blobs[0].len() + 41;
    bytes[second..second + blobs[1].len()].fill(0);
    fs::write(&pack, bytes).unwrap();
    let state = fs::read_to_string(dir.path().join("state")).unwrap();
    let boot = state.lines().nth(1).unwrap();
    fs::write(
        dir.path().join("state"),
        state.replace(boot, "an earlier boot"),
    )
    .unwrap();

    let store = open(dir.path());
    assert_eq!(store.recovery().dropped_blobs, 1);
    assert!(store.recovery().cut_bytes > 0);
    assert_eq!(store.missing(&names), [names[0]]);
    assert_eq!(store.get(&hash_bytes(&blobs[0])).unwrap(), blobs[0]);
    assert!(!store.contains(&hash_bytes(&blobs[1])));
    store.flush().unwrap();
    drop(store);
    assert_eq!(open(dir.path()).recovery().dropped_blobs, 0);
}

#[test]
fn a_damaged_index_is_ignored_and_the_pack_read_instead() {
    let dir = temp();
    let blobs = fill(dir.path());
    let store = open(dir.path());
    // A sweep ends the pack that is being written, which gives it an index.
    store.gc(&[], Span::from_secs(3_600)).unwrap();
    drop(store);
    let index = only_pack(dir.path()).with_extension("idx");
    let whole = fs::read(&index).unwrap();
    for place in [0, 8, 41, 45, whole.len() - 1] {
        let mut bytes = whole.clone();
        bytes[place] ^= 1;
        fs::write(&index, bytes).unwrap();
        let store = open(dir.path());
        for blob in &blobs {
            assert_eq!(store.get(&hash_bytes(blob)).unwrap(), blob);
        }
    }
}

/// Blob number `n` of the killed writer: every tenth is large.
fn blob(n: u64) -> Vec<u8> {
    noise(n, if n.is_multiple_of(10) { 200_000 } else { 3_000 })
}

#[test]
fn what_a_killed_writer_reported_as_kept_is_there() {
    for kill_after in [1, 15, 60] {
        let dir = temp();
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([
                "recovery::writes_until_killed",
                "--exact",
                "--ignored",
                "--nocapture",
            ])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        writeln!(stdin, "{}", dir.path().display()).unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let kept =
            lines.filter_map(|line| line.unwrap().strip_prefix("kept ")?.parse::<u64>().ok());
        let kept: Vec<u64> = kept.take(kill_after).collect();
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(kept.len(), kill_after);
        let store = open(dir.path());
        for n in kept {
            let blob = blob(n);
            assert_eq!(store.get(&hash_bytes(&blob)).unwrap(), blob);
        }
        assert_eq!(fs::read_dir(dir.path().join("tmp")).unwrap().count(), 0);
    }
}

/// Not a test of its own: the process that the test above starts and kills.
#[test]
#[ignore = "it runs until it is killed"]
fn writes_until_killed() {
    let mut dir = String::new();
    io::stdin().lock().read_line(&mut dir).unwrap();
    if dir.trim().is_empty() {
        return;
    }
    let store = open(dir.trim().as_ref());
    for n in 0.. {
        store.put(&blob(n)).unwrap();
        // The test harness has printed the beginning of a line.
        if writeln!(io::stdout(), "\nkept {n}").is_err() {
            return;
        }
    }
}
