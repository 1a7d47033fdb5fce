//! What this machine can and cannot do as a host, found out without changing anything.

mod caller;
mod cgroups;
mod gpus;
mod kernel;
mod places;
mod plane;
mod room;
mod tools;

use crate::settings::Settings;
use caller::Caller;
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
pub fn examine(settings: &Settings) -> Vec<Finding> {
    let place = &settings.place;
    let sudo = caller::ask_sudo();
    let caller = Caller::of(sudo.as_ref());
    let agent = caller::agent(place);
    vec![
        caller::privileges(sudo.as_ref(), agent, place),
        kernel::version(caller),
        kernel::user_namespaces(caller),
        kernel::seccomp(caller),
        cgroups::controllers(caller),
        kernel::overlayfs(caller),
        room::idmapped_mounts(&place.host_data_dir, caller),
        kernel::loop_devices(caller),
        tools::mkfs(caller),
        tools::nft(caller),
        kernel::forwarding(caller),
        room::disk(&place.host_data_dir, caller),
        room::memory(caller),
        gpus::gpus(caller),
        places::host_image(place),
        places::data_directory(place),
        places::settings(place),
        plane::control_plane(settings, caller, agent),
    ]
}

/// Reads a small file of the kernel's; none when it is not there.
fn read(path: &str) -> Option<String> {
    let text = std::fs::read_to_string(path).ok()?;
    Some(text.trim().to_owned())
}
