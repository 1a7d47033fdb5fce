//! Brings a tree home: every blob is verified, a cut transfer goes on where it was.

use crate::failure::Failure;
use crate::ui::progress::Progress;
use anyhow::Context;
use futures_util::StreamExt;
use livery_api::Client;
use livery_api::dto::Run;
use livery_content::{
    Compression, ContentStore, Frame, FrameDecoder, Halt, Manifest, Owner, Target, Written,
    materialise,
};
use livery_units::{Bytes, ContentHash, counted};
use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Blobs asked for at once.
const BLOBS_AT_ONCE: usize = 4_096;

/// How often a broken transfer is taken up again.
const TRIES_MAX: u32 = 5;

/// What was brought home, as it is told to the user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Home(Written);

impl fmt::Display for Home {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let size = Bytes::new(self.0.bytes_written);
        let files = counted(self.0.files_written, "file", "files");
        write!(f, "{files} ({size})")?;
        if self.0.files_kept > 0 {
            write!(f, ", {} there already", self.0.files_kept)?;
        }
        Ok(())
    }
}

/// Brings a run's results to where the user says, or to `./results/NAME`, and returns where that is.
pub async fn results(
    client: &Client,
    run: &Run,
    manifest: ContentHash,
    named: Option<PathBuf>,
) -> anyhow::Result<(Home, PathBuf)> {
    let dir = dir_for(run, named)?;
    let home = tree(client, manifest, &dir).await?;
    Ok((home, dir))
}

fn dir_for(run: &Run, named: Option<PathBuf>) -> anyhow::Result<PathBuf> {
    match named {
        Some(dir) => Ok(dir),
        None => {
            let all = Path::new("results");
            make_unsent(all).with_context(|| format!("cannot make {}", all.display()))?;
            Ok(all.join(dir_name(run)))
        }
    }
}

/// Makes the directory of all results unless it is there. It often lies in the next run's
/// `workdir`, which is not to send it back: the file that says so is understood by git, too.
fn make_unsent(dir: &Path) -> std::io::Result<()> {
    match std::fs::create_dir(dir) {
        Ok(()) => std::fs::write(dir.join(".gitignore"), "*\n"),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}

fn dir_name(run: &Run) -> &str {
    // A name comes from a job file, which may be somebody else's.
    let safe = !run.name.is_empty()
        && !run.name.starts_with('.')
        && run
            .name
            .chars()
            .all(|c| c.is_alphanumeric() || "-_. ".contains(c));
    if safe {
        run.name.as_str()
    } else {
        run.id.as_str()
    }
}

/// Brings a tree to a directory.
async fn tree(client: &Client, root: ContentHash, dir: &Path) -> anyhow::Result<Home> {
    let cannot = || format!("cannot write the results to {}", dir.display());
    std::fs::create_dir_all(dir).with_context(cannot)?;
    let partial = dir.join(".livery-partial");
    let opened = ContentStore::open(&partial, Compression::Never);
    let store = Arc::new(opened.with_context(cannot)?);
    let manifest = fetch(client, &store, root).await?;
    let target = dir.to_owned();
    let (written, _) = tokio::task::spawn_blocking(move || {
        let result = write(&store, &manifest, &target);
        (result, store)
    })
    .await?;
    let written = written.with_context(cannot)?;
    std::fs::remove_dir_all(&partial).with_context(cannot)?;
    Ok(Home(written))
}

fn write(store: &ContentStore, manifest: &Manifest, dir: &Path) -> anyhow::Result<Written> {
    use std::os::fd::AsFd;
    let opened = std::fs::File::open(dir)?;
    let target = Target {
        root: opened.as_fd(),
        path: Path::new("/"),
        owner: Owner::current(),
    };
    Ok(materialise(store, manifest, &target, &Halt::default())?)
}

/// Brings every blob of a tree into the local store and returns its manifest.
async fn fetch(
    client: &Client,
    store: &Arc<ContentStore>,
    root: ContentHash,
) -> anyhow::Result<Manifest> {
    let mut tries = 0;
    let mut progress = None;
    loop {
        let missing = store.tree_missing(&root)?;
        if missing.is_empty() {
            if let Some((shown, _)) = &progress {
                Progress::finish(shown);
            }
            return Ok(store.tree(&root)?);
        }
        if progress.is_none() && store.contains(&root) {
            // Sizes are known once the manifest is here.
            progress = sizes(store, root).map(|sizes| {
                let bytes = missing.iter().filter_map(|hash| sizes.get(hash)).sum();
                (Progress::new("results", bytes), sizes)
            });
        }
        let some = &missing[..missing.len().min(BLOBS_AT_ONCE)];
        let add = |hash: &ContentHash| {
            if let Some((shown, sizes)) = &progress {
                shown.add(sizes.get(hash).copied().unwrap_or(0));
            }
        };
        match take(client, store, some, add).await {
            Ok(()) => tries = 0,
            Err(error) => {
                tries += 1;
                let api = error.downcast_ref::<livery_api::Error>();
                let passing = api.is_some_and(livery_api::Error::is_passing);
                if tries == TRIES_MAX || !passing {
                    return Err(error.context("the results could not be fetched"));
                }
                tokio::time::sleep(std::time::Duration::from_millis(200) * 2_u32.pow(tries)).await;
            }
        }
    }
}

fn sizes(store: &ContentStore, root: ContentHash) -> Option<HashMap<ContentHash, u64>> {
    Some(store.tree(&root).ok()?.chunks().collect())
}

/// Takes some blobs; the store checks each against its name.
async fn take(
    client: &Client,
    store: &Arc<ContentStore>,
    wanted: &[ContentHash],
    add: impl Fn(&ContentHash),
) -> anyhow::Result<()> {
    let mut stream = client.content_get(wanted).await?;
    let mut decoder = FrameDecoder::default();
    let mut got = 0;
    while let Some(piece) = stream.next().await {
        decoder.push(&piece?);
        let mut frames: Vec<Frame> = Vec::new();
        while let Some(frame) = decoder.next_frame()? {
            frames.push(frame);
        }
        got += frames.len();
        frames.iter().for_each(|frame| add(frame.hash()));
        let store = store.clone();
        let put = move || frames.iter().try_for_each(|frame| store.put_frame(frame));
        tokio::task::spawn_blocking(put).await??;
    }
    decoder.finish()?;
    if got < wanted.len() {
        let lacking = wanted.len() - got;
        let message = format!("the control plane no longer has {lacking} pieces of the results");
        return Err(Failure::failed(message).into());
    }
    Ok(())
}
