//! Files by content: manifests, the content store, safe trees.
//!
//! A tree of files is a [`Manifest`]; every file in it is a list of chunks, every chunk is named by
//! its BLAKE3 hash, and the manifest itself is a blob, so a whole tree has one hash. Three parties
//! use this: the CLI reads the user's directories ([`scan`]), the control plane keeps blobs
//! ([`OwnedContent`], of every account its own), and the host agent writes trees into pods ([`materialise`]) and takes
//! results out of them ([`collect`]). Between them blobs travel as [`Frame`]s.
//!
//! Everything here blocks; asynchronous callers run it on a blocking thread. Nothing here trusts a
//! pod's file system or a manifest that came from outside: paths are checked where they are parsed,
//! and every open inside a pod is confined by the kernel (`openat2`).

mod cache;
mod chunk;
mod collect;
mod confined;
mod direct;
mod encoding;
mod error;
mod halt;
mod manifest;
mod materialise;
mod owned;
mod parallel;
mod path;
mod pattern;
mod read;
mod scan;
mod sources;
mod store;
mod wire;

pub use chunk::{CHUNK_LEN, hash_bytes};
pub use collect::{CollectLimits, Collected, Origin, collect};
pub use encoding::{Compression, Encoding};
pub use error::ContentError;
pub use halt::Halt;
pub use manifest::{Entry, Kind, Manifest, TreeBlobs};
pub use materialise::{Owner, Target, Written, materialise};
pub use owned::{Ages, BLOBS_MAX, Holding, OwnedContent, Quota};
pub use path::RelPath;
pub use pattern::Patterns;
pub use scan::{IgnoreRules, Scan, ScanOptions, scan, scan_file};
pub use sources::Sources;
pub use store::{ContentStore, GcReport, Recovery};
pub use wire::{Frame, FrameDecoder, FrameReadError, MAX_FRAME_LEN, read_frame, write_frame};
