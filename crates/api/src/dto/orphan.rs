//! Orphans as they travel.

use crate::text;
use livery_domain::orphan::OrphanKind;
use livery_units::{LaunchKey, PodId, Timestamp};
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

/// Some orphans, the newest first.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct OrphanList {
    /// The orphans.
    pub orphans: Vec<Orphan>,
}
