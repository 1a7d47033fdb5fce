//! Reading a user's directory into a manifest.

use std::fs;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::{SystemTime, UNIX_EPOCH};

use ignore::{DirEntry, WalkBuilder, WalkState};

use crate::cache::HashCache;
use crate::confined::{self, FileKind, FileStat};
use crate::path::escape;
use crate::read::{Candidate, Hashed, Keep, Outcome, Reading};
use crate::{ContentError, Entry, Halt, Kind, Manifest, RelPath, Sources, parallel};

/// Which files of a directory are left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IgnoreRules {
    /// None: everything is taken.
    Nothing,
    /// What a working directory leaves behind: the patterns of every `.skyignore` if there is one
    /// at its top, otherwise those of every `.gitignore` and of `.git/info/exclude`.
    Workdir,
}

/// How to scan.
#[derive(Debug, Clone)]
pub struct ScanOptions {
    /// Which files are left out.
    pub ignore: IgnoreRules,
    /// Where hashes of files are remembered from scan to scan; `None` reads everything each time.
    pub cache_dir: Option<PathBuf>,
}

/// What a scan found.
#[derive(Debug)]
pub struct Scan {
    /// The tree.
    pub manifest: Manifest,
    /// Where its content can be read.
    pub sources: Sources,
    /// How many files were known from an earlier scan and not read again.
    pub reused_files: u64,
}

/// Reads a directory: hashes of all files, and modes, times and symbolic links.
///
/// Links are not followed, except that `root` itself may be one. A link that points out of the
/// directory, and anything that is neither file, directory nor link, is an error that names it.
pub fn scan(root: &Path, options: &ScanOptions) -> Result<Scan, ContentError> {
    let root = fs::canonicalize(root).map_err(ContentError::on("open", root))?;
    let base = fs::File::open(&root).map_err(ContentError::on("open", &root))?;
    let begun_ns = now_ns();
    let found = walk(&root, options.ignore)?;
    let cache = HashCache::load(options.cache_dir.as_deref(), &root);
    let scan = hash_found(base.into(), found, &cache, begun_ns)?;
    Ok(scan)
}

/// Reads one file into a tree of its own, in which it has the given name.
pub fn scan_file(file: &Path, name: &RelPath) -> Result<Scan, ContentError> {
    let path = fs::canonicalize(file).map_err(ContentError::on("open", file))?;
    let dir = path.parent().unwrap_or(Path::new("/"));
    let base = fs::File::open(dir).map_err(ContentError::on("open", dir))?;
    let source = RelPath::new(path.file_name().unwrap_or_default().as_bytes())?;
    let stat = confined::stat(&base, source.name()).map_err(ContentError::on("read", file))?;
    match stat.kind {
        FileKind::File => {}
        FileKind::Dir => {
            return Err(ContentError::InvalidPath {
                path: escape(file.as_os_str().as_bytes()),
                reason: "it is a directory, not a file",
            });
        }
        FileKind::Symlink | FileKind::Special(_) => return Err(special(&source, stat.kind)),
    }
    let candidate = Candidate {
        path: source.clone(),
        size: stat.size,
    };
    let outcome = read(&base, &[candidate])?.pop();
    let hashed = expect_read(&source, outcome)?;
    let mut sources = Sources::new(base.into());
    sources.add(source, hashed.stat, &hashed.chunks);
    Ok(Scan {
        manifest: Manifest::new(vec![hashed.into_entry(name.clone())])?,
        sources,
        reused_files: 0,
    })
}

/// What a walk meets.
enum Found {
    File(RelPath, FileStat),
    Other(Entry),
}

fn walk(root: &Path, rules: IgnoreRules) -> Result<Vec<Found>, ContentError> {
    let mut builder = WalkBuilder::new(root);
    builder.standard_filters(false).follow_links(false);
    match rules {
        IgnoreRules::Nothing => {}
        IgnoreRules::Workdir if root.join(".skyignore").is_file() => {
            builder.add_custom_ignore_filename(".skyignore");
        }
        IgnoreRules::Workdir => {
            builder
                .git_ignore(true)
                .git_exclude(true)
                .require_git(false);
        }
    }
    builder.threads(parallel::thread_count());
    let (send, receive) = mpsc::channel();
    builder.build_parallel().run(|| {
        let send = send.clone();
        Box::new(move |entry| {
            let found = match entry {
                Ok(entry) if entry.depth() == 0 => return WalkState::Continue,
                Ok(entry) => meet(root, &entry),
                Err(error) => Err(walk_error(root, error)),
            };
            let next = match found {
                Ok(_) => WalkState::Continue,
                Err(_) => WalkState::Quit,
            };
            match send.send(found) {
                Ok(()) => next,
                Err(_) => WalkState::Quit,
            }
        })
    });
    drop(send);
    receive.into_iter().collect()
}

fn meet(root: &Path, entry: &DirEntry) -> Result<Found, ContentError> {
    let path = entry.path();
    let relative = path.strip_prefix(root).unwrap_or(path);
    let relative = RelPath::new(relative.as_os_str().as_bytes())?;
    let io = |error: rustix::io::Errno| ContentError::io("read", path, error.into());
    let stat = FileStat::from(rustix::fs::lstat(path).map_err(io)?);
    let kind = match stat.kind {
        FileKind::File => return Ok(Found::File(relative, stat)),
        FileKind::Dir => Kind::Dir,
        FileKind::Symlink => {
            let target = rustix::fs::readlink(path, Vec::new()).map_err(io)?;
            Kind::Symlink {
                target: target.into_bytes(),
            }
        }
        FileKind::Special(_) => return Err(special(&relative, stat.kind)),
    };
    if let Kind::Symlink { target } = &kind
        && !relative.link_stays_inside(target)
    {
        return Err(ContentError::EscapingSymlink {
            path: relative.to_string(),
            target: escape(target),
        });
    }
    Ok(Found::Other(Entry {
        path: relative,
        mode: stat.mode,
        mtime_ns: stat.mtime_ns,
        kind,
    }))
}

fn hash_found(
    base: OwnedFd,
    found: Vec<Found>,
    cache: &HashCache,
    begun_ns: i64,
) -> Result<Scan, ContentError> {
    let mut entries = Vec::with_capacity(found.len());
    let mut files: Vec<(RelPath, Hashed)> = Vec::with_capacity(found.len());
    let mut unread = Vec::new();
    for found in found {
        match found {
            Found::Other(entry) => entries.push(entry),
            Found::File(path, stat) => match cache.find(&path, &stat) {
                Some(hashed) => files.push((path, hashed)),
                None => unread.push(Candidate {
                    path,
                    size: stat.size,
                }),
            },
        }
    }
    let reused_files = files.len() as u64;
    // Read in order: neighbours lie together on the disk, and the manifest is sorted sooner.
    unread.sort_by(|a, b| a.path.cmp(&b.path));
    let outcomes = read(&base, &unread)?;
    let changed = !unread.is_empty();
    for (candidate, outcome) in unread.into_iter().zip(outcomes) {
        let hashed = expect_read(&candidate.path, Some(outcome))?;
        files.push((candidate.path, hashed));
    }
    if changed {
        cache.save(files.iter().map(|(path, hashed)| (path, hashed)), begun_ns);
    }
    let mut sources = Sources::new(base);
    for (path, hashed) in files {
        sources.add(path.clone(), hashed.stat, &hashed.chunks);
        entries.push(hashed.into_entry(path));
    }
    Ok(Scan {
        manifest: Manifest::new(entries)?,
        sources,
        reused_files,
    })
}

fn read(base: impl AsFd, files: &[Candidate]) -> Result<Vec<Outcome>, ContentError> {
    let reading = Reading {
        base: base.as_fd(),
        keep: Keep::Nothing,
        halt: &Halt::default(),
    };
    reading.files(files)
}

fn expect_read(path: &RelPath, outcome: Option<Outcome>) -> Result<Hashed, ContentError> {
    match outcome {
        Some(Outcome::Read(hashed)) => Ok(hashed),
        // Nothing is kept, so there is room for it.
        Some(Outcome::Changed | Outcome::Gone | Outcome::NoRoom) | None => {
            Err(ContentError::FileChanged {
                path: path.to_string(),
            })
        }
    }
}

fn special(path: &RelPath, kind: FileKind) -> ContentError {
    ContentError::SpecialFile {
        path: path.to_string(),
        kind: match kind {
            FileKind::Special(name) => name,
            FileKind::File => "file",
            FileKind::Dir => "directory",
            FileKind::Symlink => "symbolic link",
        },
    }
}

fn walk_error(root: &Path, error: ignore::Error) -> ContentError {
    let path = error_path(&error).unwrap_or(root).to_owned();
    let text = error.to_string();
    let source = error
        .into_io_error()
        .unwrap_or_else(|| std::io::Error::other(text));
    ContentError::io("list", &path, source)
}

fn error_path(error: &ignore::Error) -> Option<&Path> {
    match error {
        ignore::Error::WithPath { path, .. } => Some(path),
        ignore::Error::WithDepth { err, .. } | ignore::Error::WithLineNumber { err, .. } => {
            error_path(err)
        }
        _ => None,
    }
}

fn now_ns() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
    })
}
