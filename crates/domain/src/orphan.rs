//! What suppliers say exists compared with what the store knows, both ways.
//!
//! A lease without a row that stands behind it may cost money that nobody watches; a row without a
//! lease promises a pod that is not there. Which of the two may be ended unasked is decided here.

use crate::offer::{SupplierName, words};
use crate::pod::{Desired, Observed, Pod};
use livery_units::{AccountId, Bytes, HostId, LaunchKey, PodId, Span, Timestamp, VolumeId};

/// What does not fit together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OrphanKind {
    /// A lease of a pod that has ended: a launch whose answer was lost, or an end that did not hold.
    Ended,
    /// A second lease of one launch beside the one that the pod has.
    Double,
    /// A lease with a launch key that the store does not know: made by another control plane on the
    /// same supplier account, or by this one before its store was lost.
    Unknown,
    /// A pod that should exist, and whose supplier says that it does not.
    Missing,
}

words!(
    OrphanKind,
    "kind of orphan",
    "ended, double, unknown, missing",
    Ended = "ended",
    Double = "double",
    Unknown = "unknown",
    Missing = "missing"
);

/// Who launches at a supplier account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Tenants {
    /// This control plane alone: whatever carries a launch key was made by it.
    OnlyUs,
    /// Other control planes too, perhaps: a key that is not known here may be one of theirs.
    OthersToo,
}

/// Something that does not fit together, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Orphan {
    /// The supplier at which it is, or should be.
    pub supplier: SupplierName,
    /// The launch key that it carries.
    pub key: LaunchKey,
    /// The supplier's own id.
    pub foreign_id: String,
    /// What does not fit.
    pub kind: OrphanKind,
    /// The pod that it was or should be, if the store knows one.
    pub pod: Option<PodId>,
    /// Who pays for that pod.
    pub account: Option<AccountId>,
    /// When it was first found.
    pub first_seen: Timestamp,
    /// When it was last found.
    pub last_seen: Timestamp,
    /// When somebody asked for its end.
    pub end_asked: Option<Timestamp>,
    /// When it was found no more.
    pub gone: Option<Timestamp>,
    /// Why it was not ended yet, in words for the user.
    pub detail: Option<String>,
}

/// A network volume at a supplier that no volume of the store stands for. There may be data on it, so
/// it is only ever ended when its owner says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stray {
    /// The supplier that has it.
    pub supplier: SupplierName,
    /// The machine on which it lies.
    pub host: HostId,
    /// The id that it bears.
    pub volume: VolumeId,
    /// How large it is.
    pub size: Bytes,
    /// When it was first found.
    pub first_seen: Timestamp,
    /// When it was last found.
    pub last_seen: Timestamp,
    /// When somebody asked for its end.
    pub end_asked: Option<Timestamp>,
    /// When it was found no more.
    pub gone: Option<Timestamp>,
    /// Why it was not ended yet, in words for the user.
    pub detail: Option<String>,
}

/// What is to be done about an orphan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remedy {
    /// Ask its supplier to end it.
    End,
    /// Nothing but to report it.
    Report,
}

/// How long an orphan is watched before anybody is told: suppliers list what has just ended for a
/// while, and what has just begun late.
pub const TELL_AFTER: Span = Span::from_secs(60);

impl Orphan {
    /// Decides what is to be done about it.
    ///
    /// What is certainly ours and wanted by nobody is ended. A key that the store does not know is
    /// ended unasked only where nobody else launches: elsewhere it may be another control plane's
    /// pod, with somebody's work in it.
    pub fn remedy(&self, tenants: Tenants) -> Remedy {
        match (self.kind, tenants) {
            (OrphanKind::Ended | OrphanKind::Double, _) => Remedy::End,
            (OrphanKind::Unknown, Tenants::OnlyUs) => Remedy::End,
            (OrphanKind::Unknown, Tenants::OthersToo) if self.end_asked.is_some() => Remedy::End,
            (OrphanKind::Unknown, Tenants::OthersToo) | (OrphanKind::Missing, _) => Remedy::Report,
        }
    }

    /// Returns whether its account should be told of it by now. A supplier's word that a pod is
    /// missing needs no second look.
    pub fn is_worth_telling(&self, now: Timestamp) -> bool {
        match self.kind {
            OrphanKind::Missing => true,
            OrphanKind::Ended | OrphanKind::Double | OrphanKind::Unknown => {
                now.since(self.first_seen) >= TELL_AFTER
            }
        }
    }
}

/// Returns what is wrong with a lease that a supplier lists, given the row with its launch key and
/// whether the supplier lists the row's own lease too. `None` when the row stands behind it.
///
/// Two suppliers may be two names of one account, and then each lists the other's leases: a living
/// row stands behind a lease wherever it is listed.
pub fn judge_lease(
    supplier: &SupplierName,
    foreign_id: &str,
    row: Option<&Pod>,
    own_is_listed: impl FnOnce(&str) -> Listed,
) -> Option<OrphanKind> {
    let Some(pod) = row else {
        return Some(OrphanKind::Unknown);
    };
    if pod.ended.is_some() {
        return Some(OrphanKind::Ended);
    }
    match pod.foreign_id.as_deref() {
        Some(own) if own != foreign_id && pod.supplier() == supplier => match own_is_listed(own) {
            // Two different leases at once; only then is this one certainly not the pod's.
            Listed::Yes => Some(OrphanKind::Double),
            Listed::No => None,
        },
        Some(_) | None => None,
    }
}

/// Whether a supplier's list has something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listed {
    /// It has.
    Yes,
    /// It has not.
    No,
}

/// Returns whether a pod's row says that its supplier must have a lease of it.
///
/// A pod that is being ended may be gone at any time; one that was never heard of has no lease yet;
/// one that is known to be gone is no news.
pub fn should_be_listed(pod: &Pod) -> bool {
    let wanted = match pod.desired {
        Desired::Running | Desired::Stopped => true,
        Desired::Gone => false,
    };
    let seen = match pod.observed {
        Observed::Starting | Observed::Up | Observed::Down => true,
        Observed::Unknown | Observed::Absent | Observed::Lost => false,
    };
    wanted && seen && pod.foreign_id.is_some() && pod.ended.is_none()
}

/// Returns whether what a supplier said about a pod means that it is missing. Silence says nothing.
pub fn is_missing(observed: Observed) -> bool {
    match observed {
        Observed::Absent | Observed::Lost => true,
        Observed::Unknown | Observed::Starting | Observed::Up | Observed::Down => false,
    }
}
