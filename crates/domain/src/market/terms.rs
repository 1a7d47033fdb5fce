//! What a provider asks beside the machine's price, and how its machines behave.

use crate::offer::SupplierName;
use livery_units::{Day, Money, Rate, Span};

/// A provider's terms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    /// The provider.
    pub supplier: SupplierName,
    /// Its name as people write it, such as `Vast.ai`.
    pub title: String,
    /// Disks of a machine that is up, per GB; free where they are included, none where unknown.
    pub storage_running: Option<Rate>,
    /// Disks that are kept while the machine is stopped, per GB; none where that is not sold.
    pub storage_stopped: Option<Rate>,
    /// Network volumes, per GB; none where that is not sold.
    pub network_volume: Option<Rate>,
    /// Transfer out of the provider, per GB; none where unknown.
    pub egress: Option<Money>,
    /// Transfer into the provider, per GB; none where unknown.
    pub ingress: Option<Money>,
    /// The least that may be paid in advance; none where bills come afterwards.
    pub minimum_top_up: Option<Money>,
    /// Time is charged in whole steps of this.
    pub increment: Span,
    /// The least time that is charged for a rental.
    pub minimum: Span,
    /// How often spot machines are taken away; none where nothing is published.
    pub interruptions: Option<Interruptions>,
    /// How long a machine takes from the order to the first command.
    pub start_up: Span,
    /// Where these figures were published.
    pub source: String,
    /// The day on which they stood there.
    pub as_of: Day,
}

/// How often a spot machine is taken away: the expected number in a million hours of running.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Interruptions {
    /// Per million hours.
    pub per_million_hours: u32,
}
