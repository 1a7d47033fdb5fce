//! Sends trees to the control plane: only what it lacks, in parallel, and again after a cut.

use crate::failure::Failure;
use crate::settings::cache_dir;
use crate::ui::progress::Progress;
use anyhow::Context;
use bytes::Bytes;
use futures_util::stream::unfold;
use futures_util::{FutureExt, Stream};
use livery_api::dto::ContentRoom;
use livery_api::{Client, Target};
use livery_content::{
    Compression, Entry, Frame, IgnoreRules, Kind, Manifest, RelPath, Scan, ScanOptions, TreeBlobs,
};
use livery_units::{Bytes as Size, ContentHash};
use std::collections::HashSet;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::mpsc;

/// A tree of local files, read and ready to be sent.
pub struct LocalTree {
    tree: TreeBlobs,
    scan: Scan,
    bytes: u64,
    files: u64,
}

/// What sending did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sent {
    /// Blobs sent.
    pub blobs: u64,
    /// Their bytes, before compression.
    pub bytes: u64,
}

/// Streams at once: one reads and packs while another is on the wire.
const STREAMS: usize = 3;

/// Frames in flight on a stream.
const FRAMES_IN_FLIGHT: usize = 8;

/// Hashes that are asked about at once.
const ASK_AT_ONCE: usize = 100_000;

/// How often a broken transfer is taken up again without any progress in between.
const TRIES_MAX: u32 = 5;

impl LocalTree {
    /// Reads a working directory, leaving out what its ignore files say.
    pub async fn workdir(dir: PathBuf) -> anyhow::Result<Self> {
        Self::scan(dir, IgnoreRules::Workdir).await
    }

    /// Reads a directory whole, or one file. Either way the tree has one entry at its top, of the
    /// given name: a mount is written into the directory above its destination, so that a file
    /// and a directory that holds one file of the same name are two different things.
    pub async fn mount(source: PathBuf, name: String) -> anyhow::Result<Self> {
        let read = move || -> anyhow::Result<Self> {
            let name = RelPath::new(name.as_bytes())?;
            let metadata = std::fs::metadata(&source)?;
            if !metadata.is_dir() {
                return Ok(Self::new(livery_content::scan_file(&source, &name)?));
            }
            let options = ScanOptions {
                ignore: IgnoreRules::Nothing,
                cache_dir: cache_dir(),
            };
            let mut scan = livery_content::scan(&source, &options)?;
            scan.manifest = below(&scan.manifest, &name, &metadata)?;
            Ok(Self::new(scan))
        };
        tokio::task::spawn_blocking(read).await?
    }

    async fn scan(dir: PathBuf, ignore: IgnoreRules) -> anyhow::Result<Self> {
        let options = ScanOptions {
            ignore,
            cache_dir: cache_dir(),
        };
        let scan = tokio::task::spawn_blocking(move || livery_content::scan(&dir, &options));
        Ok(Self::new(scan.await??))
    }

    fn new(scan: Scan) -> Self {
        Self {
            tree: scan.manifest.to_blobs(),
            bytes: scan.manifest.total_bytes(),
            files: scan.manifest.file_count(),
            scan,
        }
    }

    /// Returns the hash that stands for the whole tree.
    pub fn root(&self) -> ContentHash {
        self.tree.root
    }

    /// Returns how many files it has.
    pub fn files(&self) -> u64 {
        self.files
    }

    /// Returns how many bytes its files have.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Every blob of the tree once: its files' chunks first, so that a manifest that has arrived
    /// speaks of content that has arrived too.
    fn hashes(&self) -> Vec<ContentHash> {
        let own = self.tree.blobs.iter().map(|(hash, _)| hash);
        let mut seen = HashSet::new();
        let all = self.scan.sources.hashes().chain(own).copied();
        all.filter(|hash| seen.insert(*hash)).collect()
    }

    fn len_of(&self, hash: &ContentHash) -> u64 {
        let own = || self.tree.blobs.iter().find(|(own, _)| own == hash);
        let own_len = || own().map_or(0, |(_, bytes)| bytes.len() as u64);
        self.scan.sources.len_of(hash).unwrap_or_else(own_len)
    }

    fn frame(&self, hash: &ContentHash, compression: Compression) -> anyhow::Result<Frame> {
        let own = self.tree.blobs.iter().find(|(own, _)| own == hash);
        match own {
            Some((_, bytes)) => Ok(Frame::pack(*hash, bytes.clone(), compression)?),
            None => Ok(self.scan.sources.frame(hash, compression)?),
        }
    }
}

/// Sends what the control plane lacks of a tree.
pub async fn send(client: &Client, tree: LocalTree, what: &'static str) -> anyhow::Result<Sent> {
    let tree = Arc::new(tree);
    let hashes = tree.hashes();
    let mut progress = None;
    let mut sent = Sent::default();
    let mut tries = 0;
    loop {
        let lacking = missing(client, &hashes).await?;
        if lacking.is_empty() {
            return Ok(sent);
        }
        let bytes = lacking.iter().map(|hash| tree.len_of(hash)).sum();
        if progress.is_none() {
            ensure_room(client, bytes, what).await?;
        }
        let shown = progress.get_or_insert_with(|| Arc::new(Progress::new(what, bytes)));
        let result = send_all(client, &tree, &lacking, shown).await;
        let error = match result {
            Ok(()) => {
                sent.blobs += lacking.len() as u64;
                sent.bytes += bytes;
                shown.finish();
                return Ok(sent);
            }
            Err(error) => error,
        };
        tries += 1;
        let api = error.downcast_ref::<livery_api::Error>();
        if tries == TRIES_MAX || !api.is_some_and(livery_api::Error::is_passing) {
            shown.finish();
            return Err(error.context(format!("the {what} could not be sent")));
        }
        tokio::time::sleep(std::time::Duration::from_millis(200) * 2_u32.pow(tries)).await;
    }
}

/// Nothing is sent that would not fit: half a tree would be of no use and in everybody's way.
async fn ensure_room(client: &Client, bytes: u64, what: &str) -> anyhow::Result<()> {
    let ContentRoom { room, kept, quota } = client.content_room().await?;
    let needed = Size::new(bytes);
    if needed <= room {
        return Ok(());
    }
    if let Some(quota) = quota.filter(|quota| quota.saturating_minus(kept) <= room) {
        let message = format!(
            "your account may keep {quota} at the control plane, and {kept} are there: the {what} need \
             {needed} more"
        );
        let hint = "send less (`.skyignore` leaves files out), drop results of old runs (`livery \
                    results RUN --drop`), or ask the control plane's owner for more; what was sent and \
                    not used for a day goes by itself";
        return Err(Failure::mistake(message).hint(hint).into());
    }
    let message = format!(
        "the control plane's disk is full: the {what} need {needed}, and there is room for {room}"
    );
    let hint =
        "make room on the control plane's machine, or send less (`.skyignore` leaves files out)";
    Err(Failure::failed(message).hint(hint).into())
}

async fn missing(client: &Client, hashes: &[ContentHash]) -> anyhow::Result<Vec<ContentHash>> {
    let mut lacking = Vec::new();
    for some in hashes.chunks(ASK_AT_ONCE) {
        lacking.extend(client.content_missing(some).await?);
    }
    Ok(lacking)
}

async fn send_all(
    client: &Client,
    tree: &Arc<LocalTree>,
    lacking: &[ContentHash],
    progress: &Arc<Progress>,
) -> anyhow::Result<()> {
    // The manifest goes last, and alone, when everything it speaks of is there.
    let is_own = |hash: &ContentHash| tree.tree.blobs.iter().any(|(own, _)| own == hash);
    let (own, content): (Vec<_>, Vec<_>) = lacking.iter().copied().partition(is_own);
    let way = match client.target() {
        Target::Unix(_) => Compression::Never,
        Target::Http { .. } | Target::Https { .. } => Compression::WherePays,
    };
    let queue = Arc::new(Queue::new(content));
    let streams = (0..STREAMS.min(queue.hashes.len())).map(|_| {
        let frames = produce(tree.clone(), queue.clone(), way, progress.clone());
        put(client, frames)
    });
    futures_util::future::try_join_all(streams).await?;
    let queue = Arc::new(Queue::new(own));
    let frames = produce(tree.clone(), queue, way, progress.clone());
    put(client, frames).await
}

/// Sends one stream; a file that could not be read is the reason, not the broken stream that
/// follows from it.
async fn put(client: &Client, produced: Produced) -> anyhow::Result<()> {
    let put = client.content_put(produced.frames).await;
    if let Some(Ok(failed)) = produced.failed.now_or_never() {
        return Err(failed);
    }
    Ok(put?)
}

/// Work that several producers share.
struct Queue {
    hashes: Vec<ContentHash>,
    next: AtomicUsize,
}

impl Queue {
    fn new(hashes: Vec<ContentHash>) -> Self {
        let next = AtomicUsize::new(0);
        Self { hashes, next }
    }

    fn take(&self) -> Option<&ContentHash> {
        self.hashes.get(self.next.fetch_add(1, Ordering::Relaxed))
    }
}

struct Produced {
    frames: std::pin::Pin<Box<dyn Stream<Item = std::io::Result<Bytes>> + Send>>,
    failed: tokio::sync::oneshot::Receiver<anyhow::Error>,
}

/// Reads and packs on a thread of its own; small frames are joined so that the wire sees few large
/// pieces.
fn produce(
    tree: Arc<LocalTree>,
    queue: Arc<Queue>,
    compression: Compression,
    progress: Arc<Progress>,
) -> Produced {
    const PIECE_BYTES: usize = 256 << 10;
    let (sender, receiver) = mpsc::channel::<std::io::Result<Bytes>>(FRAMES_IN_FLIGHT);
    let (tell, failed) = tokio::sync::oneshot::channel();
    tokio::task::spawn_blocking(move || {
        let mut piece = Vec::new();
        while let Some(hash) = queue.take() {
            let frame = match tree.frame(hash, compression) {
                Ok(frame) => frame,
                Err(error) => {
                    // The reader of the channel may have left already.
                    let _ = tell.send(error);
                    let _ = sender.blocking_send(Err(std::io::Error::other("a file failed")));
                    return;
                }
            };
            progress.add(tree.len_of(hash));
            piece.extend_from_slice(&frame.header());
            if frame.body().len() < PIECE_BYTES {
                piece.extend_from_slice(frame.body());
                if piece.len() < PIECE_BYTES {
                    continue;
                }
            }
            let is_large = frame.body().len() >= PIECE_BYTES;
            let head = Bytes::from(std::mem::take(&mut piece));
            let body = is_large.then(|| frame.body().clone());
            for bytes in std::iter::once(head).chain(body) {
                if sender.blocking_send(Ok(bytes)).is_err() {
                    return;
                }
            }
        }
        if !piece.is_empty() {
            // The reader of the channel may have left already.
            let _ = sender.blocking_send(Ok(piece.into()));
        }
    });
    let frames = unfold(receiver, |mut receiver| async move {
        receiver.recv().await.map(|piece| (piece, receiver))
    });
    Produced {
        frames: Box::pin(frames),
        failed,
    }
}

/// Returns the same tree in a directory of that name.
fn below(manifest: &Manifest, name: &RelPath, top: &Metadata) -> anyhow::Result<Manifest> {
    let nanos = top
        .mtime()
        .saturating_mul(1_000_000_000)
        .saturating_add(top.mtime_nsec());
    let mut entries = vec![Entry {
        path: name.clone(),
        mode: top.mode() & 0o777,
        mtime_ns: nanos,
        kind: Kind::Dir,
    }];
    for entry in manifest.entries() {
        let path = [name.as_bytes(), entry.path.as_bytes()].join(&b'/');
        entries.push(Entry {
            path: RelPath::new(path)?,
            ..entry.clone()
        });
    }
    Ok(Manifest::new(entries)?)
}

/// Reads a job's local tree and says which one failed.
pub async fn read_mount(source: &Path, dest: &str) -> anyhow::Result<LocalTree> {
    let name = dest.rsplit('/').next().unwrap_or(dest).to_owned();
    LocalTree::mount(source.to_owned(), name)
        .await
        .with_context(|| format!("cannot read {} (for {dest})", source.display()))
}
