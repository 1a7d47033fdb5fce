//! Copies a directory the way a run does and says how long each part took.
//!
//! `cargo run --release -p livery-content --example copy_tree -- FROM STORE TO [CACHE]` scans FROM
//! (remembering hashes in CACHE), sends what the store in STORE lacks as frames over a socket, and
//! writes the tree to TO. It shows where the time of a transfer goes, without servers around it.

use std::error::Error;
use std::fs;
use std::io::{self, BufReader, BufWriter, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Instant;

use livery_content::{
    Compression, ContentStore, Halt, IgnoreRules, Owner, Scan, ScanOptions, Target, materialise,
    read_frame, scan, write_frame,
};
use livery_units::{Bytes, ContentHash};

/// Streams side by side, as the CLI has them.
const STREAMS: usize = 2;

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args_os().skip(1).map(PathBuf::from);
    let (Some(from), Some(store), Some(to)) = (args.next(), args.next(), args.next()) else {
        return Err("usage: copy_tree FROM STORE TO [CACHE]".into());
    };
    let options = ScanOptions {
        ignore: IgnoreRules::Nothing,
        cache_dir: args.next(),
    };
    let begun = Instant::now();
    let scan = scan(&from, &options)?;
    let scanned = begun.elapsed();
    let store = ContentStore::open(&store, Compression::Never)?;
    let tree = scan.manifest.to_blobs();
    for (_, bytes) in &tree.blobs {
        store.put(bytes)?;
    }
    let missing = store.tree_missing(&tree.root)?;
    let asked = begun.elapsed();
    send(&scan, &missing, &store)?;
    let sent = begun.elapsed();
    fs::create_dir_all(&to)?;
    let root = fs::File::open(&to)?;
    let target = Target {
        root: root.as_fd(),
        path: Path::new(""),
        owner: Owner::current(),
    };
    let written = materialise(&store, &store.tree(&tree.root)?, &target, &Halt::default())?;
    let done = begun.elapsed();
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "scan   {scanned:?} ({} files known before)",
        scan.reused_files
    )?;
    writeln!(
        out,
        "ask    {:?} ({} blobs missing)",
        asked - scanned,
        missing.len()
    )?;
    writeln!(out, "send   {:?}", sent - asked)?;
    writeln!(
        out,
        "write  {:?} ({} files, {}, {} kept)",
        done - sent,
        written.files_written,
        Bytes::new(written.bytes_written),
        written.files_kept
    )?;
    writeln!(out, "total  {done:?}")?;
    Ok(())
}

/// Sends blobs over sockets, with a thread at each end of each.
fn send(scan: &Scan, missing: &[ContentHash], store: &ContentStore) -> Result<(), Box<dyn Error>> {
    let share = missing.len().div_ceil(STREAMS).max(1);
    thread::scope(|scope| {
        let mut ends = Vec::new();
        for part in missing.chunks(share) {
            let (near, far) = UnixStream::pair()?;
            ends.push(scope.spawn(move || upload(scan, part, near).map_err(|e| e.to_string())));
            ends.push(scope.spawn(move || receive(far, store).map_err(|e| e.to_string())));
        }
        for end in ends {
            end.join().map_err(|_| "a stream broke off")??;
        }
        Ok(())
    })
}

fn upload(scan: &Scan, part: &[ContentHash], near: UnixStream) -> Result<(), Box<dyn Error>> {
    let mut output = BufWriter::with_capacity(256 << 10, near);
    for hash in part {
        write_frame(&mut output, &scan.sources.frame(hash, Compression::Never)?)?;
    }
    output.flush()?;
    Ok(())
}

fn receive(far: UnixStream, store: &ContentStore) -> Result<(), Box<dyn Error>> {
    let mut input = BufReader::with_capacity(256 << 10, far);
    while let Some(frame) = read_frame(&mut input)? {
        store.put_frame(&frame)?;
    }
    Ok(())
}
