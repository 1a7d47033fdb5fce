//! Making, stopping, starting and removing pods.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::PoisonError;
use std::time::Duration;

use livery_units::{Bytes, PodId, Span};
use rustix::process::Signal;

use super::Runtime;
use super::kill::KILL_PATIENCE;
use super::observe::Presence;
use crate::disk::{self, Formatting, Use};
use crate::error::{Context, Error};
use crate::layout::{EndRecord, PodDir, PodRecord, read_json, remove_file, write_json};
use crate::process::Gone;
use crate::shim::{self, Unbegun};
use crate::spec::{NetworkMode, PodSpec, Rootfs};
use crate::state::{End, Exit, PodState, Status};
use crate::uptime::Uptime;

/// How long a pod may take to come up before it is given up.
const START_PATIENCE: Duration = Duration::from_secs(60);

impl Runtime {
    /// Makes a pod and starts it; returns when its first process runs.
    ///
    /// Making a pod that is there returns what it does now. One that was left half made by a crash
    /// is removed and made anew.
    pub fn create(&self, spec: &PodSpec) -> Result<PodState, Error> {
        check(spec)?;
        let _turn = self.busy.wait_for(&spec.id);
        match self.presence(&spec.id)? {
            Presence::Made => return Ok(self.found(&spec.id, self.status_of(&spec.id)?)),
            Presence::HalfMade => self.clear(&spec.id)?,
            Presence::Absent => {}
        }
        match self.make(spec) {
            Ok(status) => Ok(self.found(&spec.id, status)),
            Err(failure) => {
                // The reason it failed matters more than leftovers; `list` shows those.
                if let Err(error) = self.clear(&spec.id) {
                    tracing::warn!(pod.id = %spec.id, %error, "half-made pod could not be removed");
                }
                Err(failure)
            }
        }
    }

    /// Stops a pod: asks every process to end, and kills what is left after `grace`.
    ///
    /// The container disk goes, the volume disk stays. Stopping what is stopped changes nothing.
    pub fn stop(&self, pod: &PodId, grace: Span) -> Result<PodState, Error> {
        let _turn = self.busy.wait_for(pod);
        if self.presence(pod)? != Presence::Made {
            return Err(Error::NoSuchPod(pod.clone()));
        }
        let dir = self.dir(pod);
        if let Status::Up { .. } = self.status_of(pod)?
            && let Some(run) = self.run_record(pod)?
        {
            run.init.signal(Signal::TERM);
            // Its shim ends after it has written how the pod ended.
            run.shim.wait_gone(grace.to_std());
        }
        self.kill_everything(pod, KILL_PATIENCE)?;
        if read_json::<End>(&dir.end())?.is_none() {
            let end = End {
                exit: Exit::PodEnded,
                at: crate::layout::now(),
                oom_kills: 0,
            };
            let ended = Uptime::now();
            write_json(&dir.end(), &EndRecord { end, ended })?;
        }
        self.disconnect(pod)?;
        self.release_disks(&dir)?;
        remove_file(&dir.container_disk())?;
        Ok(self.found(pod, self.status_of(pod)?))
    }

    /// Starts a stopped or lost pod, with a fresh container disk and the volume it had.
    pub fn start(&self, pod: &PodId) -> Result<PodState, Error> {
        let _turn = self.busy.wait_for(pod);
        let dir = self.dir(pod);
        let record: Option<PodRecord> = read_json(&dir.record())?;
        let Some(record) = record.filter(|_| dir.run().exists()) else {
            return Err(Error::NoSuchPod(pod.clone()));
        };
        if let status @ Status::Up { .. } = self.status_of(pod)? {
            return Ok(self.found(pod, status));
        }
        self.kill_everything(pod, KILL_PATIENCE)?;
        self.release_disks(&dir)?;
        remove_file(&dir.container_disk())?;
        let spec = record.spec;
        let disk = (dir.container_disk(), spec.container_disk, Use::Container);
        let disks = self.begin_disks(&[disk])?;
        self.record(&dir, &spec, record.slot)?;
        for disk in disks {
            disk.finish()?;
        }
        remove_file(&dir.end())?;
        let started = self.launch(&dir, pod);
        if started.is_err() {
            // It is lost and can be started again; what half runs must not stay.
            let _ = self.kill_everything(pod, KILL_PATIENCE);
            let _ = self.disconnect(pod);
        }
        Ok(self.found(pod, started?))
    }

    /// Removes a pod with its disks; removing what is gone succeeds.
    pub fn remove(&self, pod: &PodId) -> Result<(), Error> {
        let _turn = self.busy.wait_for(pod);
        self.clear(pod)
    }

    fn make(&self, spec: &PodSpec) -> Result<Status, Error> {
        let slot = self.slots.take(&spec.id)?;
        let dir = self.dir(&spec.id);
        fs::create_dir_all(dir.tasks()).on("create", dir.tasks())?;
        let mut wanted = vec![(dir.container_disk(), spec.container_disk, Use::Container)];
        if let Some(volume) = spec.volume.as_ref().filter(|one| one.network.is_none()) {
            wanted.push((dir.volume_disk(), volume.size, Use::Volume));
        }
        // The disks are formatted while the network is made.
        let disks = self.begin_disks(&wanted)?;
        self.record(&dir, spec, slot)?;
        for disk in disks {
            disk.finish()?;
        }
        self.launch(&dir, &spec.id)
    }

    pub(super) fn begin_disks(
        &self,
        wanted: &[(PathBuf, Bytes, Use)],
    ) -> Result<Vec<Formatting>, Error> {
        let sizes = wanted.iter().map(|(_, size, _)| *size);
        let sum = sizes.fold(Bytes::ZERO, Bytes::saturating_plus);
        // Nothing is left half done by a call that panicked while it held this.
        let _room = self.room.lock().unwrap_or_else(PoisonError::into_inner);
        disk::check_room(&self.options.root, sum)?;
        let templates = self.options.root.join("templates");
        wanted
            .iter()
            .map(|(path, size, purpose)| disk::begin(path, *size, *purpose, &templates))
            .collect()
    }

    /// Connects the pod and writes down what its shim has to know.
    fn record(&self, dir: &PodDir, spec: &PodSpec, slot: u16) -> Result<(), Error> {
        let attached = match spec.network {
            NetworkMode::Own(reach) => Some(self.network.attach(&spec.id, slot, reach)?),
            NetworkMode::Loopback => None,
        };
        let mut hide = self.options.hide.clone();
        hide.push(self.options.root.clone());
        // Until the record stands, which takes the volume.
        let turn = spec.network_volume().map(|_| self.volumes_turn());
        let record = PodRecord {
            slot,
            first_id: self.first_id(slot),
            resolv_conf: attached
                .as_ref()
                .map(|one| one.resolv_conf.clone())
                .unwrap_or_default(),
            netns: attached.map(|one| one.netns),
            network_volume: self.volume_for(spec, turn.as_deref())?,
            hide,
            spec: spec.clone(),
        };
        write_json(&dir.record(), &record)
    }

    fn launch(&self, dir: &PodDir, pod: &PodId) -> Result<Status, Error> {
        let log = dir.shim_log();
        let word = shim::start(&self.options.shim, "init", dir.path(), &log, START_PATIENCE);
        let failed = |detail: String| Error::Shim {
            pod: pod.clone(),
            detail,
        };
        match word {
            Ok(Ok(())) => self.status_of(pod),
            Ok(Err(Unbegun::Failed(detail))) => Err(failed(detail)),
            Ok(Err(Unbegun::NoCommand(reason))) => Err(Error::NoCommand(reason)),
            Err(error) if error.kind() == io::ErrorKind::TimedOut => Err(failed(format!(
                "its shim said nothing for {START_PATIENCE:?}"
            ))),
            Err(error) => Err(error).on("start the shim", &self.options.shim),
        }
    }

    /// Takes away everything a pod has, in an order that leaves it findable until the end.
    fn clear(&self, pod: &PodId) -> Result<(), Error> {
        let dir = self.dir(pod);
        self.kill_everything(pod, KILL_PATIENCE)?;
        self.disconnect(pod)?;
        if dir.path().exists() {
            self.release_disks(&dir)?;
            fs::remove_dir_all(dir.path()).on("remove", dir.path())?;
        }
        self.slots.give_back(pod)
    }

    /// Waits until the kernel has let go of the pod's disks.
    fn release_disks(&self, dir: &PodDir) -> Result<(), Error> {
        // A damaged record must not keep a pod here; the volume's own removal looks again.
        let record: Option<PodRecord> = read_json(&dir.record()).unwrap_or(None);
        let volume = record.and_then(|record| record.network_volume);
        let own = [dir.container_disk(), dir.volume_disk()];
        for image in own.into_iter().chain(volume) {
            if super::kill::wait_detached(&image, KILL_PATIENCE)? == Gone::No {
                let pod = dir
                    .path()
                    .file_name()
                    .and_then(|name| name.to_str()?.parse().ok());
                return match pod {
                    Some(pod) => Err(Error::Stuck {
                        pod,
                        what: format!("the disk {}", image.display()),
                    }),
                    None => Ok(()),
                };
            }
        }
        Ok(())
    }

    fn disconnect(&self, pod: &PodId) -> Result<(), Error> {
        for slot in self.slots.of(pod)? {
            self.network.detach(pod, slot)?;
        }
        Ok(())
    }

    fn found(&self, pod: &PodId, status: Status) -> PodState {
        PodState {
            id: pod.clone(),
            status,
        }
    }
}

/// Refuses what cannot work, before anything is made.
fn check(spec: &PodSpec) -> Result<(), Error> {
    let bad = |why: String| Err(Error::BadSpec(why));
    let name_ok = !spec.hostname.is_empty()
        && spec.hostname.len() <= 63
        && spec
            .hostname
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.');
    if !name_ok {
        return bad(format!("`{}` is not a host name", spec.hostname));
    }
    match &spec.rootfs {
        Rootfs::Layers(layers) if layers.is_empty() => {
            return bad("its image has no layers".to_owned());
        }
        Rootfs::Layers(_) | Rootfs::Host => {}
    }
    if spec.command.as_ref().is_some_and(Vec::is_empty) {
        return bad("its start command is empty".to_owned());
    }
    if spec.memory < Bytes::mib(16) || spec.pids < 2 || spec.milli_cpus == 0 {
        return bad(
            "it needs at least 16 MiB of memory, 2 processes and a part of a CPU".to_owned(),
        );
    }
    for volume in spec.volumes() {
        let path = &volume.mount_path;
        let plain = path.components().all(|part| {
            matches!(
                part,
                std::path::Component::RootDir | std::path::Component::Normal(_)
            )
        });
        if !path.is_absolute() || !plain || path.parent().is_none() {
            return bad(format!(
                "a volume cannot be mounted at `{}`",
                path.display()
            ));
        }
    }
    for (key, value) in &spec.env {
        if key.is_empty() || key.contains(['=', '\0']) || value.contains('\0') {
            return bad(format!("`{key}` cannot be a variable"));
        }
    }
    Ok(())
}
