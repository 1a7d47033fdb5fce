//! What a panic ends, and how far that is.

use crate::error::Error;
use livery_domain::orphan::{Orphan, Stray};
use livery_domain::pod::Pod;
use livery_domain::run::Run;
use livery_domain::volume::NetworkVolume;
use livery_units::Timestamp;

/// What is to end, beside every run and every pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Panic {
    /// When it began, for going on with one; now when absent.
    pub since: Option<Timestamp>,
    /// What becomes of network volumes.
    pub volumes: Volumes,
    /// What becomes of machines whose launch key is not known here.
    pub unknown: Unknown,
}

/// What becomes of network volumes: they are data, and cost less than pods.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Volumes {
    /// They are named, with what they go on costing, and kept.
    Keep,
    /// They are deleted with all that is on them.
    End,
}

/// What becomes of leases with a key that the store does not know, at a supplier where other control
/// planes may launch too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unknown {
    /// They are named and kept: they may be somebody else's.
    Keep,
    /// They are ended like everything else.
    End,
}

/// Where everything stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PanicReport {
    /// When the panic began.
    pub since: Timestamp,
    /// Everything that it concerns.
    pub things: Vec<Thing>,
}

/// Something that a panic ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thing {
    /// What it is.
    pub kind: ThingKind,
    /// Its id; of a supplier, its name.
    pub id: String,
    /// What its user calls it; empty when nothing.
    pub name: String,
    /// Where it is: its supplier; empty when that is not known.
    pub place: String,
    /// How far its end is.
    pub fate: Fate,
    /// Why it is no further, in words for the user.
    pub why: Option<String>,
}

/// Kinds of [`Thing`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ThingKind {
    /// A run.
    Run,
    /// A pod.
    Pod,
    /// A network volume.
    Volume,
    /// A machine at a supplier that no pod stands behind.
    Lease,
    /// A supplier, asked what it has that the store does not know.
    Supplier,
}

/// How far the end of a thing is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It is confirmed gone, and its bill is settled.
    Gone,
    /// Its end is wished for and not confirmed yet.
    Asked,
    /// Its end could not even be wished for.
    Failed,
    /// It is kept on purpose.
    Kept,
}

impl Thing {
    pub(super) fn of_run(run: &Run) -> Self {
        let (fate, why) = match run.ended {
            Some(_) => (Fate::Gone, None),
            None => (Fate::Asked, Some(format!("it is at {}", run.step))),
        };
        Self {
            kind: ThingKind::Run,
            id: run.id.to_string(),
            name: run.name.clone(),
            place: String::new(),
            fate,
            why,
        }
    }

    pub(super) fn of_pod(pod: &Pod) -> Self {
        let (fate, why) = match pod.ended {
            Some(_) => (Fate::Gone, None),
            None => {
                let why = pod.reason.clone();
                (Fate::Asked, why.or(Some(format!("it is {}", pod.phase()))))
            }
        };
        Self {
            kind: ThingKind::Pod,
            id: pod.id.to_string(),
            name: pod.order.name.clone(),
            place: pod.supplier().to_string(),
            fate,
            why,
        }
    }

    pub(super) fn of_volume(volume: &NetworkVolume, fate: Fate) -> Self {
        Self {
            kind: ThingKind::Volume,
            id: volume.id.to_string(),
            name: volume.name.clone(),
            place: volume.supplier.to_string(),
            fate,
            why: volume.reason.clone(),
        }
    }

    pub(super) fn of_lease(orphan: &Orphan, fate: Fate) -> Self {
        Self {
            kind: ThingKind::Lease,
            id: orphan.foreign_id.clone(),
            name: orphan.key.to_string(),
            place: orphan.supplier.to_string(),
            fate,
            why: orphan.detail.clone(),
        }
    }

    pub(super) fn of_stray(stray: &Stray, fate: Fate) -> Self {
        Self {
            kind: ThingKind::Volume,
            id: stray.volume.to_string(),
            name: String::new(),
            place: stray.supplier.to_string(),
            fate,
            why: stray.detail.clone(),
        }
    }

    pub(super) fn failed(&mut self, error: &Error) {
        self.fate = Fate::Failed;
        self.why = Some(error.to_string());
    }
}
