//! What a crash leaves behind.

use std::fs;

use livery_content::hash_bytes;

use crate::support::{noise, object, only_pack, open, temp};

/// Puts some blobs and returns them; they all go to one pack.
fn fill(dir: &std::path::Path) -> Vec<Vec<u8>> {
    let store = open(dir);
    let blobs: Vec<_> = (1..6_u64).map(|n| noise(n, 20 * n as usize)).collect();
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
