//! The network volume that a job's pod has.

use super::pod_path::{PodPath, PodPathError};
use crate::pod::WORKSPACE;
use crate::volume::{VolumeError, check_volume_name};
use livery_units::VolumeId;
use std::fmt;
use std::str::FromStr;

/// Directories of an image's own programs and settings; a volume over one of them, or over something
/// in it, would hide them.
const SYSTEM: [&str; 17] = [
    "/bin",
    "/boot",
    "/etc",
    "/lib",
    "/lib32",
    "/lib64",
    "/sbin",
    "/usr/bin",
    "/usr/include",
    "/usr/lib",
    "/usr/lib32",
    "/usr/lib64",
    "/usr/libexec",
    "/usr/local/bin",
    "/usr/local/lib",
    "/usr/sbin",
    "/usr/share",
];

/// Directories that hold such directories, and have room for others.
const HOLDERS: [&str; 4] = ["/run", "/usr", "/usr/local", "/var"];

/// A network volume, and where the job's pod has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobVolume {
    /// The volume, by name or id, as its account knows it.
    pub name: String,
    /// Where it is mounted.
    pub path: PodPath,
}

/// Why a volume cannot be mounted as it is asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JobVolumeError {
    /// No volume has such a name.
    #[error(transparent)]
    Name(#[from] VolumeError),
    /// It is no path inside a pod.
    #[error(transparent)]
    Path(#[from] PodPathError),
    /// The image's own programs are there.
    #[error("a volume at {0} would hide what the image has there")]
    System(PodPath),
}

impl JobVolume {
    /// Checks that a volume may have that name or id, and be mounted there.
    ///
    /// # Errors
    /// [`JobVolumeError`].
    pub fn new(name: &str, path: PodPath) -> Result<Self, JobVolumeError> {
        Self::check_name(name)?;
        Self::check_path(&path)?;
        Ok(Self {
            name: name.to_owned(),
            path,
        })
    }

    /// Refuses what is neither a volume's name nor its id.
    ///
    /// # Errors
    /// [`JobVolumeError::Name`].
    pub fn check_name(name: &str) -> Result<(), JobVolumeError> {
        if name.parse::<VolumeId>().is_ok() {
            return Ok(());
        }
        Ok(check_volume_name(name)?)
    }

    /// Refuses places that a pod needs for itself.
    ///
    /// # Errors
    /// [`JobVolumeError::System`].
    pub fn check_path(path: &PodPath) -> Result<(), JobVolumeError> {
        let text = path.as_str();
        let is_in = |dir: &str| {
            let below = text.strip_prefix(dir);
            below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        if HOLDERS.contains(&text) || SYSTEM.into_iter().any(is_in) {
            return Err(JobVolumeError::System(path.clone()));
        }
        Ok(())
    }

    /// Returns whether it takes the place of the pod's own volume disk.
    pub fn is_workspace(&self) -> bool {
        self.path.as_str() == WORKSPACE
    }
}

/// Reads `NAME:PATH`, or `NAME` for a volume at the workspace.
impl FromStr for JobVolume {
    type Err = JobVolumeError;

    fn from_str(text: &str) -> Result<Self, JobVolumeError> {
        let (name, path) = text.split_once(':').unwrap_or((text, WORKSPACE));
        Self::check_name(name)?;
        Self::new(name, PodPath::parse(path)?)
    }
}

impl fmt::Display for JobVolume {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}:{}", self.name, self.path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_a_place_or_without_one() {
        for (text, shown, is_workspace) in [
            ("data", "data:/workspace", true),
            ("data:/workspace/", "data:/workspace", true),
            ("data:/mnt/data", "data:/mnt/data", false),
            ("data:~/sets", "data:/root/sets", false),
            ("data:sets", "data:/workspace/workdir/sets", false),
            ("data:/usr/local/sets", "data:/usr/local/sets", false),
        ] {
            let volume: JobVolume = text.parse().unwrap();
            assert_eq!(volume.to_string(), shown);
            assert_eq!(volume.is_workspace(), is_workspace, "{text}");
            assert_eq!(volume.to_string().parse(), Ok(volume));
        }
        let id = VolumeId::from_entropy(7);
        let volume: JobVolume = format!("{id}:/mnt").parse().unwrap();
        assert_eq!(volume.name, id.as_str());
    }

    #[test]
    fn what_no_pod_can_have_is_refused() {
        let read = |text: &str| text.parse::<JobVolume>().unwrap_err();
        for name in ["", ":/mnt", "-x:/mnt", "a b", "/mnt/data:data"] {
            assert!(matches!(read(name), JobVolumeError::Name(_)), "{name}");
        }
        for path in ["data:", "data:/", "data:/proc/1", "data:/mnt/../etc"] {
            assert!(matches!(read(path), JobVolumeError::Path(_)), "{path}");
        }
        for path in [
            "data:/usr",
            "data:/usr/bin",
            "data:/usr/local",
            "data:/usr/share/x",
            "data:/etc/",
            "data:/etc/resolv.conf",
            "data://lib",
            "data:/lib/x86_64-linux-gnu",
        ] {
            assert!(matches!(read(path), JobVolumeError::System(_)), "{path}");
        }
        // Only what is in such a directory, not what is named like one.
        for path in ["data:/library", "data:/usr/src", "data:/var/lib/sets"] {
            assert!(path.parse::<JobVolume>().is_ok(), "{path}");
        }
    }
}
