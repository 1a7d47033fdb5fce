//! What can go wrong with content, one variant per meaning.

use std::io;
use std::path::{Path, PathBuf};

use livery_units::{Bytes, ContentHash};
use rustix::io::Errno;

/// Why files could not be read, kept or written.
#[derive(Debug, thiserror::Error)]
pub enum ContentError {
    /// The operating system refused something that has no meaning of its own below.
    #[error("could not {act} {}", path.display())]
    Io {
        /// What was tried, as a verb: "read", "create".
        act: &'static str,
        /// On what.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The disk (or the quota) is full; nothing half-written was left behind.
    #[error("no space left for {}; free some space there, then try again", path.display())]
    DiskFull {
        /// What was being written.
        path: PathBuf,
    },
    /// A path that may not be in a tree.
    #[error("the path `{path}` is refused: {reason}")]
    InvalidPath {
        /// The path, escaped.
        path: String,
        /// The rule it breaks.
        reason: &'static str,
    },
    /// A symbolic link that points out of its tree.
    #[error(
        "the symbolic link `{path}` points out of its directory (to `{target}`); \
         remove it, or copy what it points to"
    )]
    EscapingSymlink {
        /// The link, escaped.
        path: String,
        /// Where it points, escaped.
        target: String,
    },
    /// Neither a file, a directory nor a symbolic link.
    #[error("`{path}` is a {kind}, which cannot be sent; remove it or name it in .skyignore")]
    SpecialFile {
        /// The path, escaped.
        path: String,
        /// What it is: "socket", "named pipe", "device".
        kind: &'static str,
    },
    /// A file was written to while it was being read.
    #[error("`{path}` changed while it was being read; stop what writes to it, then try again")]
    FileChanged {
        /// The path, escaped.
        path: String,
    },
    /// The work was ended before it was done, as [`crate::Halt`] asked.
    #[error("it was ended before it was done")]
    Halted,
    /// Something in the destination cannot make way for an entry of the tree.
    #[error("`{path}` is in the way: {reason}")]
    InTheWay {
        /// The path in the destination, escaped.
        path: String,
        /// Why it was not replaced.
        reason: &'static str,
    },
    /// A manifest that breaks the rules of its format.
    #[error("the list of files is damaged or was not written by Livery: {reason}")]
    InvalidManifest {
        /// What is wrong.
        reason: String,
    },
    /// A glob that names nothing under the base directory, or that does not parse.
    #[error("the pattern `{pattern}` is refused: {reason}")]
    InvalidPattern {
        /// The pattern as written.
        pattern: String,
        /// Why.
        reason: String,
    },
    /// A blob that the store does not have.
    #[error("content {hash} is not in the store; send it again")]
    Missing {
        /// Its name.
        hash: ContentHash,
    },
    /// Bytes that are not what their name says.
    #[error("content {expected} is damaged: its bytes hash to {found}; send it again")]
    HashMismatch {
        /// The name they came under.
        expected: ContentHash,
        /// The name they deserve.
        found: ContentHash,
    },
    /// Compressed bytes that do not decompress.
    #[error("content {hash} is damaged: {reason}; send it again")]
    Undecodable {
        /// Its name.
        hash: ContentHash,
        /// What the decoder said.
        reason: String,
    },
    /// A frame or a blob above the limit.
    #[error("a blob of {} is refused: the limit is {}", .0, Bytes::new(crate::MAX_FRAME_LEN as u64))]
    TooLarge(Bytes),
    /// An account would own more bytes than it may.
    #[error(
        "with this the account's files here would come to {would_be}, and its quota is {quota}"
    )]
    OverQuota {
        /// What they would come to.
        would_be: Bytes,
        /// What they may come to.
        quota: Bytes,
    },
    /// An account would own more blobs than it may.
    #[error(
        "with this the account's files here would be more than {} pieces, however small",
        crate::BLOBS_MAX
    )]
    TooManyBlobs,
    /// A stream of frames that is cut off or is not one.
    #[error("the stream of content is broken: {0}")]
    BadFrame(&'static str),
    /// Somebody else has the store open.
    #[error(
        "the content store {} is in use by process {owner}; one process at a time may open it",
        dir.display()
    )]
    StoreBusy {
        /// The store's directory.
        dir: PathBuf,
        /// What the lock file says about the owner.
        owner: String,
    },
    /// A directory that holds something else, or a store of another version.
    #[error("{} is not a content store of this version; move it away or choose another", dir.display())]
    NotAStore {
        /// The directory.
        dir: PathBuf,
    },
}

impl ContentError {
    /// Says whether a tree could not be read because of what it is, or because it is not whole here,
    /// and not because the disk failed.
    pub(crate) fn is_about_the_tree(&self) -> bool {
        matches!(
            self,
            Self::Missing { .. }
                | Self::HashMismatch { .. }
                | Self::Undecodable { .. }
                | Self::InvalidManifest { .. }
                | Self::InvalidPath { .. }
                | Self::EscapingSymlink { .. }
        )
    }

    /// Gives an error of the operating system its meaning.
    pub(crate) fn io(act: &'static str, path: &Path, source: io::Error) -> Self {
        let errno = source.raw_os_error().map(Errno::from_raw_os_error);
        if errno == Some(Errno::NOSPC) || errno == Some(Errno::DQUOT) {
            return Self::DiskFull {
                path: path.to_owned(),
            };
        }
        Self::Io {
            act,
            path: path.to_owned(),
            source,
        }
    }

    /// Returns a closure for `map_err` that gives an error its meaning.
    pub(crate) fn on<E: Into<io::Error>>(act: &'static str, path: &Path) -> impl FnOnce(E) -> Self {
        move |source| Self::io(act, path, source.into())
    }
}
