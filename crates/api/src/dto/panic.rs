//! A panic as it travels: what is to end, and how far that is.

use crate::text;
use livery_units::Timestamp;
use serde::{Deserialize, Serialize};

/// What is to end, beside every run and every pod of the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Panic {
    /// When the panic began, for following one: what was accepted later is left alone.
    #[serde(with = "text::millis_option", skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// What becomes of network volumes.
    pub volumes: Volumes,
    /// What becomes of machines whose launch key is not known here.
    pub unknown: Unknown,
}

/// What becomes of network volumes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Volumes {
    /// They are named and kept.
    #[default]
    Keep,
    /// They are deleted with all that is on them.
    End,
}

/// What becomes of machines whose launch key is not known here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unknown {
    /// They are named and kept: they may be another control plane's.
    #[default]
    Keep,
    /// They are ended too.
    End,
}

/// Where everything stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PanicReport {
    /// When the panic began.
    #[serde(with = "text::millis")]
    pub since: Timestamp,
    /// Everything that it concerns.
    pub things: Vec<Thing>,
}

/// Something that a panic ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Thing {
    /// What it is.
    pub kind: ThingKind,
    /// Its id; of a supplier, its name.
    pub id: String,
    /// What its user calls it; empty when nothing.
    pub name: String,
    /// Its supplier; empty when it has none.
    pub place: String,
    /// How far its end is.
    pub fate: Fate,
    /// Why it is no further, in words for the user.
    pub why: Option<String>,
}

/// Kinds of [`Thing`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ThingKind {
    /// A run.
    Run,
    /// A pod.
    Pod,
    /// A network volume.
    Volume,
    /// A machine at a supplier that no pod stands behind.
    Lease,
    /// A supplier, asked what it has that the control plane does not know.
    Supplier,
}

/// How far the end of a thing is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fate {
    /// It is confirmed gone, and its bill is settled.
    Gone,
    /// Its end is asked for and not confirmed yet.
    Asked,
    /// Its end could not even be asked for.
    Failed,
    /// It is kept on purpose.
    Kept,
}
