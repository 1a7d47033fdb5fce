//! Full disks.

use super::World;
use rustix::fs::{FallocateFlags, fallocate};
use std::fs::{self, File};
use std::io::{Seek, SeekFrom, Write};

/// Fills the disk under the control plane's data to the last block; dropping it makes room again.
pub struct Ballast(std::path::PathBuf);

impl Ballast {
    pub fn fill(world: &World) -> Self {
        let path = world.data().join("ballast");
        let mut file = File::create(&path).unwrap();
        // The most of it at once, and what is left over byte by byte.
        let mut length = 0;
        for step in (12..31).rev().map(|bits| 1_u64 << bits) {
            while fallocate(&file, FallocateFlags::empty(), length, step).is_ok() {
                length += step;
            }
        }
        file.seek(SeekFrom::Start(length)).unwrap();
        let block = vec![7; 64 << 10];
        while file.write_all(&block).is_ok() {}
        while file.write_all(&block[..512]).is_ok() {}
        Self(path)
    }
}

impl Drop for Ballast {
    fn drop(&mut self) {
        fs::remove_file(&self.0).unwrap();
    }
}
