//! Buying a GPU or renting one: from how many hours on buying is cheaper.
//!
//! An owned GPU costs its price, less what it is sold for in the end, and power. A rented one costs
//! its price per hour of use. With `h` hours of use a month, rent `r` an hour, and power `P` a month
//! (metered power is used only in hours of use), each month of owning saves `r h - P`. The
//! price is saved after `price h / (r h - P)` hours of use; when `r h` is no more than `P`, never.

use super::estimate::money;
use livery_units::{Money, MoneyError};

/// A GPU that could be bought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Purchase {
    /// What it costs.
    pub price: Money,
    /// What it is sold for in the end; nothing when it is kept.
    pub resale: Money,
    /// The power that it takes.
    pub power: Power,
    /// For how many months both ways are compared.
    pub months: u32,
}

/// What power costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Power {
    /// The same every month, however much the GPU is used.
    PerMonth(Money),
    /// By the meter, in hours of use.
    Metered {
        /// How much the machine draws.
        watts: u32,
        /// What a kilowatt-hour costs.
        per_kwh: Money,
    },
}

/// How much a GPU is used, and what renting one costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    /// Hours of use in a month.
    pub hours_per_month: u32,
    /// What the same GPU costs per hour when it is rented.
    pub rent_hourly: Money,
}

/// Which of the two is cheaper.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cheaper {
    /// Buying.
    Buying,
    /// Renting, also when both cost the same: nothing is bound.
    Renting,
}

/// Buying and renting side by side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BuyOrRent {
    /// From where on buying is cheaper; none when power takes all that the rent would.
    pub break_even: Option<BreakEven>,
    /// What power costs in a month.
    pub power_monthly: Money,
    /// What buying costs over all months.
    pub buying: Money,
    /// What renting costs over all months.
    pub renting: Money,
    /// Which of them is less.
    pub cheaper: Cheaper,
}

/// How much use pays a purchase back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BreakEven {
    /// In hours of use, rounded up.
    pub hours: u64,
    /// In tenths of a month of such use, rounded up.
    pub months_tenths: u64,
}

/// Compares buying with renting.
///
/// # Errors
/// [`MoneyError`] when a sum is beyond the range of [`Money`].
pub fn buy_or_rent(purchase: &Purchase, usage: &Usage) -> Result<BuyOrRent, MoneyError> {
    let hours = i128::from(usage.hours_per_month);
    let power_monthly = match purchase.power {
        Power::PerMonth(amount) => amount,
        Power::Metered { watts, per_kwh } => {
            let watt_hours = i128::from(watts) * hours;
            money((watt_hours * i128::from(per_kwh.nanos())).div_euclid(1_000))?
        }
    };
    let net = i128::from(purchase.price.minus(purchase.resale)?.nanos());
    let rent_monthly = i128::from(usage.rent_hourly.nanos()) * hours;
    let power = i128::from(power_monthly.nanos());
    let months = i128::from(purchase.months);
    let buying = money(net + power * months)?;
    let renting = money(rent_monthly * months)?;
    Ok(BuyOrRent {
        break_even: break_even(net, hours, rent_monthly - power)?,
        power_monthly,
        buying,
        renting,
        cheaper: if buying < renting {
            Cheaper::Buying
        } else {
            Cheaper::Renting
        },
    })
}

fn break_even(
    net: i128,
    hours: i128,
    saved_monthly: i128,
) -> Result<Option<BreakEven>, MoneyError> {
    // What is sold for more than it costs is paid back at once.
    if net < 0 {
        return Ok(Some(BreakEven {
            hours: 0,
            months_tenths: 0,
        }));
    }
    if saved_monthly <= 0 || hours == 0 {
        return Ok(None);
    }
    let ceiling = |dividend: i128| {
        let quotient = (dividend + saved_monthly - 1) / saved_monthly;
        u64::try_from(quotient).map_err(|_| MoneyError)
    };
    Ok(Some(BreakEven {
        hours: ceiling(net * hours)?,
        months_tenths: ceiling(net * 10)?,
    }))
}
