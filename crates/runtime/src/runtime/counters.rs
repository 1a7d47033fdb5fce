//! What pods have used since they came up, read for all of them at once and cheaply.
//!
//! Only what the kernel itself counts is here, so that nothing is forgotten when the process that
//! asks is replaced. Writes are counted at the block devices of a pod's disks: control groups of the
//! first version do not tell whose a write was once it went through the page cache.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use livery_units::{Bytes, PodId};

use super::Runtime;
use super::observe::{read_cpu, traffic};
use crate::cgroup::Cgroup;
use crate::error::{Context, Error};
use crate::layout::{PodRecord, read_json};
use crate::state::{Counters, Status};

/// The kernel counts in these, whatever the device's own are.
const SECTOR: u64 = 512;

/// Where sectors written stand in a block device's statistics.
const SECTORS_WRITTEN: usize = 6;

impl Runtime {
    /// Reads the counters of those of these pods that are up.
    ///
    /// # Errors
    /// When the machine's block devices or control groups cannot be read.
    pub fn counters(&self, pods: &[PodId]) -> Result<Vec<(PodId, Counters)>, Error> {
        let devices = loop_devices()?;
        let mut all = Vec::with_capacity(pods.len());
        for pod in pods {
            // One that goes down while we look is left out like one that is down.
            let Ok(Some(state)) = self.state(pod) else {
                continue;
            };
            match state.status {
                Status::Up { pid } => all.push((pod.clone(), self.count(pod, pid, &devices)?)),
                Status::Starting | Status::Down { .. } | Status::Lost => {}
            }
        }
        Ok(all)
    }

    fn count(
        &self,
        pod: &PodId,
        pid: i32,
        devices: &HashMap<PathBuf, PathBuf>,
    ) -> Result<Counters, Error> {
        let text = fs::read_to_string(format!("/proc/{pid}/net/dev")).unwrap_or_default();
        let (received, sent) = traffic(&text);
        let dir = self.dir(pod);
        let record: Option<PodRecord> = read_json(&dir.record())?;
        let network = record.and_then(|record| record.network_volume);
        let disks = [dir.container_disk(), dir.volume_disk()];
        let disks = disks.into_iter().chain(network);
        Ok(Counters {
            cpu_micros: read_cpu(&Cgroup::of(pod)?),
            network: Bytes::new(received.saturating_add(sent)),
            written: Bytes::new(disks.map(|image| written_to(&image, devices)).sum()),
        })
    }
}

/// Returns the loop devices in use by the images that they hold.
fn loop_devices() -> Result<HashMap<PathBuf, PathBuf>, Error> {
    let mut devices = HashMap::new();
    for entry in fs::read_dir("/sys/block").on("list", "/sys/block")? {
        let device = entry.on("list", "/sys/block")?.path();
        if let Ok(image) = fs::read_to_string(device.join("loop/backing_file")) {
            devices.insert(PathBuf::from(image.trim_end()), device);
        }
    }
    Ok(devices)
}

fn written_to(image: &Path, devices: &HashMap<PathBuf, PathBuf>) -> u64 {
    let device = fs::canonicalize(image)
        .ok()
        .and_then(|image| devices.get(&image));
    let text = device.and_then(|device| fs::read_to_string(device.join("stat")).ok());
    text.and_then(|text| sectors_written(&text)).unwrap_or(0) * SECTOR
}

fn sectors_written(text: &str) -> Option<u64> {
    text.split_whitespace()
        .nth(SECTORS_WRITTEN)?
        .parse::<u64>()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sectors_written_are_found_among_the_statistics() {
        let text =
            "      96        0      768        6      247     1262   130640     1889 0 128\n";
        assert_eq!(sectors_written(text), Some(130_640));
        assert_eq!(sectors_written("1 2 3"), None);
    }
}
