//! Devices given to pods, as the Container Device Interface describes them.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// What a pod is given besides its own: nothing by default.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Devices {
    /// Device nodes, at the same path inside.
    pub nodes: Vec<PathBuf>,
    /// Files and directories of this machine, shown read-only.
    pub mounts: Vec<Share>,
    /// Variables for every command.
    pub env: Vec<(String, String)>,
    /// Links to be made inside: where to, and where.
    pub links: Vec<(PathBuf, PathBuf)>,
    /// Directories that the pod's loader shall know.
    pub library_dirs: Vec<PathBuf>,
}

/// Something of this machine that a pod may read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    /// Where it is on this machine.
    pub source: PathBuf,
    /// Where the pod sees it.
    pub target: PathBuf,
}
