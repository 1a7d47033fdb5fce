//! Taking results out of a pod.

mod notes;

use std::collections::{BTreeMap, HashSet};
use std::ffi::OsStr;
use std::ops::Range;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use livery_units::Bytes;
use rustix::fs::{Dir, Mode, OFlags};
use rustix::io::Errno;

use self::notes::Notes;
use crate::confined::{self, FileKind, FileStat};
use crate::path::escape;
use crate::read::{Candidate, Keep, Outcome, Reading};
use crate::{ContentError, ContentStore, Entry, Halt, Kind, Manifest, Patterns, RelPath};

/// How much a collection may take; what is beyond is left out with a note.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CollectLimits {
    /// Files, directories and links taken.
    pub entries: u64,
    /// Bytes of all files together.
    pub bytes: Bytes,
    /// Names looked at, matching or not; a pod may have made any number of them.
    pub visited: u64,
    /// Bytes of the paths that are kept in memory meanwhile.
    pub paths: Bytes,
}

/// What a collection took.
#[derive(Debug)]
pub struct Collected {
    /// The tree, relative to the base; its content is in the store, the manifest itself is not yet.
    pub manifest: Manifest,
    /// What was left out and why, in words for the user.
    pub notes: Vec<String>,
    /// The same of files that were wanted and could not be kept: what is here is not all.
    pub lost: Vec<String>,
}

/// Where a collection looks.
#[derive(Debug, Clone)]
pub struct Origin<'a> {
    /// The root directory of the pod.
    pub root: BorrowedFd<'a>,
    /// The directory inside it that is looked through.
    pub base: &'a Path,
    /// The user and group ids of the pod, as this machine numbers them.
    ///
    /// Whoever collects may read more than the pod may: on a `host` image, this machine's own
    /// secrets. Only what belongs to these ids, or what everybody may read, is taken.
    pub ids: Range<u32>,
}

/// Takes the files below `base` that match into the store.
///
/// Symbolic links are recorded and never followed; those that point out of the base, special files,
/// files that keep changing and files that the pod itself may not read are left out with a note,
/// since the rest of the results is worth having. So are files that there is no room for, which are
/// lost. Holes are neither read nor kept.
pub fn collect(
    store: &ContentStore,
    origin: &Origin<'_>,
    patterns: &Patterns,
    limits: &CollectLimits,
    halt: &Halt,
) -> Result<Collected, ContentError> {
    confined::names_in_root(origin.base)?;
    let mut walk = Walk {
        base: open_base(origin).map_err(ContentError::on("open", origin.base))?,
        ids: &origin.ids,
        patterns,
        limits,
        halt,
        dirs: BTreeMap::new(),
        entries: Vec::new(),
        files: Vec::new(),
        bytes: 0,
        visited: 0,
        paths: 0,
        matched: HashSet::new(),
        notes: Notes::default(),
        lost: Notes::default(),
    };
    walk.run()?;
    halt.check()?;
    let reading = Reading {
        base: walk.base.as_fd(),
        keep: Keep::InStore(store),
        halt,
    };
    let outcomes = reading.files(&walk.files)?;
    let Walk {
        dirs,
        mut entries,
        files,
        matched,
        mut notes,
        mut lost,
        ..
    } = walk;
    for (Candidate { path, size }, outcome) in files.into_iter().zip(outcomes) {
        match outcome {
            // It may have been swapped since it was found, so this looks at what was read.
            Outcome::Read(hashed) if !may_read(&hashed.stat, &origin.ids) => {
                notes.add(unreadable(&path));
            }
            Outcome::Read(hashed) => entries.push(hashed.into_entry(path)),
            Outcome::Changed => notes.add(format!("`{path}` kept changing while it was read")),
            Outcome::Gone => notes.add(format!("`{path}` went while it was to be read")),
            Outcome::NoRoom => lost.add(format!(
                "`{path}` ({}): no space left to keep it",
                Bytes::new(size)
            )),
        }
    }
    add_parents(&mut entries, &dirs);
    for (place, text) in patterns.texts().enumerate() {
        if !matched.contains(&place) {
            notes.add(format!("nothing matches `{text}`"));
        }
    }
    Ok(Collected {
        manifest: Manifest::new(entries)?,
        notes: notes.finish(),
        lost: lost.finish(),
    })
}

/// Opens the base, if the pod itself could have come there.
fn open_base(origin: &Origin<'_>) -> Result<OwnedFd, Errno> {
    const PARENT: OFlags = OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);
    let base = confined::open_dir_in_root(origin.root, origin.base)?;
    let top = confined::fstat(origin.root)?;
    let mut dir = rustix::fs::openat(&base, ".", PARENT, Mode::empty())?;
    let mut last = None;
    // A link may have led past directories that are closed to the pod, so all above are looked at.
    loop {
        let stat = confined::fstat(&dir)?;
        if !belongs(&stat, &origin.ids) && stat.mode & 0o001 == 0 {
            return Err(Errno::ACCESS);
        }
        let here = (stat.dev, stat.ino);
        if here == (top.dev, top.ino) || last == Some(here) {
            return Ok(base);
        }
        last = Some(here);
        dir = rustix::fs::openat(&dir, "..", PARENT, Mode::empty())?;
    }
}

fn belongs(stat: &FileStat, ids: &Range<u32>) -> bool {
    ids.contains(&stat.uid) && ids.contains(&stat.gid)
}

/// Returns whether root of the pod may read a file or list a directory.
fn may_read(stat: &FileStat, ids: &Range<u32>) -> bool {
    let everybody = match stat.kind {
        FileKind::Dir => 0o005,
        FileKind::File | FileKind::Symlink | FileKind::Special(_) => 0o004,
    };
    belongs(stat, ids) || stat.mode & everybody == everybody
}

fn unreadable(path: &RelPath) -> String {
    format!("`{path}` was left out: the pod itself may not read it")
}

struct Walk<'a> {
    base: OwnedFd,
    ids: &'a Range<u32>,
    patterns: &'a Patterns,
    limits: &'a CollectLimits,
    halt: &'a Halt,
    /// Every directory that was entered or matched.
    dirs: BTreeMap<RelPath, FileStat>,
    entries: Vec<Entry>,
    files: Vec<Candidate>,
    bytes: u64,
    visited: u64,
    paths: u64,
    /// Which patterns matched something.
    matched: HashSet<usize>,
    notes: Notes,
    lost: Notes,
}

/// Whether there is room for more.
#[derive(PartialEq, Eq)]
enum Room {
    More,
    Full,
}

impl Walk<'_> {
    fn run(&mut self) -> Result<(), ContentError> {
        let mut todo: Vec<Option<RelPath>> = vec![None];
        while let Some(dir) = todo.pop() {
            self.halt.check()?;
            let room = self.limits.visited.saturating_sub(self.visited);
            let path = dir.as_ref().map_or(&b""[..], RelPath::as_bytes);
            let opened = confined::open_dir(&self.base, path).and_then(|fd| {
                match may_read(&confined::fstat(&fd)?, self.ids) {
                    true => Ok((names(&fd, room, self.halt)?, fd)),
                    false => Err(Errno::ACCESS),
                }
            });
            let (names, fd) = match opened {
                Ok(opened) => opened,
                Err(error) => {
                    let shown = dir
                        .as_ref()
                        .map_or_else(|| ".".to_owned(), RelPath::to_string);
                    self.notes
                        .add(format!("`{shown}` could not be listed: {error}"));
                    continue;
                }
            };
            let mut inner = Vec::new();
            for name in names {
                self.halt.check()?;
                self.visited += 1;
                if self.visited > self.limits.visited {
                    let limit = self.limits.visited;
                    self.notes.add(format!(
                        "there are more than {limit} files to look through; the rest was left out"
                    ));
                    return Ok(());
                }
                let path = match RelPath::join(dir.as_ref(), &name) {
                    Ok(path) => path,
                    Err(error) => {
                        self.notes.add(error.to_string());
                        continue;
                    }
                };
                // Gone again: it was never there.
                let Ok(stat) = confined::stat(&fd, OsStr::from_bytes(&name)) else {
                    continue;
                };
                if stat.kind == FileKind::Dir && self.patterns.may_match_inside(&path) {
                    if self.keep(&path) == Room::Full {
                        return Ok(());
                    }
                    self.dirs.insert(path.clone(), stat);
                    inner.push(Some(path.clone()));
                }
                if self.take(&fd, path, &stat) == Room::Full {
                    return Ok(());
                }
            }
            todo.extend(inner.into_iter().rev());
        }
        Ok(())
    }

    /// Counts a path that stays in memory. A pod has no end of directories with long names and
    /// nothing in them.
    fn keep(&mut self, path: &RelPath) -> Room {
        self.paths += path.as_bytes().len() as u64;
        if self.paths <= self.limits.paths.get() {
            return Room::More;
        }
        self.notes.add(format!(
            "the names of the files have more than {} together; the rest was left out",
            self.limits.paths
        ));
        Room::Full
    }

    /// Takes one file, directory or link if it matches.
    fn take(&mut self, dir: &OwnedFd, path: RelPath, stat: &FileStat) -> Room {
        let matching = self.patterns.matching(&path);
        if matching.is_empty() {
            return Room::More;
        }
        self.matched.extend(matching);
        let taken = (self.entries.len() + self.files.len()) as u64;
        if taken >= self.limits.entries {
            let limit = self.limits.entries;
            self.notes.add(format!(
                "more than {limit} files match; the rest was left out"
            ));
            return Room::Full;
        }
        if self.keep(&path) == Room::Full {
            return Room::Full;
        }
        match stat.kind {
            FileKind::Dir => self.entries.push(dir_entry(path, stat)),
            FileKind::Special(kind) => {
                self.notes
                    .add(format!("`{path}` is a {kind} and was left out"));
            }
            FileKind::Symlink => self.take_link(dir, path, stat),
            FileKind::File if !may_read(stat, self.ids) => self.notes.add(unreadable(&path)),
            FileKind::File if self.bytes.saturating_add(stat.size) > self.limits.bytes.get() => {
                self.lost.add(format!(
                    "`{path}` ({}): all files together may have {}",
                    Bytes::new(stat.size),
                    self.limits.bytes
                ));
            }
            FileKind::File => {
                self.bytes += stat.size;
                self.files.push(Candidate {
                    path,
                    size: stat.size,
                });
            }
        }
        Room::More
    }

    fn take_link(&mut self, dir: &OwnedFd, path: RelPath, stat: &FileStat) {
        let Ok(target) = rustix::fs::readlinkat(dir, path.name(), Vec::new()) else {
            return;
        };
        let target = target.into_bytes();
        if !path.link_stays_inside(&target) {
            self.notes.add(format!(
                "the symbolic link `{path}` points out of the directory (to `{}`) and was left out",
                escape(&target)
            ));
            return;
        }
        self.entries.push(Entry {
            path,
            mode: stat.mode,
            mtime_ns: stat.mtime_ns,
            kind: Kind::Symlink { target },
        });
    }
}

/// Adds the directories that entries are in but no pattern matched.
fn add_parents(entries: &mut Vec<Entry>, dirs: &BTreeMap<RelPath, FileStat>) {
    let mut there: HashSet<RelPath> = entries.iter().map(|entry| entry.path.clone()).collect();
    for index in 0..entries.len() {
        let mut parent = entries[index].path.parent();
        while let Some(dir) = parent {
            // Those above one that is there are looked at with it. Else a tree that is a thousand levels
            // deep would be climbed from each of its files.
            if !there.insert(dir.clone()) {
                break;
            }
            parent = dir.parent();
            // Every directory that something was found in was entered before.
            if let Some(stat) = dirs.get(&dir) {
                entries.push(dir_entry(dir, stat));
            }
        }
    }
}

fn dir_entry(path: RelPath, stat: &FileStat) -> Entry {
    Entry {
        path,
        mode: stat.mode,
        mtime_ns: stat.mtime_ns,
        kind: Kind::Dir,
    }
}

/// Returns the names in a directory, sorted so that limits cut the same way each time; of more than
/// `most` names only one more than that, whichever the file system lists first. Halted, it returns what
/// it has, which the caller does not use.
fn names(dir: &OwnedFd, most: u64, halt: &Halt) -> Result<Vec<Vec<u8>>, Errno> {
    let mut names = Vec::new();
    for entry in Dir::read_from(dir)? {
        let entry = entry?;
        match entry.file_name().to_bytes() {
            b"." | b".." => {}
            name => names.push(name.to_vec()),
        }
        if names.len() as u64 > most || halt.check().is_err() {
            break;
        }
    }
    names.sort_unstable();
    Ok(names)
}
