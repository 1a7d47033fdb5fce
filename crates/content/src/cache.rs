//! Hashes of files that were read before, so that unchanged ones are not read again.
//!
//! One file per scanned directory, in the user's cache directory. It is only ever a help: one that
//! is damaged, absent or cannot be written costs time and nothing else.

use std::collections::HashMap;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use livery_units::ContentHash;

use crate::chunk::chunk_count;
use crate::confined::FileStat;
use crate::manifest::{Reader, Writer};
use crate::read::Hashed;
use crate::{ContentError, RelPath, hash_bytes};

const MAGIC: &[u8; 8] = b"LVHASH1\n";
/// A file changed twice within one tick of the clock has the same times both times, so files this
/// young when they were read are read again.
const TICK_NS: i64 = 100_000_000;

/// What is known of the files of one directory.
#[derive(Debug, Default)]
pub(crate) struct HashCache {
    file: Option<PathBuf>,
    known: HashMap<RelPath, Known>,
}

/// A file that was read: what tells that it is unchanged, and its hashes.
#[derive(Debug, Clone)]
struct Known {
    identity: Identity,
    chunks: Vec<ContentHash>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Identity {
    dev: u64,
    ino: u64,
    size: u64,
    mtime_ns: i64,
    ctime_ns: i64,
}

impl HashCache {
    /// Reads what is known of a directory; nothing if `cache_dir` is `None`.
    pub(crate) fn load(cache_dir: Option<&Path>, root: &Path) -> Self {
        let Some(cache_dir) = cache_dir else {
            return Self::default();
        };
        let name = hash_bytes(root.as_os_str().as_bytes()).to_string();
        let file = cache_dir.join(&name[..32]);
        let known = fs::read(&file).ok().and_then(|bytes| decode(&bytes));
        Self {
            file: Some(file),
            known: known.unwrap_or_default(),
        }
    }

    /// Returns the hashes of a file if it is the one that was read.
    pub(crate) fn find(&self, path: &RelPath, stat: &FileStat) -> Option<Hashed> {
        let known = self.known.get(path)?;
        (known.identity == Identity::of(stat)).then(|| Hashed {
            stat: *stat,
            chunks: known.chunks.clone(),
        })
    }

    /// Writes what is known now; `begun_ns` is when the scan began.
    pub(crate) fn save<'a>(
        &self,
        files: impl Iterator<Item = (&'a RelPath, &'a Hashed)>,
        begun_ns: i64,
    ) {
        let Some(file) = &self.file else { return };
        let old = begun_ns.saturating_sub(TICK_NS);
        let settled =
            files.filter(|(_, hashed)| hashed.stat.mtime_ns < old && hashed.stat.ctime_ns < old);
        let bytes = encode(settled);
        let tmp = file.with_extension(std::process::id().to_string());
        let written = file
            .parent()
            .map_or(Ok(()), fs::create_dir_all)
            .and_then(|()| fs::write(&tmp, bytes))
            .and_then(|()| fs::rename(&tmp, file));
        if written.is_err() {
            // The next scan reads the files again; there is nobody to tell that now.
            let _ = fs::remove_file(&tmp);
        }
    }
}

impl Identity {
    fn of(stat: &FileStat) -> Self {
        Self {
            dev: stat.dev,
            ino: stat.ino,
            size: stat.size,
            mtime_ns: stat.mtime_ns,
            ctime_ns: stat.ctime_ns,
        }
    }
}

fn encode<'a>(files: impl Iterator<Item = (&'a RelPath, &'a Hashed)>) -> Vec<u8> {
    let mut out = Writer::with_capacity(1 << 20);
    out.raw(MAGIC);
    for (path, hashed) in files {
        let identity = Identity::of(&hashed.stat);
        out.bytes(path.as_bytes());
        out.number(identity.dev);
        out.number(identity.ino);
        out.number(identity.size);
        out.signed(identity.mtime_ns);
        out.signed(identity.ctime_ns);
        out.hashes(&hashed.chunks);
    }
    let mut bytes = out.finish();
    let check = hash_bytes(&bytes);
    bytes.extend_from_slice(check.as_bytes());
    bytes
}

fn decode(bytes: &[u8]) -> Option<HashMap<RelPath, Known>> {
    let (bytes, check) = bytes.split_last_chunk::<32>()?;
    if hash_bytes(bytes).as_bytes() != check {
        return None;
    }
    let mut input = Reader::new(bytes.strip_prefix(MAGIC)?);
    let mut known = HashMap::new();
    while !input.is_empty() {
        let (path, file) = decode_one(&mut input).ok()?;
        known.insert(path, file);
    }
    Some(known)
}

fn decode_one(input: &mut Reader<'_>) -> Result<(RelPath, Known), ContentError> {
    let path = RelPath::new(input.bytes()?)?;
    let identity = Identity {
        dev: input.number()?,
        ino: input.number()?,
        size: input.number()?,
        mtime_ns: input.signed()?,
        ctime_ns: input.signed()?,
    };
    let known = Known {
        identity,
        chunks: input.hashes(chunk_count(identity.size))?,
    };
    Ok((path, known))
}
