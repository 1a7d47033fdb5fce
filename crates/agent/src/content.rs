//! Files by content: blobs in and out of the store, trees in and out of pods.

use crate::agent::Core;
use crate::error::{of_content, of_io, of_join, of_runtime};
use crate::options::Content;
use crate::pods::{Pod, user_id};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use livery_content::{
    CollectLimits, FrameDecoder, Halt, Manifest, Origin, Owner, Patterns, Target, collect,
    materialise,
};
use livery_host_api::dto::{Applied, ApplyTree, Blobs, CollectTree, Collected};
use livery_host_api::{ByteStream, Error};
use livery_units::{Bytes as Size, ContentHash, PodId, Span};
use rustix::fs::{Mode, OFlags};
use std::ops::Range;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::sync::mpsc;

/// Pieces of a stream of frames that may wait for the disk: with the windows of the connection this
/// bounds what a fast sender can make us hold.
const PIECES_WAITING: usize = 8;
/// Frames that may wait for the network; each is at most 16 MiB, and usually 8.
const FRAMES_WAITING: usize = 2;
/// How long content is kept that nobody named, for it may be on its way.
const KEEP_AGE: Span = Span::from_secs(3_600);

/// How much one collection may take; results beyond that belong on a volume.
const COLLECT_LIMITS: CollectLimits = CollectLimits {
    entries: 1_000_000,
    bytes: Size::gib(1_024),
    visited: 10_000_000,
    paths: Size::mib(256),
};

impl Core {
    /// Returns which blobs are not here.
    pub(crate) async fn content_missing(self: &Arc<Self>, hashes: &Blobs) -> Result<Blobs, Error> {
        let hashes = hashes.to_hashes()?;
        self.blocking(move |core| Ok(Blobs::from_hashes(&core.content.missing(&hashes))))
            .await
    }

    /// Takes frames as fast as the disk takes them.
    pub(crate) async fn content_put(self: &Arc<Self>, mut frames: ByteStream) -> Result<(), Error> {
        let (sender, receiver) = mpsc::channel(PIECES_WAITING);
        let store = Arc::clone(&self.content);
        let writer = tokio::task::spawn_blocking(move || write_frames(&store, receiver));
        let mut broken = None;
        while let Some(piece) = frames.next().await {
            match piece {
                Ok(piece) => {
                    // The writer has failed and says why below.
                    if sender.send(piece).await.is_err() {
                        break;
                    }
                }
                Err(error) => {
                    broken = Some(error);
                    break;
                }
            }
        }
        drop(sender);
        let written = writer.await.map_err(of_join)?;
        // A stream that broke ends within a frame; that it broke says more.
        broken.map_or(written, Err)
    }

    /// Returns frames as fast as they are taken.
    pub(crate) fn content_get(self: &Arc<Self>, hashes: &Blobs) -> Result<ByteStream, Error> {
        let hashes = hashes.to_hashes()?;
        let (sender, receiver) = mpsc::channel(FRAMES_WAITING);
        let store = Arc::clone(&self.content);
        tokio::task::spawn_blocking(move || {
            for hash in hashes {
                let frame = store.get_frame(&hash).map_err(of_content);
                let pieces = match frame {
                    Ok(frame) => vec![Ok(frame.header()), Ok(frame.body().clone())],
                    Err(error) => vec![Err(error)],
                };
                for piece in pieces {
                    let last = piece.is_err();
                    if sender.blocking_send(piece).is_err() || last {
                        return;
                    }
                }
            }
        });
        Ok(receiver_stream(receiver))
    }

    /// Drops what no named tree needs; a store that is shared is swept by its other owner.
    pub(crate) async fn content_keep(
        self: &Arc<Self>,
        manifests: &[ContentHash],
    ) -> Result<(), Error> {
        match self.options.content {
            Content::Shared(_) => Ok(()),
            Content::Own => {
                let trees = manifests.to_vec();
                self.blocking(move |core| {
                    let swept = core.content.gc(&trees, KEEP_AGE);
                    swept.map(drop).map_err(of_content)
                })
                .await
            }
        }
    }

    /// Writes a tree into a pod, owned by the pod's user.
    pub(crate) async fn tree_apply(
        self: &Arc<Self>,
        pod: &PodId,
        tree: &ApplyTree,
    ) -> Result<Applied, Error> {
        let pod = self.find(pod)?;
        let manifest: ContentHash = parse_hash(&tree.manifest)?;
        let dest = Path::new("/workspace").join(&tree.dest);
        self.on_files(&pod, move |core, pod, halt| {
            let manifest = core.content.tree(&manifest).map_err(of_content)?;
            let written = write_below(core, &open_root(core, pod)?, &manifest, (&dest, halt))?;
            Ok(Applied {
                files_written: written.files_written,
                bytes_written: written.bytes_written,
                files_kept: written.files_kept,
            })
        })
        .await
    }

    /// Takes files from a pod into the store.
    pub(crate) async fn tree_collect(
        self: &Arc<Self>,
        pod: &PodId,
        wanted: &CollectTree,
    ) -> Result<Collected, Error> {
        let pod = self.find(pod)?;
        let patterns = Patterns::parse(&wanted.patterns).map_err(of_content)?;
        let base = Path::new("/workspace").join(&wanted.base);
        self.on_files(&pod, move |core, pod, halt| {
            let root = open_root(core, pod)?;
            let store = &core.content;
            let origin = Origin {
                root: root.fd.as_fd(),
                base: &base,
                ids: root.ids,
            };
            let taken = collect(store, &origin, &patterns, &COLLECT_LIMITS, halt);
            let taken = taken.map_err(of_content)?;
            let manifest = store.put_tree(&taken.manifest).map_err(of_content)?;
            Ok(Collected {
                manifest: manifest.to_string(),
                files: taken.manifest.file_count(),
                bytes: taken.manifest.total_bytes(),
                notes: taken.notes,
                lost: taken.lost,
            })
        })
        .await
    }
}

/// Makes a directory in a pod with its parents, owned by the pod's user; one that is there stays.
pub(crate) fn make_dir(core: &Core, pod: &Pod, path: &Path) -> Result<(), Error> {
    let path = Path::new("/workspace").join(path);
    let root = open_root(core, pod)?;
    let nothing = Manifest::default();
    match write_below(core, &root, &nothing, (&path, &Halt::default())) {
        // The pod is there: it is a link that leads nowhere, and will do so the next time too.
        Err(Error::NotFound(why)) => Err(Error::Invalid(why)),
        result => result.map(drop),
    }
}

/// Turns a channel into a stream.
pub(crate) fn receiver_stream(receiver: mpsc::Receiver<Result<Bytes, Error>>) -> ByteStream {
    let next = |mut receiver: mpsc::Receiver<_>| async {
        let piece = receiver.recv().await?;
        Some((piece, receiver))
    };
    stream::unfold(receiver, next).boxed()
}

fn write_frames(
    store: &livery_content::ContentStore,
    mut pieces: mpsc::Receiver<Bytes>,
) -> Result<(), Error> {
    let mut decoder = FrameDecoder::default();
    while let Some(piece) = pieces.blocking_recv() {
        decoder.push(&piece);
        while let Some(frame) = decoder.next_frame().map_err(of_content)? {
            store.put_frame(&frame).map_err(of_content)?;
        }
    }
    decoder.finish().map_err(of_content)
}

fn write_below(
    core: &Core,
    root: &Root,
    manifest: &Manifest,
    (dest, halt): (&Path, &Halt),
) -> Result<livery_content::Written, Error> {
    let target = Target {
        root: root.fd.as_fd(),
        path: dest,
        owner: root.owner,
    };
    materialise(&core.content, manifest, &target, halt).map_err(of_content)
}

/// A pod's root directory, and its user as this machine numbers it.
struct Root {
    fd: OwnedFd,
    owner: Owner,
    /// Every id of the pod, as this machine numbers them.
    ids: Range<u32>,
}

fn open_root(core: &Core, pod: &Pod) -> Result<Root, Error> {
    let root = core.runtime.root(&pod.id).map_err(of_runtime)?;
    let (uid, gid) = user_id(&pod.record().user);
    let outside = |id: u32| root.first_id + id.min(root.ids - 1);
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let path: &PathBuf = &root.path;
    let fd = rustix::fs::open(path, flags, Mode::empty())
        .map_err(|error| of_io("open the pod's root", &error.into()))?;
    // The path goes by a process number. If that process still lives it is the pod's directory that
    // was opened, and not the root of a process that was given the number since.
    core.runtime.root(&pod.id).map_err(of_runtime)?;
    Ok(Root {
        fd,
        ids: root.first_id..root.first_id + root.ids,
        owner: Owner {
            uid: outside(uid),
            gid: outside(gid),
        },
    })
}

fn parse_hash(text: &str) -> Result<ContentHash, Error> {
    text.parse()
        .map_err(|error| Error::Invalid(format!("{error}")))
}
