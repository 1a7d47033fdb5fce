//! Full disks.

use super::World;
use rustix::fs::{FallocateFlags, fallocate};
use std::fs::{self, File};
use std::io::{Seek, SeekFrom, Write};

/// What fills the disk under the control plane's data; dropping it makes room again.
pub struct Ballast(std::path::PathBuf);

impl Ballast {
    /// Takes the last block.
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

    /// Makes files until no further one can be made.
    pub fn fill_with_names(world: &World) -> Self {
        let path = world.data().join("ballast");
        fs::create_dir(&path).unwrap();
        for number in 0_u64.. {
            if File::create(path.join(number.to_string())).is_err() {
                break;
            }
        }
        Self(path)
    }
}

impl Drop for Ballast {
    fn drop(&mut self) {
        match self.0.is_dir() {
            true => fs::remove_dir_all(&self.0).unwrap(),
            false => fs::remove_file(&self.0).unwrap(),
        }
    }
}
