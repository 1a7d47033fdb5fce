//! Files by content, in and out of pods.

use crate::bench::Bench;
use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use livery_content::{
    CHUNK_LEN, Compression, ContentStore, Entry, Frame, FrameDecoder, Kind, Manifest, RelPath,
    hash_bytes,
};
use livery_host_api::dto::{ApplyTree, Blobs, CollectTree};
use livery_host_api::{Error, Host};
use livery_units::{ContentHash, Span};

/// A tree of two files, one of them in a directory.
fn tree() -> (Manifest, Vec<Bytes>) {
    let contents = [Bytes::from("one\n"), Bytes::from(vec![7; 300_000])];
    let entry = |path: &str, mode, kind| Entry {
        path: RelPath::new(path).unwrap(),
        mode,
        mtime_ns: 1_600_000_000_000_000_000,
        kind,
    };
    let file = |content: &Bytes| Kind::File {
        size: content.len() as u64,
        chunks: vec![hash_bytes(content)],
    };
    let entries = vec![
        entry("run.sh", 0o755, file(&contents[0])),
        entry("data", 0o755, Kind::Dir),
        entry("data/block", 0o640, file(&contents[1])),
    ];
    (Manifest::new(entries).unwrap(), contents.to_vec())
}

fn framed(bytes: &Bytes) -> Bytes {
    let frame = Frame::pack(hash_bytes(bytes), bytes.clone(), Compression::WherePays).unwrap();
    [frame.header(), frame.body().clone()].concat().into()
}

/// Sends a tree of which no file has content, and returns its name.
pub async fn put(bench: &Bench, manifest: &Manifest) -> ContentHash {
    let blobs = manifest.to_blobs();
    let frames: Vec<_> = blobs
        .blobs
        .iter()
        .map(|(_, bytes)| Ok(framed(bytes)))
        .collect();
    let sent = bench.host().content_put(stream::iter(frames).boxed());
    sent.await.unwrap();
    blobs.root
}

pub async fn trees_go_in_and_come_out(bench: &mut Bench) {
    let pod = bench.pod(1).await;
    let (manifest, contents) = tree();
    let blobs = manifest.to_blobs();
    let mut all = contents.clone();
    all.extend(blobs.blobs.iter().map(|(_, bytes)| bytes.clone()));
    let hashes: Vec<ContentHash> = all.iter().map(|bytes| hash_bytes(bytes)).collect();
    let named = Blobs::from_hashes(&hashes);
    let missing = bench.host().content_missing(&named).await.unwrap();
    assert_eq!(missing, named);
    // Cut anywhere: frames need not arrive whole.
    let sent = all.iter().map(framed).collect::<Vec<_>>().concat();
    let pieces: Vec<_> = sent
        .chunks(1_000)
        .map(Bytes::copy_from_slice)
        .map(Ok)
        .collect();
    bench
        .host()
        .content_put(stream::iter(pieces).boxed())
        .await
        .unwrap();
    let missing = bench.host().content_missing(&named).await.unwrap();
    assert_eq!(missing, Blobs::default());

    let apply = ApplyTree {
        manifest: blobs.root.to_string(),
        dest: "job/files".into(),
    };
    let applied = bench.host().tree_apply(&pod, &apply).await.unwrap();
    assert_eq!((applied.files_written, applied.bytes_written), (2, 300_004));
    let again = bench.host().tree_apply(&pod, &apply).await.unwrap();
    assert_eq!((again.files_written, again.files_kept), (0, 2));
    let look = "cd job/files && stat -c '%a %u %Y' run.sh data/block && cat run.sh && id -u";
    let shown = "755 0 1600000000\n640 0 1600000000\none\n0";
    assert_eq!(bench.says(&pod, look).await, shown);

    bench
        .says(
            &pod,
            "echo new > job/files/data/result; ln -s /etc/passwd job/files/out",
        )
        .await;
    let collect = CollectTree {
        base: "/workspace/job/files".into(),
        patterns: vec!["data/**".into(), "out".into(), "none/*".into()],
    };
    let collected = bench.host().tree_collect(&pod, &collect).await.unwrap();
    assert_eq!((collected.files, collected.bytes), (2, 300_004));
    assert!(
        collected.notes.iter().any(|note| note.contains("out")),
        "{collected:?}"
    );
    fetch(bench, &collected.manifest, &contents[1]).await;
}

/// Fetches a collected tree as a control plane does and checks what is in it.
async fn fetch(bench: &Bench, manifest: &str, block: &Bytes) {
    let store = ContentStore::open(&bench.path().join("own"), Compression::Never).unwrap();
    let root: ContentHash = manifest.parse().unwrap();
    for wanted in ["the manifest", "its content"] {
        let missing = store.tree_missing(&root).unwrap();
        assert!(!missing.is_empty(), "{wanted}");
        let frames = bench
            .host()
            .content_get(&Blobs::from_hashes(&missing))
            .await;
        let pieces: Vec<Bytes> = frames.unwrap().try_collect().await.unwrap();
        let mut decoder = FrameDecoder::default();
        decoder.push(&pieces.concat());
        while let Some(frame) = decoder.next_frame().unwrap() {
            store.put_frame(&frame).unwrap();
        }
        decoder.finish().unwrap();
    }
    assert!(store.tree_missing(&root).unwrap().is_empty());
    let tree = store.tree(&root).unwrap();
    let result = tree.get(&RelPath::new("data/result").unwrap()).unwrap();
    assert!(matches!(&result.kind, Kind::File { size: 4, .. }));
    assert_eq!(store.get(&hash_bytes(block)).unwrap(), *block);
}

pub async fn broken_content_is_refused(bench: &mut Bench) {
    let put = async |bytes: Bytes| {
        let frames = stream::iter([Ok(bytes)]).boxed();
        bench.host().content_put(frames).await
    };
    let good = framed(&Bytes::from("some content"));
    let torn = put(good.slice(..good.len() - 1)).await;
    assert!(matches!(torn, Err(Error::Invalid(_))), "{torn:?}");
    let mut forged = good.to_vec();
    forged[0] ^= 1;
    let forged = put(forged.into()).await;
    assert!(matches!(forged, Err(Error::Invalid(_))), "{forged:?}");
    let absent = Blobs::from_hashes(&[ContentHash::from_bytes([9; 32])]);
    let got = bench.host().content_get(&absent).await.unwrap();
    let got = got.try_collect::<Vec<_>>().await;
    assert!(matches!(got, Err(Error::NotFound(_))), "{got:?}");
    let pod = bench.pod(1).await;
    for pattern in ["/etc/*", "../x"] {
        let collect = CollectTree {
            base: "/workspace".into(),
            patterns: vec![pattern.into()],
        };
        let refused = bench.host().tree_collect(&pod, &collect).await;
        assert!(matches!(refused, Err(Error::Invalid(_))), "{refused:?}");
    }
    bench.host().content_keep(&[]).await.unwrap();
}

/// How many chunks the large file has: hashing all of them takes minutes.
const CHUNKS: u64 = 20_000;

pub async fn work_on_files_ends_with_its_caller_and_with_the_pod(bench: &mut Bench) {
    let mut spec = crate::bench::pod_spec();
    spec.volume_disk = 192 << 20;
    let pod = crate::bench::pod_id(1);
    let made = bench.host().pod_create(&pod, &spec, crate::bench::PATIENCE);
    made.await.unwrap();
    // Each chunk has some bytes of its own and is a hole else, so that little is on the disk.
    let write = format!(
        "python3 -c 'import os\nfile = os.open(\"large\", os.O_CREAT | os.O_WRONLY)\n\
         for n in range({CHUNKS}): os.pwrite(file, n.to_bytes(8, \"little\"), n * {CHUNK_LEN})'"
    );
    bench.says(&pod, &format!("cd /workspace; {write}")).await;
    let begin = || {
        let (host, pod) = (bench.shared_host(), pod.clone());
        let collect = CollectTree {
            base: "/workspace".into(),
            patterns: vec!["large".into()],
        };
        tokio::spawn(async move { host.tree_collect(&pod, &collect).await })
    };
    let collecting = begin();
    until_read(bench, Reads::Begun).await;
    collecting.abort();
    until_read(bench, Reads::Ended).await;
    assert!(lacks(bench, CHUNKS - 1).await, "it was read to its end");

    let collecting = begin();
    until_read(bench, Reads::Begun).await;
    bench.host().pod_stop(&pod, Span::ZERO).await.unwrap();
    let ended = collecting.await.unwrap();
    assert!(matches!(ended, Err(Error::WrongState(_))), "{ended:?}");
    let ended = begin().await.unwrap();
    assert!(matches!(ended, Err(Error::WrongState(_))), "{ended:?}");
    bench.host().pod_start(&pod).await.unwrap();

    let collecting = begin();
    until_read(bench, Reads::Begun).await;
    bench.host().pod_remove(&pod).await.unwrap();
    assert!(collecting.await.unwrap().is_err());
    assert!(lacks(bench, CHUNKS - 1).await, "it was read to its end");
}

/// Says whether a chunk of the large file has not come into the store.
async fn lacks(bench: &Bench, number: u64) -> bool {
    let mut chunk = vec![0; usize::try_from(CHUNK_LEN).unwrap()];
    chunk[..8].copy_from_slice(&number.to_le_bytes());
    let named = Blobs::from_hashes(&[hash_bytes(&chunk)]);
    bench.host().content_missing(&named).await.unwrap() == named
}

#[derive(PartialEq, Eq)]
enum Reads {
    Begun,
    Ended,
}

async fn until_read(bench: &Bench, wanted: Reads) {
    let deadline = std::time::Instant::now() + crate::bench::PATIENCE.to_std();
    loop {
        let now = match is_read("large") {
            true if !lacks(bench, 20).await => Reads::Begun,
            true => continue,
            false => Reads::Ended,
        };
        if now == wanted {
            return;
        }
        assert!(std::time::Instant::now() < deadline);
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}

/// Says whether this process, which the agent is in, has a file of that name open.
fn is_read(name: &str) -> bool {
    let open = std::fs::read_dir("/proc/self/fd").unwrap().flatten();
    let mut links = open.filter_map(|entry| std::fs::read_link(entry.path()).ok());
    links.any(|link| link.file_name().is_some_and(|file| file == name))
}
