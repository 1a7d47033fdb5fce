//! What a piece of work will cost on one machine, in whole nano-dollars.
//!
//! **Time.** Each session is a rental of its own: its length is rounded up to the supplier's
//! billing increment, and at least the minimum is charged. A monthly machine is rented once for all
//! sessions, by the month. The time of all sessions together is then charged by the one rounding
//! rule of [`Rate::accrued`], so work cut into sessions costs what it costs in one piece, as long as
//! the sessions fill their increments.
//!
//! **Spot machines.** Work is saved at checkpoints, or else at the end of a session; whoever is
//! interrupted begins again at the last of them. With `r` interruptions expected per hour of running,
//! a stretch of `x` hours between two such points is interrupted `e^(r x) - 1` times before it is
//! through, and the machine runs `(e^(r x) - 1) / r` hours for it, beside the time to start again
//! after each interruption. When a stretch would be begun again more than 20,000 times (`r x > 10`),
//! the work never ends. A new rental's part of an increment is left out: it is less than the
//! uncertainty of `r`.
//!
//! **Storage and transfer.** Disks are charged for the time that the machine runs, kept disks and
//! network volumes for the time that they are kept, both pro rata to the second. What a supplier
//! does not publish is counted as nothing and named in [`Estimate::unknown`]; the total is then the
//! least that the work costs.

use super::{Interruptions, Origin, Quote, Sale};
use livery_units::{Bytes, Day, Money, MoneyError, Rate, Span};

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Work {
    /// How many sessions or experiments; each is a rental of its own.
    pub sessions: u32,
    /// How long each takes.
    pub each: Span,
    /// Disk that the machine has beside what comes with it.
    pub disk: Bytes,
    /// How long that disk is kept while the machine is stopped, in all.
    pub disk_kept: Span,
    /// A network volume.
    pub volume: Bytes,
    /// How long the network volume is kept, in all.
    pub volume_kept: Span,
    /// What goes to the machine, in all.
    pub transfer_in: Bytes,
    /// What comes back, in all.
    pub transfer_out: Bytes,
    /// How often the work is saved, so that a lost machine loses only what was done since; none when
    /// it is not saved before its end.
    pub checkpoint: Option<Span>,
}

/// A figure that the supplier does not publish, counted as nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Unknown {
    /// The price of disks while the machine runs.
    Storage,
    /// The price of disks while the machine is stopped.
    KeptStorage,
    /// The price of a network volume.
    Volume,
    /// The price of transfer in.
    Ingress,
    /// The price of transfer out.
    Egress,
    /// How often spot machines are taken away.
    Interruptions,
}

/// What the work will cost on one machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Estimate {
    /// The machine.
    pub compute: Money,
    /// Its disks, kept disks and the network volume.
    pub storage: Money,
    /// Transfer in and out.
    pub transfer: Money,
    /// All of it.
    pub total: Money,
    /// All of it, for each hour of work; rounded to the nearest nano-dollar.
    pub hourly: Money,
    /// How long the machine is expected to run, with what interruptions lose.
    pub running: Span,
    /// How long it is charged for.
    pub billed: Span,
    /// What interruptions are expected to do; none for machines that are not taken away.
    pub spot: Option<SpotRisk>,
    /// What is counted as nothing because nobody publishes it.
    pub unknown: Vec<Unknown>,
    /// The day of the terms that storage and transfer are counted by; none where none of them is.
    pub terms_as_of: Option<Day>,
}

/// What interruptions are expected to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpotRisk {
    /// How many are expected, in thousandths; rounded to the nearest.
    pub interruptions_milli: u64,
    /// How much running time they lose.
    pub lost: Span,
}

/// Why there is no estimate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EstimateError {
    /// The sum is beyond what money can count.
    #[error("the cost is beyond what money can count: ask for less time or storage")]
    TooMuch,
    /// Interruptions lose more time than passes.
    #[error(
        "a spot machine would be taken away before the work gets on: save checkpoints more often, \
         or take an on-demand machine"
    )]
    NeverEnds,
}

impl Estimate {
    /// Returns whether every price that the work takes is published; otherwise the total is the least
    /// that it costs.
    pub fn is_complete(&self) -> bool {
        self.unknown.is_empty()
    }
}

impl From<MoneyError> for EstimateError {
    fn from(_: MoneyError) -> Self {
        Self::TooMuch
    }
}

const GIB: i128 = 1 << 30;
const HOUR_MS: i128 = 3_600_000;
const MILLION: i128 = 1_000_000;
/// Parts of a millisecond in which an expected time is added up.
const FINE: i128 = 1 << 10;
/// From how many interruptions on that are expected in one stretch it is never got through.
const NEVER: i128 = 10;

impl Work {
    /// Makes work of one session, with no storage and no transfer.
    pub const fn of(each: Span) -> Self {
        Self::sessions(1, each)
    }

    /// Makes work of several sessions, with no storage and no transfer.
    pub const fn sessions(sessions: u32, each: Span) -> Self {
        Self {
            sessions,
            each,
            disk: Bytes::ZERO,
            disk_kept: Span::ZERO,
            volume: Bytes::ZERO,
            volume_kept: Span::ZERO,
            transfer_in: Bytes::ZERO,
            transfer_out: Bytes::ZERO,
            checkpoint: None,
        }
    }

    /// Returns the time of all sessions together.
    pub fn total(&self) -> Span {
        times(self.each, self.sessions)
    }
}

/// Returns what the work will cost on that machine.
///
/// # Errors
/// [`EstimateError::NeverEnds`] when interruptions lose more than a spot machine does, and
/// [`EstimateError::TooMuch`] when the cost cannot be counted.
pub fn estimate(quote: &Quote, work: &Work) -> Result<Estimate, EstimateError> {
    let mut unknown = Vec::new();
    let (running, spot) = running(quote, work, &mut unknown)?;
    let billed = billed(quote, work.sessions, running);
    let compute = quote.price.accrued(billed)?;
    let storage = storage(quote, work, running, &mut unknown)?;
    let transfer = transfer(quote, work, &mut unknown)?;
    let total = compute.plus(storage)?.plus(transfer)?;
    let terms_as_of = quote
        .terms_as_of
        .filter(|_| goes_by_terms(quote, work, &unknown));
    Ok(Estimate {
        compute,
        storage,
        transfer,
        total,
        hourly: per_hour(total, work.total())?,
        running,
        billed,
        spot,
        unknown,
        terms_as_of,
    })
}

/// Returns whether a figure of the supplier's terms is in the sum: one that nobody publishes is in none.
/// A live offer says itself what its disks cost.
fn goes_by_terms(quote: &Quote, work: &Work, unknown: &[Unknown]) -> bool {
    let disk = match quote.origin {
        Origin::Live(_) => Bytes::ZERO,
        Origin::Catalogue { .. } => work.disk,
    };
    let kept = |size, time| match time {
        Span::ZERO => Bytes::ZERO,
        _ => size,
    };
    [
        (kept(disk, work.total()), Unknown::Storage),
        (kept(disk, work.disk_kept), Unknown::KeptStorage),
        (kept(work.volume, work.volume_kept), Unknown::Volume),
        (work.transfer_in, Unknown::Ingress),
        (work.transfer_out, Unknown::Egress),
    ]
    .iter()
    .any(|(size, figure)| *size > Bytes::ZERO && !unknown.contains(figure))
}

fn running(
    quote: &Quote,
    work: &Work,
    unknown: &mut Vec<Unknown>,
) -> Result<(Span, Option<SpotRisk>), EstimateError> {
    let total = work.total();
    if quote.sale != Sale::Spot {
        return Ok((total, None));
    }
    let Some(interruptions) = quote.interruptions else {
        unknown.push(Unknown::Interruptions);
        return Ok((total, None));
    };
    let stretch = work
        .checkpoint
        .map_or(work.each, |span| span.min(work.each));
    let (whole, rest) = match stretch.millis() {
        0 => (0, 0),
        step => (work.each.millis() / step, work.each.millis() % step),
    };
    let (stretch, rest) = (
        expected(stretch.millis(), interruptions)?,
        expected(rest, interruptions)?,
    );
    let of_each = stretch.checked_mul(i128::from(whole));
    let of_each = of_each.and_then(|sum| sum.checked_add(rest));
    let of_all = of_each.and_then(|sum| sum.checked_mul(i128::from(work.sessions)));
    let at_work = of_all.ok_or(EstimateError::TooMuch)? / FINE;
    let per_million = i128::from(interruptions.per_million_hours);
    let product = per_million
        .checked_mul(at_work)
        .and_then(|count| count.checked_mul(1_000));
    let thousandths = rounded(product.ok_or(EstimateError::TooMuch)?, MILLION * HOUR_MS);
    let interruptions_milli = u64::try_from(thousandths).map_err(|_| EstimateError::TooMuch)?;
    let starting = i128::from(interruptions_milli) * i128::from(quote.start_up.millis()) / 1_000;
    let running = span(at_work + starting)?;
    let risk = SpotRisk {
        interruptions_milli,
        lost: Span::from_millis(running.millis().saturating_sub(total.millis())),
    };
    Ok((running, Some(risk)))
}

/// Returns how long a machine is expected to run until it was not interrupted for so many
/// milliseconds, in parts of a millisecond ([`FINE`]): `(e^(r x) - 1) / r`, by its series
/// `x (1 + r x / 2! + (r x)^2 / 3! + ...)`.
fn expected(millis: u64, interruptions: Interruptions) -> Result<i128, EstimateError> {
    let per_million = i128::from(interruptions.per_million_hours);
    // r x as a fraction of this.
    let one = MILLION * HOUR_MS;
    let product = per_million * i128::from(millis);
    if product > NEVER * one {
        return Err(EstimateError::NeverEnds);
    }
    // With r x at most 10, `product` is less than 2^46 and no term of 2^64 or more.
    let mut term = i128::from(millis) * FINE;
    let mut sum = 0;
    for n in 2.. {
        if term == 0 {
            break;
        }
        sum += term;
        term = term * product / (one * n);
    }
    Ok(sum)
}

/// Returns the time that is charged for.
fn billed(quote: &Quote, sessions: u32, running: Span) -> Span {
    let (increment, minimum) = quote.billing();
    if quote.sale == Sale::Monthly || sessions == 0 {
        return match running {
            Span::ZERO => Span::ZERO,
            running => round_up(running, increment),
        };
    }
    let each = Span::from_millis(running.millis().div_ceil(u64::from(sessions)));
    times(round_up(each, increment).max(minimum), sessions)
}

fn storage(
    quote: &Quote,
    work: &Work,
    running: Span,
    unknown: &mut Vec<Unknown>,
) -> Result<Money, MoneyError> {
    let mut sum = Money::ZERO;
    for (rate, size, time, missing) in [
        (quote.storage_running, work.disk, running, Unknown::Storage),
        (
            quote.storage_stopped,
            work.disk,
            work.disk_kept,
            Unknown::KeptStorage,
        ),
        (
            quote.network_volume,
            work.volume,
            work.volume_kept,
            Unknown::Volume,
        ),
    ] {
        if size == Bytes::ZERO || time == Span::ZERO {
            continue;
        }
        match rate {
            Some(rate) => sum = sum.plus(Rate::for_size(rate, size)?.accrued(time)?)?,
            None => unknown.push(missing),
        }
    }
    Ok(sum)
}

fn transfer(quote: &Quote, work: &Work, unknown: &mut Vec<Unknown>) -> Result<Money, MoneyError> {
    let mut sum = Money::ZERO;
    for (price, size, missing) in [
        (quote.ingress, work.transfer_in, Unknown::Ingress),
        (quote.egress, work.transfer_out, Unknown::Egress),
    ] {
        if size == Bytes::ZERO {
            continue;
        }
        let Some(per_gb) = price else {
            unknown.push(missing);
            continue;
        };
        let product = i128::from(per_gb.nanos()) * i128::from(size.get());
        sum = sum.plus(money(product.div_euclid(GIB))?)?;
    }
    Ok(sum)
}

fn per_hour(total: Money, time: Span) -> Result<Money, MoneyError> {
    match i128::from(time.millis()) {
        0 => Ok(Money::ZERO),
        millis => money(rounded(i128::from(total.nanos()) * HOUR_MS, millis)),
    }
}

/// Divides and rounds to the nearest, halves up.
pub(super) fn rounded(dividend: i128, divisor: i128) -> i128 {
    (dividend * 2 + divisor).div_euclid(divisor * 2)
}

pub(super) fn money(nanos: i128) -> Result<Money, MoneyError> {
    i64::try_from(nanos)
        .map(Money::from_nanos)
        .map_err(|_| MoneyError)
}

fn round_up(time: Span, step: Span) -> Span {
    // A second is the finest that anything is charged by.
    let step = step.millis().max(1_000);
    Span::from_millis(time.millis().div_ceil(step).saturating_mul(step))
}

fn times(span: Span, count: u32) -> Span {
    Span::from_millis(span.millis().saturating_mul(u64::from(count)))
}

fn span(millis: i128) -> Result<Span, EstimateError> {
    u64::try_from(millis)
        .map(Span::from_millis)
        .map_err(|_| EstimateError::TooMuch)
}
