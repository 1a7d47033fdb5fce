//! The format of a description, as far as pods need it.

use std::path::PathBuf;

use serde::Deserialize;

use super::{Devices, Share};
use crate::error::Error;

/// One file: the devices of one kind.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Spec {
    pub kind: String,
    #[serde(default)]
    pub devices: Vec<Device>,
    #[serde(default)]
    pub container_edits: Edits,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Device {
    pub name: String,
    #[serde(default)]
    pub container_edits: Edits,
}

/// What a container needs for a device.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Edits {
    pub env: Vec<String>,
    pub device_nodes: Vec<Node>,
    pub mounts: Vec<Mount>,
    pub hooks: Vec<Hook>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Node {
    pub path: PathBuf,
    pub host_path: Option<PathBuf>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Mount {
    pub host_path: PathBuf,
    pub container_path: PathBuf,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Hook {
    #[serde(default)]
    pub args: Vec<String>,
}

impl Edits {
    /// Adds what is needed to what a pod gets; what it gets already is not added twice.
    pub fn apply(&self, device: &str, to: &mut Devices) -> Result<(), Error> {
        for node in &self.device_nodes {
            if node
                .host_path
                .as_ref()
                .is_some_and(|on_machine| *on_machine != node.path)
            {
                return Err(Error::Device {
                    device: device.to_owned(),
                    why: format!("{} has another name on this machine", node.path.display()),
                });
            }
            add(&mut to.nodes, node.path.clone());
        }
        for mount in &self.mounts {
            let share = Share {
                source: mount.host_path.clone(),
                target: mount.container_path.clone(),
            };
            add(&mut to.mounts, share);
        }
        for variable in &self.env {
            if let Some((key, value)) = variable.split_once('=') {
                add(&mut to.env, (key.to_owned(), value.to_owned()));
            }
        }
        for hook in &self.hooks {
            hook.apply(to);
        }
        Ok(())
    }
}

impl Hook {
    fn apply(&self, to: &mut Devices) {
        let option = |name: &str| {
            let pairs = self.args.windows(2);
            pairs
                .filter(|pair| pair[0] == name)
                .map(|pair| pair[1].clone())
                .collect::<Vec<_>>()
        };
        // Older tools are called `nvidia-ctk hook NAME`, newer ones `nvidia-cdi-hook NAME`.
        let mut words = self.args.iter().map(String::as_str).skip(1);
        match words.find(|word| *word != "hook") {
            Some("create-symlinks") => {
                for link in option("--link") {
                    if let Some((target, place)) = link.split_once("::") {
                        add(&mut to.links, (target.into(), place.into()));
                    }
                }
            }
            Some("update-ldcache") => {
                for folder in option("--folder") {
                    add(&mut to.library_dirs, folder.into());
                }
            }
            other => tracing::debug!(hook = other, "a device's hook is not needed here"),
        }
    }
}

fn add<T: PartialEq>(list: &mut Vec<T>, item: T) {
    if !list.contains(&item) {
        list.push(item);
    }
}
