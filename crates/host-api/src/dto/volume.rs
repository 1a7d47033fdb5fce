//! Network volumes as they travel.

use serde::{Deserialize, Serialize};

/// A network volume to be made, or how large one is to become.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct VolumeSpec {
    /// Its hard size in bytes.
    pub size: u64,
}

/// A network volume on a host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VolumeStatus {
    /// Its id.
    pub volume: String,
    /// Its hard size in bytes; less than was asked for until it has grown.
    pub size: u64,
    /// Bytes of the machine's disk that it takes now.
    pub allocated: u64,
    /// The pod that has it, if any.
    pub pod: Option<String>,
}
