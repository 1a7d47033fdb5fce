//! How much more the store may take: the last part of a disk belongs to others on it.

use livery_units::Bytes;

use super::ContentStore;
use crate::ContentError;

/// One part in so many of the disk is left to the database and the logs beside the store.
const KEPT_PART: u64 = 50;

/// The most that is left to them.
const KEPT_MAX: u64 = 1 << 30;

impl ContentStore {
    /// Returns how many more bytes the store may take.
    pub fn room(&self) -> Result<Bytes, ContentError> {
        let disk =
            rustix::fs::statvfs(&self.dir).map_err(ContentError::on("look at", &self.dir))?;
        let kept = (disk.f_blocks * disk.f_frsize / KEPT_PART).min(KEPT_MAX);
        Ok(Bytes::new(
            (disk.f_bavail * disk.f_frsize).saturating_sub(kept),
        ))
    }

    /// Refuses to take more when the room is used up.
    pub fn ensure_room(&self) -> Result<(), ContentError> {
        if self.room()? > Bytes::ZERO {
            return Ok(());
        }
        Err(ContentError::DiskFull {
            path: self.dir.clone(),
        })
    }
}
