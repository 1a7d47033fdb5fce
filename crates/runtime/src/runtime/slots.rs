//! Slots: which range of user ids, and which addresses, a pod has.
//!
//! A slot is taken before anything of the pod is made and given back after all of it is gone, so
//! that a crash in between leaves a note of whose things lie about.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use livery_units::PodId;

use crate::error::{Context, Error};

/// How the name of a note begins that a crash may leave.
const UNFINISHED: &str = "new-";

/// The slots of one root directory: a file per taken one, holding its pod's id.
#[derive(Debug)]
pub(super) struct Slots {
    dir: PathBuf,
    count: u16,
}

impl Slots {
    pub fn open(dir: PathBuf, count: u16) -> Result<Self, Error> {
        fs::create_dir_all(&dir).on("create", &dir)?;
        sweep(&dir)?;
        Ok(Self { dir, count })
    }

    /// Takes the lowest free slot, or finds the one the pod has.
    pub fn take(&self, pod: &PodId) -> Result<u16, Error> {
        if let Some((slot, _)) = self.all()?.into_iter().find(|(_, owner)| owner == pod) {
            return Ok(slot);
        }
        // The note appears whole, by linking, so that nobody reads an empty one.
        let note = self.dir.join(format!("{UNFINISHED}{pod}"));
        let written = fs::File::create(&note).and_then(|mut file| {
            file.write_all(pod.as_str().as_bytes())?;
            file.sync_data()
        });
        written.on("write", &note)?;
        let taken = self.link_lowest(&note);
        crate::layout::remove_file(&note)?;
        taken
    }

    fn link_lowest(&self, note: &Path) -> Result<u16, Error> {
        for slot in 0..self.count {
            match fs::hard_link(note, self.path(slot)) {
                Ok(()) => return Ok(slot),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error).on("take a slot in", &self.dir),
            }
        }
        Err(Error::NoSlot(self.count))
    }

    /// Gives back whatever the pod has.
    pub fn give_back(&self, pod: &PodId) -> Result<(), Error> {
        for slot in self.of(pod)? {
            crate::layout::remove_file(&self.path(slot))?;
        }
        Ok(())
    }

    /// Lists the slots a pod has; more than one is never taken but would be given back.
    pub fn of(&self, pod: &PodId) -> Result<Vec<u16>, Error> {
        let all = self.all()?.into_iter();
        Ok(all
            .filter(|(_, owner)| owner == pod)
            .map(|(slot, _)| slot)
            .collect())
    }

    /// Lists every taken slot.
    pub fn all(&self) -> Result<Vec<(u16, PodId)>, Error> {
        let mut all = Vec::new();
        for entry in fs::read_dir(&self.dir).on("list", &self.dir)? {
            let path = entry.on("list", &self.dir)?.path();
            let slot = path
                .file_name()
                .and_then(|name| name.to_str()?.parse().ok());
            // Unfinished notes have no number; a slot may be given back while we look.
            if let (Some(slot), Ok(text)) = (slot, fs::read_to_string(&path))
                && let Ok(pod) = text.parse()
            {
                all.push((slot, pod));
            }
        }
        Ok(all)
    }

    fn path(&self, slot: u16) -> PathBuf {
        self.dir.join(slot.to_string())
    }
}

/// Removes the notes that were never linked; the caller alone uses the directory.
fn sweep(dir: &Path) -> Result<(), Error> {
    for entry in fs::read_dir(dir).on("list", dir)? {
        let entry = entry.on("list", dir)?;
        let name = entry.file_name();
        if name.as_encoded_bytes().starts_with(UNFINISHED.as_bytes()) {
            crate::layout::remove_file(&entry.path())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pod_keeps_its_slot_and_frees_it_for_others() {
        let root = tempfile::tempdir().unwrap();
        let slots = Slots::open(root.path().join("slots"), 2).unwrap();
        let [one, two, three] = [1, 2, 3].map(PodId::from_entropy);
        assert_eq!(slots.take(&one).unwrap(), 0);
        assert_eq!(slots.take(&two).unwrap(), 1);
        assert_eq!(slots.take(&one).unwrap(), 0);
        assert!(matches!(slots.take(&three), Err(Error::NoSlot(2))));
        slots.give_back(&one).unwrap();
        slots.give_back(&one).unwrap();
        assert_eq!(slots.take(&three).unwrap(), 0);
        assert_eq!(slots.of(&three).unwrap(), [0]);
    }
}
