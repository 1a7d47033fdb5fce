use proptest::prelude::*;

use super::*;
use crate::{CHUNK_LEN, hash_bytes};

fn hash() -> impl Strategy<Value = ContentHash> {
    any::<[u8; 32]>().prop_map(ContentHash::from_bytes)
}

fn file() -> impl Strategy<Value = Kind> {
    let sized = (0..4 * CHUNK_LEN).prop_flat_map(|size| {
        let count = usize::try_from(chunk_count(size)).unwrap();
        (Just(size), prop::collection::vec(hash(), count))
    });
    sized.prop_map(|(size, chunks)| Kind::File { size, chunks })
}

/// Names of any bytes; `/`, zero and dots are made harmless.
fn name() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(1_u8.., 1..12).prop_map(|mut bytes| {
        for byte in &mut bytes {
            if matches!(byte, b'/' | b'.') {
                *byte = b'_';
            }
        }
        bytes
    })
}

/// A few directories, one in the other or side by side, with files and links in them.
fn tree() -> impl Strategy<Value = Manifest> {
    let leaf = prop_oneof![
        file(),
        name().prop_map(|target| Kind::Symlink { target }),
        Just(Kind::Dir),
    ];
    let entry = (
        prop::collection::vec(name(), 1..5),
        0_u32..0o1000,
        any::<i64>(),
        leaf,
    );
    prop::collection::vec(entry, 0..20).prop_map(|drawn| {
        let mut entries: Vec<Entry> = Vec::new();
        for (names, mode, mtime_ns, kind) in drawn {
            for depth in 1..=names.len() {
                let path = RelPath::new(names[..depth].join(&b'/')).unwrap();
                let kind = match depth == names.len() {
                    true => kind.clone(),
                    false => Kind::Dir,
                };
                match entries.iter().find(|entry| entry.path == path) {
                    Some(found) if found.kind == Kind::Dir => {}
                    Some(_) => break,
                    None => entries.push(Entry {
                        path,
                        mode,
                        mtime_ns,
                        kind,
                    }),
                }
            }
        }
        Manifest::new(entries).unwrap()
    })
}

proptest! {
    #[test]
    fn a_manifest_survives_its_encoding(manifest in tree()) {
        let bytes = manifest.encode();
        prop_assert_eq!(&Manifest::decode(&bytes).unwrap(), &manifest);
        let TreeBlobs { root, blobs } = manifest.to_blobs();
        prop_assert_eq!(root, hash_bytes(&bytes));
        prop_assert_eq!(blobs.len(), 1);
    }

    #[test]
    fn damaged_bytes_never_decode_to_another_tree(
        manifest in tree(),
        place in any::<prop::sample::Index>(),
        change in 1_u8..,
    ) {
        let mut bytes = manifest.encode();
        let place = place.index(bytes.len());
        for len in [place, bytes.len() - 1] {
            prop_assert!(Manifest::decode(&bytes[..len]).is_err());
        }
        bytes[place] ^= change;
        // A changed byte may give another valid tree (its hash differs), but none that encodes
        // otherwise, and never a panic.
        if let Ok(other) = Manifest::decode(&bytes) {
            prop_assert_eq!(other.encode(), bytes);
        }
    }
}

fn entry(path: &str, kind: Kind) -> Entry {
    Entry {
        path: RelPath::new(path).unwrap(),
        mode: 0o644,
        mtime_ns: 0,
        kind,
    }
}

#[test]
fn trees_that_are_none_are_refused() {
    let empty = || Kind::File {
        size: 0,
        chunks: vec![],
    };
    let link = |target: &str| Kind::Symlink {
        target: target.into(),
    };
    let short = Kind::File {
        size: CHUNK_LEN + 1,
        chunks: vec![hash_bytes(b"x")],
    };
    let mut special = entry("a", empty());
    special.mode = 0o4755;
    for entries in [
        vec![entry("a", empty()), entry("a", Kind::Dir)],
        vec![entry("a/b", empty())],
        vec![entry("a", empty()), entry("a/b", empty())],
        vec![entry("a", link("b")), entry("a/b", empty())],
        vec![entry("a", link("/etc/passwd"))],
        vec![entry("a", link("../b"))],
        vec![entry("a", short)],
        vec![special],
    ] {
        assert!(Manifest::new(entries.clone()).is_err(), "{entries:?}");
        assert!(Manifest::decode(&codec::encode(&entries)).is_err());
    }
}

#[test]
fn a_large_tree_is_cut_into_parts_with_one_root() {
    let count = 150_000_u32;
    let files = (0..count).map(|n| {
        let chunk = hash_bytes(&n.to_le_bytes());
        let kind = Kind::File {
            size: 1 << 20,
            chunks: vec![chunk],
        };
        entry(&format!("{n}.with-a-name-of-some-length"), kind)
    });
    let manifest = Manifest::new(files.collect()).unwrap();
    let TreeBlobs { root, blobs } = manifest.to_blobs();
    assert!(blobs.len() > 1);
    let (hash, last) = blobs.last().unwrap();
    assert_eq!(*hash, root);
    let Root::Parts(parts) = Root::decode(last).unwrap() else {
        panic!("a list of parts was expected");
    };
    let names: Vec<_> = blobs[..blobs.len() - 1].iter().map(|blob| blob.0).collect();
    assert_eq!(parts, names);
}
