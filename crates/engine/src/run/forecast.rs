//! What a run will cost, before anything is rented for it, and whether its budget is enough at all.

use crate::error::Error;
use crate::run::volume;
use crate::services::Services;
use livery_domain::credit;
use livery_domain::job::{Budget, Job};
use livery_domain::market::{Catalogue, Quote, Work, estimate};
use livery_domain::needs::needs;
use livery_domain::offer::Offer;
use livery_domain::placement::{Fit, rank};
use livery_domain::pod::PodRates;
use livery_domain::volume::NetworkVolume;
use livery_units::{AccountId, Bytes, Money, Rate, Span};
use std::fmt;

/// What a run will cost on the offer that would be chosen now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forecast {
    /// The offer.
    pub offer: Offer,
    /// What its disks cost in an hour, beside it.
    pub storage_hourly: Money,
    /// The network volume that its pod has, with what that costs in an hour whether it is used or
    /// not; no part of the total.
    pub volume: Option<(String, Money)>,
    /// For how long that is reckoned; none when nothing says how long the run may take.
    pub time: Option<Span>,
    /// What that time is.
    pub bound: Bound,
    /// The other limit of the budget, when the money is used up before its hours are.
    pub hours: Option<Span>,
    /// What it costs in that time, disks included.
    pub total: Option<Money>,
}

/// What limits a run's time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bound {
    /// Whoever asks expects it to take that long.
    Expected,
    /// The budget's hours.
    Hours,
    /// The budget's money, which is used up then.
    Money,
    /// Nothing.
    Nothing,
}

/// Shorter than this nothing runs: a run whose budget is used up by it is not begun.
const LEAST: Span = Span::from_secs(1);

/// Returns what a job will cost on the best offer there is; none when no offer fits.
///
/// # Errors
/// [`Error::BudgetTooSmall`] when the budget is used up before anything is done, or when what is
/// expected is beyond it.
pub(crate) async fn forecast(
    services: &Services,
    account: &AccountId,
    job: &Job,
    expected: Option<Span>,
) -> Result<Option<Forecast>, Error> {
    let volume = volume::of_job(services, account, job).await?;
    let wanted = volume::needs_at(job, volume.as_ref());
    let offers = services.offers().await;
    let ranking = rank(offers, &wanted.needs, wanted.preference, &[]);
    let Some(best) = ranking.fits.first() else {
        return Ok(None);
    };
    let catalogue = services.catalogue.current(&services.store).await?;
    let catalogue = &catalogue.list.catalogue;
    // The cheapest decides whether the budget can be kept at all; with a listed order it may be
    // another one than the best.
    let leasts = ranking
        .fits
        .iter()
        .filter_map(|fit| least(fit, job, catalogue));
    check_least(&job.budget, leasts.min())?;
    let found = of_offer(&best.offer, job_disk(job, best), &job.budget, expected);
    check_expected(&job.budget, expected, &found)?;
    Ok(Some(found.beside(volume.as_ref())))
}

/// Returns what the job costs on an offer that was chosen, with the volume that it takes.
pub(crate) fn on_offer(fit: &Fit, job: &Job, volume: Option<&NetworkVolume>) -> Forecast {
    of_offer(&fit.offer, job_disk(job, fit), &job.budget, None).beside(volume)
}

impl Forecast {
    /// Returns what an hour of it costs, disks included.
    pub(crate) fn hourly(&self) -> Money {
        let price = self.offer.price.per_hour();
        price.saturating_plus(self.storage_hourly)
    }

    /// Adds what the job's volume costs, with the job or without it.
    fn beside(mut self, volume: Option<&NetworkVolume>) -> Self {
        self.volume = volume.map(|volume| {
            let rate = volume.rate.for_size(volume.size);
            // What cannot be counted is never cheap.
            let hourly = rate.map_or(Money::from_nanos(i64::MAX), |rate| rate.per_hour());
            (volume.name.clone(), hourly)
        });
        self
    }
}

/// The size of both disks that the pod will have.
fn job_disk(job: &Job, fit: &Fit) -> Bytes {
    let sources = needs(job).sources;
    let alternative = sources.get(fit.need).copied().unwrap_or(0);
    let resources = job.resources.as_slice().get(alternative);
    // Sizes that cannot be are told by the launch.
    let settled = resources.and_then(|one| volume::disks(job, one, &fit.offer).ok());
    let (container, own) = settled.unwrap_or_default();
    container.saturating_plus(own)
}

/// What the shortest rental costs there.
fn least(fit: &Fit, job: &Job, catalogue: &Catalogue) -> Option<Money> {
    let work = Work {
        disk: job_disk(job, fit),
        ..Work::of(LEAST)
    };
    let quote = Quote::of_offer(&fit.offer, catalogue);
    estimate(&quote, &work).ok().map(|cost| cost.total)
}

fn check_least(budget: &Budget, least: Option<Money>) -> Result<(), Error> {
    match (budget.max_total, least) {
        (Some(most), Some(least)) if least > most => Err(Error::BudgetTooSmall(format!(
            "the cheapest offer that fits costs {} at the very least, and max_total is {}; raise \
             it",
            least.shown(),
            most.shown()
        ))),
        _ => Ok(()),
    }
}

fn check_expected(budget: &Budget, expected: Option<Span>, found: &Forecast) -> Result<(), Error> {
    let Some(expected) = expected else {
        return Ok(());
    };
    if let Some(most) = budget.max_hours.filter(|most| expected > *most) {
        return Err(Error::BudgetTooSmall(format!(
            "{expected} are expected, and max_hours is {most}; raise it, or expect less with --hours"
        )));
    }
    match (budget.max_total, found.total) {
        (Some(most), Some(total)) if total > most => Err(Error::BudgetTooSmall(format!(
            "{expected} cost {}, and max_total is {}; raise it, or expect less with --hours",
            total.shown(),
            most.shown()
        ))),
        _ => Ok(()),
    }
}

fn of_offer(offer: &Offer, disk: Bytes, budget: &Budget, expected: Option<Span>) -> Forecast {
    // What cannot be counted is never cheap.
    let rates = offer.rates_up(disk).unwrap_or(PodRates {
        compute: offer.price,
        storage: Rate::hourly(Money::from_nanos(i64::MAX)),
    });
    let affordable = budget.max_total.and_then(|most| affords(most, rates));
    let (time, bound) = match (expected, budget.max_hours, affordable) {
        (Some(expected), _, _) => (Some(expected), Bound::Expected),
        (None, Some(hours), Some(money)) if money < hours => (Some(money), Bound::Money),
        (None, Some(hours), _) => (Some(hours), Bound::Hours),
        (None, None, Some(money)) => (Some(money), Bound::Money),
        (None, None, None) => (None, Bound::Nothing),
    };
    Forecast {
        offer: offer.clone(),
        storage_hourly: rates.storage.per_hour(),
        volume: None,
        time,
        bound,
        hours: budget.max_hours.filter(|_| bound == Bound::Money),
        total: time.and_then(|time| rates.accrued(time).ok()),
    }
}

/// How long so much money lasts, in whole seconds; none when nothing is spent.
fn affords(most: Money, rates: PodRates) -> Option<Span> {
    let lasts = credit::lasts(most, rates.per_hour())?;
    Some(Span::from_secs(lasts.secs()))
}

/// Says it in one line: `$0.36/h, at most 1h 00m by max_hours, $0.36 in all`.
impl fmt::Display for Forecast {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hourly = self.offer.price.per_hour();
        if hourly.saturating_plus(self.storage_hourly) == Money::ZERO {
            f.write_str("it costs nothing")?;
            return self.write_volume(f);
        }
        write!(f, "{}/h", hourly.shown())?;
        if self.storage_hourly > Money::ZERO {
            write!(f, " and {}/h for its disks", self.storage_hourly.shown())?;
        }
        match (self.bound, self.time) {
            (Bound::Expected, Some(time)) => write!(f, ", {time} expected")?,
            (Bound::Hours, Some(time)) => write!(f, ", at most {time} by max_hours")?,
            (Bound::Money, Some(time)) => {
                write!(f, ", at most {time} by max_total")?;
                if let Some(hours) = self.hours {
                    write!(f, ", before max_hours ({hours})")?;
                }
            }
            (_, _) => f.write_str(", with no limit of time or money in its budget")?,
        }
        if let Some(total) = self.total {
            write!(f, ", {} in all", total.shown())?;
        }
        self.write_volume(f)
    }
}

impl Forecast {
    /// Says what the volume costs, which the run changes nothing about.
    fn write_volume(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.volume {
            Some((name, hourly)) => write!(
                f,
                "; network volume {name} costs {}/h as before, with this run or without it",
                hourly.shown()
            ),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use livery_domain::offer::{Pricing, StoragePrice, SupplierName, Tier};
    use livery_units::{OfferId, Per};

    fn offer(hourly: &str, storage: &str) -> Offer {
        let monthly = Rate {
            amount: storage.parse().unwrap(),
            per: Per::Month,
        };
        Offer {
            id: OfferId::from_entropy(1),
            supplier: SupplierName::new("local"),
            host: None,
            gpus: None,
            vcpu_milli: 4_000,
            memory: Bytes::gib(16),
            disk: Bytes::gib(100),
            region: String::new(),
            tier: Tier::Local,
            pricing: Pricing::OnDemand,
            price: Rate::hourly(hourly.parse().unwrap()),
            storage: StoragePrice {
                running: monthly,
                stopped: monthly,
            },
            reliability_permille: None,
            whole: None,
        }
    }

    fn budget(total: Option<&str>, hours: Option<u64>) -> Budget {
        Budget {
            max_hourly: None,
            max_total: total.map(|text| text.parse().unwrap()),
            max_hours: hours.map(|hours| Span::from_secs(hours * 3_600)),
        }
    }

    #[test]
    fn the_tighter_limit_says_how_long_and_how_much() {
        // 72 GB at a tenth of a dollar a month are a cent an hour.
        let offer = offer("0.35", "0.10");
        let disk = Bytes::gib(72);
        for (total, hours, expected, shown) in [
            (
                None,
                None,
                None,
                "with no limit of time or money in its budget",
            ),
            (
                None,
                Some(2),
                None,
                "at most 2h 00m by max_hours, $0.72 in all",
            ),
            (
                Some("0.36"),
                Some(2),
                None,
                "at most 1h 00m by max_total, before max_hours (2h 00m), $0.36 in all",
            ),
            (
                Some("3.60"),
                Some(2),
                None,
                "at most 2h 00m by max_hours, $0.72 in all",
            ),
            (
                Some("0.36"),
                None,
                None,
                "at most 1h 00m by max_total, $0.36 in all",
            ),
            (
                Some("3.60"),
                Some(9),
                Some(3),
                "3h 00m expected, $1.08 in all",
            ),
        ] {
            let expected = expected.map(|hours| Span::from_secs(hours * 3_600));
            let found = of_offer(&offer, disk, &budget(total, hours), expected);
            let text = format!("$0.35/h and $0.01/h for its disks, {shown}");
            assert_eq!(found.to_string(), text);
        }
    }

    #[test]
    fn what_is_free_has_no_limit_by_money() {
        let found = of_offer(
            &offer("0", "0"),
            Bytes::gib(9),
            &budget(Some("1"), None),
            None,
        );
        assert_eq!(found.time, None);
        assert_eq!(found.to_string(), "it costs nothing");
    }

    #[test]
    fn a_budget_that_cannot_be_kept_is_refused() {
        let least = Some("0.0001".parse().unwrap());
        assert!(check_least(&budget(Some("0.0001"), None), least).is_ok());
        assert!(check_least(&budget(Some("0.00009"), None), least).is_err());
        assert!(check_least(&budget(None, None), least).is_ok());
        let hours = |count: u64| Some(Span::from_secs(count * 3_600));
        let check = |budget: Budget, expected| {
            let found = of_offer(&offer("0.50", "0"), Bytes::ZERO, &budget, expected);
            check_expected(&budget, expected, &found)
        };
        assert!(check(budget(Some("1"), None), hours(2)).is_ok());
        assert!(check(budget(Some("1"), None), hours(3)).is_err());
        assert!(check(budget(None, Some(2)), hours(3)).is_err());
        assert!(check(budget(Some("0.10"), Some(1)), None).is_ok());
    }
}
