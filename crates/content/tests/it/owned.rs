//! A store that accounts share.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use livery_content::{
    Ages, Compression, ContentError, Frame, Holding, OwnedContent, Quota, hash_bytes,
};
use livery_units::{AccountId, Bytes, ContentHash, Span};

use crate::support::{noise, one_of_everything, take_all, temp};

/// What nothing needs goes at once.
const AT_ONCE: Ages = Ages {
    sent: Span::ZERO,
    home: Span::ZERO,
    unowned: Span::ZERO,
};

fn open(dir: &Path) -> OwnedContent {
    OwnedContent::open(dir, Compression::WherePays).unwrap()
}

fn accounts() -> [AccountId; 2] {
    ["acc_a", "acc_b"].map(|id| id.parse().unwrap())
}

fn frame(bytes: &[u8]) -> Frame {
    let packed = bytes.to_vec().into();
    Frame::pack(hash_bytes(bytes), packed, Compression::WherePays).unwrap()
}

fn blobs() -> Vec<Frame> {
    [noise(1, 2_000), noise(2, 200_000), b"text ".repeat(900)]
        .iter()
        .map(|bytes| frame(bytes))
        .collect()
}

fn names(frames: &[Frame]) -> Vec<ContentHash> {
    frames.iter().map(|frame| *frame.hash()).collect()
}

fn kept_bytes(dir: &Path) -> u64 {
    let mut sum = 0;
    for entry in walk(dir) {
        sum += fs::metadata(&entry).unwrap().len();
    }
    sum
}

fn walk(dir: &Path) -> Vec<std::path::PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => files.extend(walk(&path)),
            false => files.push(path),
        }
    }
    files
}

#[test]
fn an_account_sees_what_it_has_sent_and_nothing_of_others() {
    let dir = temp();
    let content = open(dir.path());
    let [a, b] = accounts();
    let (frames, all) = (blobs(), names(&blobs()));
    content.put_frames(&a, &frames, Quota::Unlimited).unwrap();
    assert_eq!(content.missing(&a, &all), []);
    // To the other it is as if nothing were here, also with the names at hand.
    assert_eq!(content.missing(&b, &all), all);
    assert_eq!(content.holding(&b), Holding::default());
    for hash in &all {
        assert!(content.get_frame(&a, hash).unwrap().unpack().is_ok());
        let refused = content.get_frame(&b, hash);
        assert!(matches!(refused, Err(ContentError::Missing { .. })));
    }
    // Only the bytes themselves make it the other's too, and they are not kept twice.
    let forged = Frame::pack(all[0], b"forged".to_vec().into(), Compression::Never).unwrap();
    assert!(content.put_frames(&b, &[forged], Quota::Unlimited).is_err());
    assert_eq!(content.missing(&b, &all), all);
    let before = kept_bytes(&dir.path().join("packs")) + kept_bytes(&dir.path().join("objects"));
    content.put_frames(&b, &frames, Quota::Unlimited).unwrap();
    let after = kept_bytes(&dir.path().join("packs")) + kept_bytes(&dir.path().join("objects"));
    assert_eq!(before, after);
    assert_eq!(content.missing(&b, &all), []);
    assert_eq!(content.holding(&a), content.holding(&b));
    drop(content);
    // It is known after a restart too.
    let content = open(dir.path());
    let absent = hash_bytes(b"absent");
    assert_eq!(content.missing(&a, &[all[0], absent, absent]), [absent]);
    assert_eq!(content.holding(&a).blobs, 3);
}

#[test]
fn a_tree_is_whole_for_those_who_own_every_blob_of_it() {
    let (from, dir) = (temp(), temp());
    one_of_everything(from.path());
    let scan = take_all(from.path()).unwrap();
    let tree = scan.manifest.to_blobs();
    let content = open(dir.path());
    let [a, b] = accounts();
    let manifest: Vec<Frame> = tree.blobs.iter().map(|(_, bytes)| frame(bytes)).collect();
    for owner in [&a, &b] {
        content
            .put_frames(owner, &manifest, Quota::Unlimited)
            .unwrap();
        if *owner == b {
            // Who has the manifest has not what it speaks of.
            break;
        }
        for hash in content.tree_missing(owner, &tree.root).unwrap() {
            let frame = scan.sources.frame(&hash, Compression::WherePays).unwrap();
            content
                .put_frames(owner, &[frame], Quota::Unlimited)
                .unwrap();
        }
    }
    assert_eq!(content.tree_missing(&a, &tree.root).unwrap(), []);
    let lacking = content.tree_missing(&b, &tree.root).unwrap();
    let mut chunks: Vec<_> = scan.manifest.chunks().map(|(hash, _)| hash).collect();
    chunks.sort();
    chunks.dedup();
    assert_eq!(lacking.len(), chunks.len());
    // What a host found in a pod of the account is its own without being sent.
    content
        .bring_home(&b, &tree.root, Quota::Unlimited)
        .unwrap();
    assert_eq!(content.tree_missing(&b, &tree.root).unwrap(), []);
}

#[test]
fn a_quota_counts_what_is_owned_once_and_before_compression() {
    let dir = temp();
    let content = open(dir.path());
    let [a, b] = accounts();
    let quota = Quota::Limited(Bytes::new(10_000));
    let (six, five) = (frame(&b"six ".repeat(1_500)), frame(&b"five".repeat(1_250)));
    content
        .put_frames(&a, &[six.clone(), six.clone()], quota)
        .unwrap();
    assert_eq!(content.holding(&a).bytes, Bytes::new(6_000));
    assert_eq!(content.room(&a, quota).unwrap(), Bytes::new(4_000));
    let refused = content.put_frames(&a, std::slice::from_ref(&five), quota);
    let Err(ContentError::OverQuota {
        would_be,
        quota: most,
    }) = refused
    else {
        panic!("{refused:?}");
    };
    assert_eq!((would_be, most), (Bytes::new(11_000), Bytes::new(10_000)));
    assert!(!content.store().contains(five.hash()));
    // What is owned already is no more of it, also when the quota was lowered since.
    let lowered = Quota::Limited(Bytes::new(1));
    content
        .put_frames(&a, std::slice::from_ref(&six), lowered)
        .unwrap();
    assert_eq!(content.room(&a, lowered).unwrap(), Bytes::ZERO);
    // One account's files are none of another's quota, also where they are the same.
    content
        .put_frames(&b, &[five, six], Quota::Limited(Bytes::new(11_000)))
        .unwrap();
}

#[test]
fn results_beyond_the_quota_do_not_come_home() {
    let (from, dir) = (temp(), temp());
    one_of_everything(from.path());
    let content = open(dir.path());
    let [a, _] = accounts();
    let root = crate::support::send(&take_all(from.path()).unwrap(), content.store());
    let small = Quota::Limited(Bytes::mib(16));
    let refused = content.bring_home(&a, &root, small);
    assert!(
        matches!(refused, Err(ContentError::OverQuota { .. })),
        "{refused:?}"
    );
    assert_eq!(content.holding(&a), Holding::default());
    content
        .bring_home(&a, &root, Quota::Limited(Bytes::mib(32)))
        .unwrap();
}

#[test]
fn a_sweep_takes_from_each_account_what_none_of_its_trees_needs() {
    let (from, dir) = (temp(), temp());
    one_of_everything(from.path());
    let scan = take_all(from.path()).unwrap();
    let content = open(dir.path());
    let [a, b] = accounts();
    let root = crate::support::send(&scan, content.store());
    content.bring_home(&a, &root, Quota::Unlimited).unwrap();
    content.bring_home(&b, &root, Quota::Unlimited).unwrap();
    let upload = frame(&noise(9, 3_000));
    content
        .put_frames(&b, std::slice::from_ref(&upload), Quota::Unlimited)
        .unwrap();

    let hour = Span::from_secs(3_600);
    let kept = BTreeMap::from([(a.clone(), vec![root])]);
    let young = Ages {
        sent: hour,
        ..AT_ONCE
    };
    content.sweep(&kept, &young).unwrap();
    // B's tree is gone from B and stays for A; what B has sent may belong to a run that comes.
    assert_eq!(content.missing(&b, &[root, *upload.hash()]), [root]);
    assert_eq!(content.tree_missing(&a, &root).unwrap(), []);
    assert_eq!(content.holding(&b).blobs, 1);

    content.sweep(&kept, &AT_ONCE).unwrap();
    assert_eq!(content.holding(&b), Holding::default());
    assert!(!content.store().contains(upload.hash()));
    assert_eq!(content.tree_missing(&a, &root).unwrap(), []);

    content.sweep(&BTreeMap::new(), &AT_ONCE).unwrap();
    assert!(!content.store().contains(&root));
    assert_eq!(
        walk(&dir.path().join("owners")),
        Vec::<std::path::PathBuf>::new()
    );
}

#[test]
fn a_list_that_was_cut_off_loses_its_end_and_a_lost_one_comes_back_with_its_trees() {
    let dir = temp();
    let content = open(dir.path());
    let [a, _] = accounts();
    let frames = blobs();
    let all = names(&frames);
    for one in &frames {
        content
            .put_frames(&a, std::slice::from_ref(one), Quota::Unlimited)
            .unwrap();
    }
    drop(content);
    let list = dir.path().join("owners/acc_a");
    let whole = fs::read(&list).unwrap();
    for cut in 0..whole.len() {
        fs::write(&list, &whole[..cut]).unwrap();
        let content = open(dir.path());
        let missing = content.missing(&a, &all);
        assert_eq!(missing, all[all.len() - missing.len()..], "{cut}");
        assert!(!missing.is_empty(), "{cut}");
        // What is sent again is written behind what is whole.
        content.put_frames(&a, &frames, Quota::Unlimited).unwrap();
        drop(content);
        assert_eq!(open(dir.path()).missing(&a, &all), [], "{cut}");
    }
    // Bytes that never reached the disk read as blanks.
    let mut torn = whole.clone();
    let end = torn.len();
    torn[end - 60..].fill(0);
    fs::write(&list, torn).unwrap();
    assert_eq!(open(dir.path()).missing(&a, &all), all[1..]);

    let content = open(dir.path());
    let from = temp();
    one_of_everything(from.path());
    let root = crate::support::send(&take_all(from.path()).unwrap(), content.store());
    assert_eq!(content.missing(&a, &[root]), [root]);
    content
        .sweep(&BTreeMap::from([(a.clone(), vec![root])]), &AT_ONCE)
        .unwrap();
    drop(content);
    assert_eq!(open(dir.path()).tree_missing(&a, &root).unwrap(), []);
}
