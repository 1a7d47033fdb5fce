//! The same work on many machines, side by side.

use super::estimate::{Estimate, EstimateError, Work, estimate, rounded};
use super::{Covers, Quote, Sale};
use crate::offer::SupplierName;
use livery_units::{Money, Span};

/// One machine of a comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The machine.
    pub quote: Quote,
    /// What the work costs on it.
    pub estimate: Result<Estimate, EstimateError>,
    /// How much cheaper than the reference it is, in per cent; negative when it is dearer, none where
    /// only the least that the work costs is known.
    pub saving_percent: Option<i64>,
}

/// The same work on many machines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comparison {
    /// The machines, in the order in which they came.
    pub lines: Vec<Line>,
    /// Which is the cheapest of those on which the whole cost is known; the first of several. Never one
    /// whose price is that of its GPUs alone.
    pub cheapest: Option<usize>,
    /// Which computes fastest by its GPUs' published throughput; the cheapest of several. None when
    /// nobody publishes that of one of them: it may be the fastest.
    pub fastest: Option<usize>,
}

/// What is known of a cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Known {
    /// All of it.
    Whole,
    /// The least that it is: a part of it has no published price.
    AtLeast,
}

/// A session as the guides cost it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Session {
    /// Its name.
    pub name: &'static str,
    /// How long it takes.
    pub length: Span,
}

/// A short look, a usual training and a thorough one.
pub const SESSIONS: [Session; 3] = [
    Session {
        name: "quick",
        length: Span::from_secs(5 * 60),
    },
    Session {
        name: "standard",
        length: Span::from_secs(30 * 60),
    },
    Session {
        name: "thorough",
        length: Span::from_secs(2 * 3_600),
    },
];

impl Comparison {
    /// Compares the work on those machines. Savings are against the cheapest line of `reference`.
    pub fn new(quotes: Vec<Quote>, work: &Work, reference: Option<&SupplierName>) -> Self {
        let line = |quote: Quote| Line {
            estimate: estimate(&quote, work),
            quote,
            saving_percent: None,
        };
        let mut lines: Vec<Line> = quotes.into_iter().map(line).collect();
        let base = reference.and_then(|supplier| {
            let of_it = lines.iter().filter(|line| line.quote.supplier == *supplier);
            of_it.filter_map(Line::whole).min()
        });
        for line in &mut lines {
            line.saving_percent = base
                .zip(line.whole())
                .and_then(|(base, total)| saving_percent(base, total));
        }
        let with_whole = (0..)
            .zip(&lines)
            .filter(|(_, line)| line.quote.covers == Covers::Machine)
            .filter_map(|(at, line)| Some((line.whole()?, at)));
        let cheapest = with_whole.min().map(|(_, at)| at);
        let fastest = fastest(&lines);
        Self {
            lines,
            cheapest,
            fastest,
        }
    }

    /// Returns the cheapest on-demand line for the same GPUs of the same supplier and tier: what is
    /// paid for not being interrupted. None for a line that is not a spot machine's.
    pub fn on_demand_beside(&self, spot: usize) -> Option<&Line> {
        let spot = &self.lines.get(spot)?.quote;
        if spot.sale != Sale::Spot {
            return None;
        }
        let same = |line: &&Line| {
            let quote = &line.quote;
            quote.sale == Sale::OnDemand
                && (&quote.supplier, &quote.gpus, quote.tier)
                    == (&spot.supplier, &spot.gpus, spot.tier)
        };
        let twins = self
            .lines
            .iter()
            .filter(same)
            .filter(|line| line.estimate.is_ok());
        twins.min_by_key(|line| line.total())
    }
}

fn fastest(lines: &[Line]) -> Option<usize> {
    let mut best = None;
    for (at, line) in (0..).zip(lines) {
        let Some(costs) = line.rank() else { continue };
        let Some(tflops) = line.quote.tflops else {
            match line.quote.may_be_fast() {
                true => return None,
                false => continue,
            }
        };
        let speed = (std::cmp::Reverse(tflops), costs, at);
        if best.is_none_or(|known| speed < known) {
            best = Some(speed);
        }
    }
    best.map(|(_, _, at)| at)
}

impl Line {
    /// Returns what the work costs in all; none when there is no estimate.
    pub fn total(&self) -> Option<Money> {
        self.estimate.as_ref().ok().map(|estimate| estimate.total)
    }

    /// Returns what the work costs in all; none also when a price that it takes is not published.
    pub fn whole(&self) -> Option<Money> {
        let estimate = self.estimate.as_ref().ok();
        let whole = estimate.filter(|estimate| estimate.is_complete());
        whole.map(|estimate| estimate.total)
    }

    /// Returns its place by what the work costs: what costs at least so much comes after whatever
    /// costs so much in all. None when there is no estimate.
    pub fn rank(&self) -> Option<(Known, Money)> {
        let estimate = self.estimate.as_ref().ok()?;
        let known = match estimate.is_complete() {
            true => Known::Whole,
            false => Known::AtLeast,
        };
        Some((known, estimate.total))
    }
}

/// Returns what each of the three [`SESSIONS`] costs on that machine, without storage and transfer.
///
/// # Errors
/// As [`estimate`].
pub fn session_costs(quote: &Quote) -> Result<[Money; 3], EstimateError> {
    let mut costs = [Money::ZERO; 3];
    for (cost, session) in costs.iter_mut().zip(SESSIONS) {
        *cost = estimate(quote, &Work::of(session.length))?.total;
    }
    Ok(costs)
}

/// Returns by how much `total` is less than `reference`, in whole per cent, halves rounded up;
/// none when the reference is free.
pub fn saving_percent(reference: Money, total: Money) -> Option<i64> {
    let (reference, total) = (i128::from(reference.nanos()), i128::from(total.nanos()));
    (reference > 0)
        .then(|| rounded((reference - total) * 100, reference))?
        .try_into()
        .ok()
}
