//! What this machine can and cannot do as a host, found out without changing anything.

mod cgroups;
mod gpus;
mod kernel;
mod room;
mod tools;

use crate::settings::Place;
use serde::Serialize;

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What was looked at.
    pub name: &'static str,
    /// How it is.
    pub health: Health,
    /// What was found, in words for the user.
    pub found: String,
    /// The command, or what else to do, that mends it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mend: Option<String>,
}

/// How one thing is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Health {
    /// As it should be.
    Good,
    /// Pods can run; something else cannot be done, or not well.
    Limited,
    /// Pods cannot run.
    Bad,
}

impl Finding {
    fn good(name: &'static str, found: impl Into<String>) -> Self {
        Self::new(name, Health::Good, found.into(), None)
    }

    fn limited(name: &'static str, found: impl Into<String>, mend: impl Into<String>) -> Self {
        Self::new(name, Health::Limited, found.into(), Some(mend.into()))
    }

    fn bad(name: &'static str, found: impl Into<String>, mend: impl Into<String>) -> Self {
        Self::new(name, Health::Bad, found.into(), Some(mend.into()))
    }

    fn new(name: &'static str, health: Health, found: String, mend: Option<String>) -> Self {
        Self {
            name,
            health,
            found,
            mend,
        }
    }
}

/// Looks at everything, in the order in which it is best mended.
pub fn examine(place: &Place) -> Vec<Finding> {
    vec![
        tools::privileges(),
        kernel::version(),
        kernel::user_namespaces(),
        kernel::seccomp(),
        cgroups::controllers(),
        kernel::overlayfs(),
        room::idmapped_mounts(&place.host_data_dir),
        kernel::loop_devices(),
        tools::mkfs(),
        tools::nft(),
        kernel::forwarding(),
        room::disk(&place.host_data_dir),
        room::memory(),
        gpus::gpus(),
        tools::control_plane(place),
    ]
}

/// Reads a small file of the kernel's; none when it is not there.
fn read(path: &str) -> Option<String> {
    let text = std::fs::read_to_string(path).ok()?;
    Some(text.trim().to_owned())
}
