//! A tree of files as a value.

mod codec;
mod parts;
#[cfg(test)]
mod tests;

use livery_units::ContentHash;

pub(crate) use codec::{Reader, Writer};
pub(crate) use parts::Root;
pub use parts::TreeBlobs;

use crate::chunk::{chunk_count, chunk_len};
use crate::path::escape;
use crate::{ContentError, RelPath};

/// The permission bits that travel; set-user-id, set-group-id and sticky bits stay behind.
pub(crate) const MODE_BITS: u32 = 0o777;

/// A tree: entries in order, each directory before what is in it.
///
/// A manifest that exists keeps the rules: paths are unique, every parent is a directory of the
/// tree, no symbolic link points out of it, and chunk counts fit sizes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Manifest {
    entries: Vec<Entry>,
}

/// One file, directory or symbolic link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Where it is in the tree.
    pub path: RelPath,
    /// Permission bits, 0 to 0o777.
    pub mode: u32,
    /// When it was last changed: nanoseconds since 1970.
    pub mtime_ns: i64,
    /// What it is.
    pub kind: Kind,
}

/// What an entry is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// A file.
    File {
        /// Its length in bytes.
        size: u64,
        /// The names of its chunks, in order; every one but the last has [`crate::CHUNK_LEN`].
        chunks: Vec<ContentHash>,
    },
    /// A directory.
    Dir,
    /// A symbolic link.
    Symlink {
        /// Where it points, as it is written in the link.
        target: Vec<u8>,
    },
}

impl Manifest {
    /// Sorts entries and checks that they make a tree.
    pub fn new(mut entries: Vec<Entry>) -> Result<Self, ContentError> {
        entries.sort_by(|a, b| a.path.cmp(&b.path));
        check(&entries)?;
        Ok(Self { entries })
    }

    /// Returns the entries, each directory before what is in it.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Returns the entry at a path.
    pub fn get(&self, path: &RelPath) -> Option<&Entry> {
        let found = self.entries.binary_search_by(|entry| entry.path.cmp(path));
        found.ok().map(|index| &self.entries[index])
    }

    /// Returns how many files there are.
    pub fn file_count(&self) -> u64 {
        let files = self.entries.iter().filter(|entry| entry.kind.is_file());
        files.count() as u64
    }

    /// Returns how many bytes the files have together.
    pub fn total_bytes(&self) -> u64 {
        let sizes = self.entries.iter().map(|entry| entry.kind.size());
        sizes.fold(0, u64::saturating_add)
    }

    /// Returns every chunk with its length, in the order of the files; repeated if it is shared.
    pub fn chunks(&self) -> impl Iterator<Item = (ContentHash, u64)> {
        self.entries.iter().flat_map(|entry| {
            let (size, chunks): (u64, &[ContentHash]) = match &entry.kind {
                Kind::File { size, chunks, .. } => (*size, chunks),
                Kind::Dir | Kind::Symlink { .. } => (0, &[]),
            };
            (0_u64..)
                .zip(chunks)
                .map(move |(index, hash)| (*hash, chunk_len(size, index)))
        })
    }

    /// Writes the manifest: the same tree always gives the same bytes.
    pub fn encode(&self) -> Vec<u8> {
        codec::encode(&self.entries)
    }

    /// Reads what [`Manifest::encode`] wrote and checks all of it again.
    pub fn decode(bytes: &[u8]) -> Result<Self, ContentError> {
        let entries = codec::decode(bytes)?;
        check(&entries)?;
        let manifest = Self { entries };
        if manifest.encode() != bytes {
            return Err(invalid("it is not in its one canonical form"));
        }
        Ok(manifest)
    }
}

impl Kind {
    fn is_file(&self) -> bool {
        match self {
            Self::File { .. } => true,
            Self::Dir | Self::Symlink { .. } => false,
        }
    }

    fn size(&self) -> u64 {
        match self {
            Self::File { size, .. } => *size,
            Self::Dir | Self::Symlink { .. } => 0,
        }
    }
}

pub(crate) fn invalid(reason: impl Into<String>) -> ContentError {
    ContentError::InvalidManifest {
        reason: reason.into(),
    }
}

/// Checks sorted entries; walks them once with the stack of open directories.
fn check(entries: &[Entry]) -> Result<(), ContentError> {
    let mut open: Vec<&RelPath> = Vec::new();
    let mut before: Option<&RelPath> = None;
    for entry in entries {
        if before.is_some_and(|before| *before >= entry.path) {
            return Err(invalid(format!("`{}` is there twice", entry.path)));
        }
        before = Some(&entry.path);
        let parent = entry.path.parent_bytes();
        while open.last().is_some_and(|dir| dir.as_bytes() != parent) {
            open.pop();
        }
        if open.is_empty() && !parent.is_empty() {
            return Err(invalid(format!("`{}` is in no directory", entry.path)));
        }
        check_entry(entry)?;
        if entry.kind == Kind::Dir {
            open.push(&entry.path);
        }
    }
    Ok(())
}

fn check_entry(entry: &Entry) -> Result<(), ContentError> {
    if entry.mode & !MODE_BITS != 0 {
        return Err(invalid(format!("`{}` has special mode bits", entry.path)));
    }
    match &entry.kind {
        Kind::Dir => Ok(()),
        Kind::Symlink { target } if entry.path.link_stays_inside(target) => Ok(()),
        Kind::Symlink { target } => Err(ContentError::EscapingSymlink {
            path: entry.path.to_string(),
            target: escape(target),
        }),
        Kind::File { size, chunks } if chunk_count(*size) == chunks.len() as u64 => Ok(()),
        Kind::File { .. } => Err(invalid(format!(
            "the chunks of `{}` do not fit its size",
            entry.path
        ))),
    }
}
