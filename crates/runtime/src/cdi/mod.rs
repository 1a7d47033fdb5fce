//! Devices given to pods, as the Container Device Interface describes them.
//!
//! Drivers install descriptions of their devices under `/etc/cdi` or `/var/run/cdi`. A machine with
//! NVIDIA's driver and no description is looked at directly. Hooks are not run: they are programs
//! that would run as root outside the pod; the two that matter (links, loader directories) are
//! understood and done by the pod's own first process instead.

mod found;
mod spec;
mod yaml;

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use self::spec::Edits;
use crate::error::{Context, Error};

/// Where descriptions are; a device described in both is taken from the later.
const DIRECTORIES: [&str; 2] = ["/etc/cdi", "/var/run/cdi"];

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

/// The devices of this machine.
#[derive(Debug, Clone, Default)]
pub struct Catalog {
    /// By full name, such as `nvidia.com/gpu=0`: the edits of the whole kind, then the device's.
    devices: BTreeMap<String, (Edits, Edits)>,
}

impl Catalog {
    /// Reads what drivers described, and looks for NVIDIA's devices if none of those is described.
    pub fn read() -> Result<Self, Error> {
        let mut catalog = Self::read_from(&DIRECTORIES.map(Path::new))?;
        found::prepare();
        if !catalog.names().any(|name| name.starts_with(found::KIND)) {
            let found = found::nvidia(Path::new("/dev"), Path::new(found::DRIVER));
            catalog.devices.extend(found.devices);
        }
        Ok(catalog)
    }

    /// Reads the descriptions in some directories; those that do not exist hold none.
    pub fn read_from(directories: &[&Path]) -> Result<Self, Error> {
        let mut catalog = Self::default();
        for directory in directories {
            let entries = match fs::read_dir(directory) {
                Ok(entries) => entries,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error).on("list", directory),
            };
            let mut paths = Vec::new();
            for entry in entries {
                paths.push(entry.on("list", directory)?.path());
            }
            paths.sort();
            for path in paths {
                catalog.add(&path)?;
            }
        }
        Ok(catalog)
    }

    /// Lists every device by its full name.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.devices.keys().map(String::as_str)
    }

    /// Puts together what a pod gets with the named devices.
    pub fn resolve(&self, names: &[String]) -> Result<Devices, Error> {
        let mut devices = Devices::default();
        for name in names {
            let Some((common, own)) = self.devices.get(name) else {
                let known: Vec<&str> = self.names().collect();
                return Err(Error::Device {
                    device: name.clone(),
                    why: match known.as_slice() {
                        [] => "this machine has none that can be given".to_owned(),
                        known => format!("this machine has {}", known.join(", ")),
                    },
                });
            };
            common.apply(name, &mut devices)?;
            own.apply(name, &mut devices)?;
        }
        Ok(devices)
    }

    fn add(&mut self, path: &Path) -> Result<(), Error> {
        let kind = path.extension().and_then(|extension| extension.to_str());
        let bad = |why: String| Error::Device {
            device: path.display().to_string(),
            why,
        };
        let value = match kind {
            Some("json") => {
                let text = fs::read_to_string(path).on("read", path)?;
                serde_json::from_str(&text).map_err(|error| bad(error.to_string()))?
            }
            Some("yaml" | "yml") => {
                let text = fs::read_to_string(path).on("read", path)?;
                yaml::parse(&text).map_err(bad)?
            }
            _ => return Ok(()),
        };
        let spec: spec::Spec =
            serde_json::from_value(value).map_err(|error| bad(error.to_string()))?;
        for device in spec.devices {
            let name = format!("{}={}", spec.kind, device.name);
            self.devices
                .insert(name, (spec.container_edits.clone(), device.container_edits));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DESCRIPTION: &str = r#"---
cdiVersion: 0.5.0
kind: nvidia.com/gpu
containerEdits:
  env:
  - NVIDIA_VISIBLE_DEVICES=void
  deviceNodes:
  - path: /dev/nvidiactl
    hostPath: /dev/nvidiactl
  hooks:
  - args:
    - nvidia-cdi-hook
    - create-symlinks
    - --link
    - libcuda.so.1::/usr/lib/libcuda.so
    hookName: createContainer
    path: /usr/bin/nvidia-cdi-hook
  - args: [nvidia-ctk, hook, update-ldcache, --folder, /usr/lib]
    hookName: createContainer
    path: /usr/bin/nvidia-ctk
  mounts:
  - containerPath: /usr/lib/libcuda.so.1
    hostPath: /usr/lib/libcuda.so.1
    options: [ro, nosuid, "nodev", bind]
devices:
- containerEdits:
    deviceNodes:
    - path: /dev/nvidia0
  name: "0"
- containerEdits: {deviceNodes: [{path: /dev/nvidia1}]}
  name: "1"
"#;

    fn catalog() -> (tempfile::TempDir, Catalog) {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("nvidia.yaml"), DESCRIPTION).unwrap();
        fs::write(directory.path().join("README"), "not a description").unwrap();
        let missing = directory.path().join("missing");
        let catalog = Catalog::read_from(&[directory.path(), &missing]).unwrap();
        (directory, catalog)
    }

    #[test]
    fn two_devices_of_a_kind_share_what_the_kind_needs() {
        let (_directory, catalog) = catalog();
        let names: Vec<_> = catalog.names().map(str::to_owned).collect();
        assert_eq!(names, ["nvidia.com/gpu=0", "nvidia.com/gpu=1"]);
        let devices = catalog.resolve(&names).unwrap();
        let nodes = ["/dev/nvidiactl", "/dev/nvidia0", "/dev/nvidia1"].map(PathBuf::from);
        assert_eq!(devices.nodes, nodes);
        assert_eq!(devices.mounts.len(), 1);
        let env = ("NVIDIA_VISIBLE_DEVICES".to_owned(), "void".to_owned());
        assert_eq!(devices.env, [env]);
        let link = ("libcuda.so.1".into(), "/usr/lib/libcuda.so".into());
        assert_eq!(devices.links, [link]);
        assert_eq!(devices.library_dirs, [PathBuf::from("/usr/lib")]);
    }

    #[test]
    fn a_device_that_is_not_there_is_refused_with_those_that_are() {
        let (_directory, catalog) = catalog();
        let error = catalog
            .resolve(&["nvidia.com/gpu=7".to_owned()])
            .unwrap_err();
        assert!(error.to_string().contains("nvidia.com/gpu=1"), "{error}");
    }

    #[test]
    fn a_broken_description_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("broken.yaml");
        fs::write(&path, "kind: [").unwrap();
        let error = Catalog::read_from(&[directory.path()]).unwrap_err();
        assert!(error.to_string().contains("broken.yaml"), "{error}");
    }
}
