//! Prices as they look in tables.

use livery_api::dto::{Price, Unit};

/// Returns a price per the unit that it was published for, and where its range ends.
pub fn price(low: &Price, high: Option<&Price>) -> String {
    let unit = match low.per {
        Unit::Second => "s",
        Unit::Hour => "h",
        Unit::Month => "month",
    };
    match high {
        None => format!("{}/{unit}", low.amount.shown()),
        Some(high) => format!("{}-{}/{unit}", low.amount.shown(), high.amount.shown()),
    }
}
