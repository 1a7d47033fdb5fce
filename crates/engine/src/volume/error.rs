//! What a use-case about network volumes can answer instead of what it was asked.

use crate::error::explain;
use livery_domain::offer::{Offer, SupplierName};
use livery_domain::placement::Misfit;
use livery_domain::volume::VolumeError;
use livery_units::{Bytes, HostId};

/// A use-case about network volumes failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VolumeRefusal {
    /// No volume of that id or name.
    #[error("there is no network volume `{0}`")]
    NotFound(String),
    /// There is one of that name already.
    #[error("there is a network volume named `{0}` already")]
    NameTaken(String),
    /// The name or the size cannot be.
    #[error(transparent)]
    Invalid(#[from] VolumeError),
    /// A pod has it.
    #[error("network volume {volume} is in use by pod {pod}")]
    InUse {
        /// The volume's name.
        volume: String,
        /// The pod that has it.
        pod: String,
    },
    /// It is on its way, or gone.
    #[error("network volume {volume} is {phase}{}", because(.reason.as_deref()))]
    NotThere {
        /// The volume's name.
        volume: String,
        /// Its phase.
        phase: String,
        /// Why it is not as wanted.
        reason: Option<String>,
    },
    /// No host has room for it.
    #[error("no host has room for a network volume of {size}{}", among(.places, .silent))]
    NoPlace {
        /// How large it was to be.
        size: Bytes,
        /// The hosts that there were, with the room that each has.
        places: Vec<(String, Bytes)>,
        /// The suppliers that did not say which hosts they have, each with the reason.
        silent: Vec<(SupplierName, String)>,
    },
    /// Its file system is checked and made larger at this moment.
    #[error("network volume {volume} is growing{}", because(.reason.as_deref()))]
    Growing {
        /// The volume's name.
        volume: String,
        /// Why it has not grown yet, when its host said so.
        reason: Option<String>,
    },
    /// It is not where there is a machine for what it is wanted for.
    #[error(
        "network volume {volume} is on host {host}, and {}{}",
        there(.here),
        also(*.others)
    )]
    Elsewhere {
        /// The volume's name.
        volume: String,
        /// Where it is.
        host: HostId,
        /// What is on offer there, and why it does not do.
        here: Vec<(Offer, Misfit)>,
        /// How many offers of other hosts would do.
        others: usize,
    },
    /// A pod has a disk of its own at `/workspace`, or a network volume.
    #[error("a network volume takes the place of the volume disk at /workspace")]
    TwoDisks,
}

impl VolumeRefusal {
    /// Returns the stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotFound(_) => "VOL001",
            Self::NameTaken(_) => "VOL002",
            Self::Invalid(_) => "VOL003",
            Self::InUse { .. } => "VOL004",
            Self::NotThere { .. } | Self::Growing { .. } => "VOL005",
            Self::NoPlace { .. } => "VOL006",
            Self::TwoDisks => "VOL007",
            Self::Elsewhere { .. } => "VOL008",
        }
    }

    /// Returns what the user can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NotFound(_) => Some("`livery volume list --all` lists every volume"),
            Self::NameTaken(_) => Some("choose another name, or delete the other volume"),
            Self::Invalid(_) => None,
            Self::InUse { .. } => {
                Some("terminate that pod first (`livery pod terminate`); the volume stays")
            }
            Self::NotThere { .. } => Some("`livery volume list` shows how each volume is"),
            Self::Growing { .. } => {
                Some("try again in a moment; `livery volume list` shows how each volume is")
            }
            Self::Elsewhere { .. } => Some(
                "ask for what that host has (`livery offers`), or use a volume on another host \
                 (`livery volume create --host`)",
            ),
            Self::NoPlace { .. } => Some("ask for less, or connect a host with more room"),
            Self::TwoDisks => Some("leave out the size of the volume disk"),
        }
    }
}

fn because(reason: Option<&str>) -> String {
    reason.map_or(String::new(), |reason| format!(": {reason}"))
}

fn among(places: &[(String, Bytes)], silent: &[(SupplierName, String)]) -> String {
    let room = places.iter().map(|(name, free)| format!("{name}: {free}"));
    let silent = silent
        .iter()
        .map(|(name, why)| format!("supplier {name} does not answer: {why}"));
    let all: Vec<String> = room.chain(silent).collect();
    if all.is_empty() {
        return ": no such host is connected that keeps volumes".to_owned();
    }
    format!(" ({})", all.join("; "))
}

fn there(here: &[(Offer, Misfit)]) -> String {
    if here.is_empty() {
        return "that host has nothing on offer now: it is not connected, or all of it is taken"
            .to_owned();
    }
    format!("no offer of that host fits{}", explain(here))
}

fn also(count: usize) -> String {
    match count {
        0 => String::new(),
        1 => "; an offer of another host would fit".to_owned(),
        count => format!("; {count} offers of other hosts would fit"),
    }
}
