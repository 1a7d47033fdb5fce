//! Network volumes: disks of this machine that outlive pods, each with one pod at most.
//!
//! A volume is an image and a record with its size. The record is written when the image is whole
//! and goes before the image does, so an image without one is what a crash left behind. Which pod
//! has a volume is said by the pods' own records.

use std::collections::HashSet;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{MutexGuard, PoisonError};

use livery_units::{Bytes, PodId, VolumeId};
use serde::{Deserialize, Serialize};

use super::Runtime;
use super::kill::{KILL_PATIENCE, loop_device_of, wait_detached};
use crate::disk::{self, Use};
use crate::error::{Context, Error};
use crate::layout::{PodDir, PodRecord, read_json, remove_file, write_json};
use crate::mounts;
use crate::process::Gone;
use crate::spec::{PodSpec, amount};
use crate::state::VolumeState;

const IMAGE: &str = "img";
const RECORD: &str = "json";

#[derive(Serialize, Deserialize)]
struct VolumeRecord {
    /// How large the file system is; its image is larger while it grows.
    #[serde(with = "amount")]
    size: Bytes,
}

impl Runtime {
    /// Makes a network volume; one that is there is returned as it is.
    ///
    /// # Errors
    /// [`Error::DiskFull`] when the machine could not hold it full.
    pub fn volume_create(&self, id: &VolumeId, size: Bytes) -> Result<VolumeState, Error> {
        let _turn = self.volumes_turn();
        if let Some(found) = self.volume(id)? {
            return Ok(found);
        }
        let image = self.volume_image(id);
        // What a crash left half made.
        remove_file(&image)?;
        if let Err(failure) = self.make_volume(id, &image, size) {
            // The reason it failed matters more than the leftover, which the next start removes.
            let _ = remove_file(&image);
            return Err(failure);
        }
        self.must_exist(id)
    }

    fn make_volume(&self, id: &VolumeId, image: &Path, size: Bytes) -> Result<(), Error> {
        for disk in self.begin_disks(&[(image.to_owned(), size, Use::Volume)])? {
            disk.finish()?;
        }
        // A machine that loses power must not find a record and half an image.
        let synced = File::open(image).and_then(|file| file.sync_all());
        synced.on("write", image)?;
        write_json(&self.volume_record(id), &VolumeRecord { size })
    }

    /// Makes a network volume larger, also where a pod has it mounted.
    ///
    /// # Errors
    /// [`Error::BadSpec`] for a size below its present one, [`Error::DiskFull`] when the machine
    /// could not hold it full, [`Error::VolumeMounted`] where this process may not grow what is mounted.
    pub fn volume_resize(&self, id: &VolumeId, size: Bytes) -> Result<VolumeState, Error> {
        loop {
            let holder = {
                let _turn = self.volumes_turn();
                self.must_exist(id)?;
                self.holder_of(id)?
            };
            // A pod that is being started mounts the volume meanwhile.
            let _pod = holder.as_ref().map(|pod| self.busy.wait_for(pod));
            let mut turn = self.volumes_turn();
            if self.holder_of(id)? != holder {
                continue;
            }
            // It may take minutes, and others need their turn.
            if !turn.insert(id.clone()) {
                return Err(Error::VolumeGrows(id.clone()));
            }
            drop(turn);
            let grown = self.grow(id, size, holder.as_ref());
            self.volumes_turn().remove(id);
            return grown;
        }
    }

    fn grow(
        &self,
        id: &VolumeId,
        size: Bytes,
        holder: Option<&PodId>,
    ) -> Result<VolumeState, Error> {
        let has = self.must_exist(id)?.size;
        if size < has {
            return Err(Error::BadSpec(format!(
                "volume {id} has {has} and cannot become smaller; it can only grow"
            )));
        }
        if size == has {
            return self.must_exist(id);
        }
        let image = self.volume_image(id);
        {
            let _room = self.room.lock().unwrap_or_else(PoisonError::into_inner);
            let file = OpenOptions::new().write(true).open(&image);
            let file = file.on("open", &image)?;
            let length = file.metadata().on("look at", &image)?.len();
            let more = size.saturating_minus(Bytes::new(length));
            disk::check_room(&self.options.root, more)?;
            // Known before anything is changed, and it stays so for as long as the pod runs.
            let is_mounted = holder.is_some() && loop_device_of(&image)?.is_some();
            if is_mounted && !mounts::may_grow_mounted() {
                return Err(Error::VolumeMounted);
            }
            if more > Bytes::ZERO {
                file.set_len(size.get()).on("size", &image)?;
            }
        }
        match (holder, loop_device_of(&image)?) {
            (Some(pod), Some(device)) => self.grow_mounted(pod, &device)?,
            (None, Some(_)) => return Err(Error::VolumeStuck(id.clone())),
            (_, None) => disk::grow(&image)?,
        }
        write_json(&self.volume_record(id), &VolumeRecord { size })?;
        self.must_exist(id)
    }

    /// Grows the file system where the pod has it mounted.
    fn grow_mounted(&self, pod: &PodId, device: &Path) -> Result<(), Error> {
        mounts::renew_size(device)?;
        let pid = self.pid_of(pod)?;
        let record: Option<PodRecord> = read_json(&self.dir(pod).record())?;
        let Some(record) = record else { return Ok(()) };
        let Some(volume) = record.spec.network_volume() else {
            return Ok(());
        };
        let root = PathBuf::from(format!("/proc/{pid}/root"));
        let mounted = super::observe::open_inside(&root, &volume.mount_path);
        let mounted = mounted.on("open", &volume.mount_path)?;
        // Links in a pod lead where its user likes; only the volume itself is grown.
        let at = rustix::fs::fstat(&mounted).on("look at", &volume.mount_path)?;
        let held = fs::metadata(device).on("look at", device)?;
        if at.st_dev != held.rdev() {
            return Err(Error::BadSpec(format!(
                "pod {pod} hides its volume; stop the pod and try again"
            )));
        }
        mounts::grow(&mounted, device)
    }

    /// Removes a network volume and all that is on it; removing what is gone succeeds.
    ///
    /// # Errors
    /// [`Error::VolumeInUse`] while a pod has it.
    pub fn volume_delete(&self, id: &VolumeId) -> Result<(), Error> {
        let turn = self.volumes_turn();
        if turn.contains(id) {
            return Err(Error::VolumeGrows(id.clone()));
        }
        let image = self.volume_image(id);
        if let Some(pod) = self.holder_of(id)? {
            return Err(Error::VolumeInUse {
                volume: id.clone(),
                pod,
            });
        }
        if wait_detached(&image, KILL_PATIENCE)? == Gone::No {
            return Err(Error::VolumeStuck(id.clone()));
        }
        remove_file(&self.volume_record(id))?;
        remove_file(&image)
    }

    /// Lists every network volume of this machine. One whose record makes no sense is as large as its
    /// image: it keeps its room, and no other from being listed.
    ///
    /// # Errors
    /// [`Error::Io`] when they cannot be listed.
    pub fn volumes(&self) -> Result<Vec<VolumeState>, Error> {
        let dir = self.volumes_dir();
        let mut found = Vec::new();
        for entry in fs::read_dir(&dir).on("list", &dir)? {
            let path = entry.on("list", &dir)?.path();
            if let Some(id) = id_of(&path, RECORD) {
                // One that went away while we looked is not there.
                found.extend(match self.volume(&id) {
                    Err(Error::Damaged { .. }) => self.unread(&id)?,
                    read => read?,
                });
            }
        }
        found.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(found)
    }

    /// Looks at one network volume; none if there is nothing whole of it.
    ///
    /// # Errors
    /// [`Error::Damaged`] for a record of another version.
    pub fn volume(&self, id: &VolumeId) -> Result<Option<VolumeState>, Error> {
        let record: Option<VolumeRecord> = read_json(&self.volume_record(id))?;
        let whole = self.unread(id)?;
        Ok(record.and_then(|record| {
            whole.map(|whole| VolumeState {
                size: record.size,
                ..whole
            })
        }))
    }

    /// Looks at a network volume's image alone; its size is the most that it may be.
    fn unread(&self, id: &VolumeId) -> Result<Option<VolumeState>, Error> {
        let image = self.volume_image(id);
        let image = match fs::metadata(&image) {
            Ok(image) => image,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error).on("look at", &image),
        };
        Ok(Some(VolumeState {
            id: id.clone(),
            size: Bytes::new(image.len()),
            allocated: Bytes::new(image.blocks().saturating_mul(512)),
        }))
    }

    /// Returns the image of the volume that a pod asks for, unless another pod has it.
    ///
    /// The caller gives its turn back when the pod's record stands, which takes the volume.
    pub(super) fn volume_for(
        &self,
        spec: &PodSpec,
        turn: Option<&HashSet<VolumeId>>,
    ) -> Result<Option<PathBuf>, Error> {
        let volume = spec.network_volume();
        let Some(id) = volume.and_then(|volume| volume.network.as_ref()) else {
            return Ok(None);
        };
        if turn.is_some_and(|growing| growing.contains(id)) {
            return Err(Error::VolumeGrows(id.clone()));
        }
        self.must_exist(id)?;
        match self.holder_of(id)? {
            Some(pod) if pod != spec.id => Err(Error::VolumeInUse {
                volume: id.clone(),
                pod,
            }),
            Some(_) | None => Ok(Some(self.volume_image(id))),
        }
    }

    /// Holds off every other change of volumes and of who has them; tells which ones grow just now,
    /// without a turn.
    pub(super) fn volumes_turn(&self) -> MutexGuard<'_, HashSet<VolumeId>> {
        // Nothing is left half done by a call that panicked while it held this.
        self.volumes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn must_exist(&self, id: &VolumeId) -> Result<VolumeState, Error> {
        self.volume(id)?
            .ok_or_else(|| Error::NoSuchVolume(id.clone()))
    }

    fn holder_of(&self, id: &VolumeId) -> Result<Option<PodId>, Error> {
        let dir = self.pods_dir();
        for entry in fs::read_dir(&dir).on("list", &dir)? {
            let pod = PodDir::from_path(entry.on("list", &dir)?.path());
            let record: Option<PodRecord> = read_json(&pod.record())?;
            let Some(record) = record else { continue };
            let volume = record.spec.network_volume();
            if volume.and_then(|volume| volume.network.as_ref()) == Some(id) {
                return Ok(Some(record.spec.id));
            }
        }
        Ok(None)
    }

    fn volumes_dir(&self) -> PathBuf {
        self.options.root.join(disk::VOLUMES)
    }

    fn volume_image(&self, id: &VolumeId) -> PathBuf {
        self.volumes_dir().join(format!("{id}.{IMAGE}"))
    }

    fn volume_record(&self, id: &VolumeId) -> PathBuf {
        self.volumes_dir().join(format!("{id}.{RECORD}"))
    }
}

/// Prepares the directory of volumes and removes what a crash left half made or half removed; the
/// caller alone uses it.
pub(super) fn open(root: &Path) -> Result<(), Error> {
    let dir = root.join(disk::VOLUMES);
    fs::create_dir_all(&dir).on("create", &dir)?;
    for entry in fs::read_dir(&dir).on("list", &dir)? {
        let path = entry.on("list", &dir)?.path();
        if id_of(&path, IMAGE).is_some() && !path.with_extension(RECORD).exists() {
            tracing::warn!(image = %path.display(), "a volume that was never finished is removed");
            remove_file(&path)?;
        }
        if id_of(&path, RECORD).is_some()
            && let Err(error) = read_json::<VolumeRecord>(&path)
        {
            tracing::error!(%error, "a volume cannot be used; it is kept as it is");
        }
    }
    Ok(())
}

fn id_of(path: &Path, extension: &str) -> Option<VolumeId> {
    let stem = path.file_name()?.to_str()?.strip_suffix(extension)?;
    stem.strip_suffix('.')?.parse().ok()
}
