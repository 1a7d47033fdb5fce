//! Orphans as they travel.

use crate::text;
use livery_domain::orphan::OrphanKind;
use livery_units::{Bytes, LaunchKey, PodId, Timestamp, VolumeId};
use serde::{Deserialize, Serialize};

/// Something that a supplier has and no row stands behind, or the other way round.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Orphan {
    /// The launch key that it carries.
    #[serde(with = "text")]
    pub key: LaunchKey,
    /// The supplier at which it is, or should be.
    pub supplier: String,
    /// The supplier's own id.
    pub foreign_id: String,
    /// What does not fit.
    #[serde(with = "text")]
    pub kind: OrphanKind,
    /// The pod that it was or should be.
    #[serde(with = "text::option")]
    pub pod: Option<PodId>,
    /// When it was first found.
    #[serde(with = "text::millis")]
    pub first_seen: Timestamp,
    /// When it was last found.
    #[serde(with = "text::millis")]
    pub last_seen: Timestamp,
    /// When somebody asked for its end.
    #[serde(with = "text::millis_option")]
    pub end_asked: Option<Timestamp>,
    /// When it was found no more.
    #[serde(with = "text::millis_option")]
    pub gone: Option<Timestamp>,
    /// Why it is still there, in words for the user.
    pub detail: Option<String>,
}

impl From<livery_domain::orphan::Orphan> for Orphan {
    fn from(orphan: livery_domain::orphan::Orphan) -> Self {
        Self {
            key: orphan.key,
            supplier: orphan.supplier.to_string(),
            foreign_id: orphan.foreign_id,
            kind: orphan.kind,
            pod: orphan.pod,
            first_seen: orphan.first_seen,
            last_seen: orphan.last_seen,
            end_asked: orphan.end_asked,
            gone: orphan.gone,
            detail: orphan.detail,
        }
    }
}

/// A network volume at a supplier that no volume of the control plane stands for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StrayVolume {
    /// The id that it bears.
    #[serde(with = "text")]
    pub volume: VolumeId,
    /// The supplier that has it.
    pub supplier: String,
    /// The host on which it lies.
    pub host: String,
    /// How large it is.
    #[serde(with = "text::size")]
    pub size: Bytes,
    /// When it was first found.
    #[serde(with = "text::millis")]
    pub first_seen: Timestamp,
    /// When it was last found.
    #[serde(with = "text::millis")]
    pub last_seen: Timestamp,
    /// When somebody asked for its end.
    #[serde(with = "text::millis_option")]
    pub end_asked: Option<Timestamp>,
    /// When it was found no more.
    #[serde(with = "text::millis_option")]
    pub gone: Option<Timestamp>,
    /// Why it is still there, in words for the user.
    pub detail: Option<String>,
}

impl From<livery_domain::orphan::Stray> for StrayVolume {
    fn from(stray: livery_domain::orphan::Stray) -> Self {
        Self {
            volume: stray.volume,
            supplier: stray.supplier.to_string(),
            host: stray.host.to_string(),
            size: stray.size,
            first_seen: stray.first_seen,
            last_seen: stray.last_seen,
            end_asked: stray.end_asked,
            gone: stray.gone,
            detail: stray.detail,
        }
    }
}

/// Some orphans, the newest first.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct OrphanList {
    /// The machines, and the pods without one.
    pub orphans: Vec<Orphan>,
    /// The network volumes.
    #[serde(default)]
    pub volumes: Vec<StrayVolume>,
}
