//! What a pod must have cost, by what its supplier told the control plane and nothing else.

use crate::cloud::{Heard, What};
use livery_units::{Money, Rate, Span};

/// Some answers may have come too late: the engine was killed before it could write them down. Those
/// are lost from some point on.
#[derive(Debug, Clone, Copy)]
pub struct Doubt {
    pub from: usize,
    pub to: usize,
}

/// Returns for how long a pod was up, stretch by stretch, as far as was confirmed: from the first
/// word that it is up to the last one.
pub fn confirmed(heard: impl Iterator<Item = Heard>) -> Vec<Span> {
    let mut stretches: Vec<(i64, i64)> = Vec::new();
    let mut goes_on = false;
    for Heard { what, at } in heard {
        match what {
            What::Up => {
                match stretches.last_mut().filter(|_| goes_on) {
                    Some((_, until)) => *until = at,
                    None => stretches.push((at, at)),
                }
                goes_on = true;
            }
            What::NotUp => goes_on = false,
        }
    }
    let span = |(from, until): (i64, i64)| Span::from_millis(u64::try_from(until - from).unwrap());
    stretches.into_iter().map(span).collect()
}

/// Returns what that comes to.
pub fn cost(rate: Rate, stretches: &[Span]) -> Money {
    let accrued = stretches.iter().map(|span| rate.accrued(*span).unwrap());
    accrued.sum()
}

/// Returns everything that a pod may have cost: one amount where nothing is in doubt, else one for
/// each point from which on answers may have been lost.
pub fn possible(rate: Rate, heard: &[Heard], doubts: &[Doubt]) -> Vec<Money> {
    let mut kept = vec![vec![true; heard.len()]];
    for doubt in doubts {
        let mut more = Vec::new();
        for keep in &kept {
            for lost_from in doubt.from..=doubt.to {
                let mut keep = keep.clone();
                keep[lost_from..doubt.to].fill(false);
                more.push(keep);
            }
        }
        kept = more;
    }
    let heard_of = |keep: &Vec<bool>| {
        let pairs = heard.iter().zip(keep);
        let heard: Vec<Heard> = pairs
            .filter(|(_, keep)| **keep)
            .map(|(heard, _)| *heard)
            .collect();
        cost(rate, &confirmed(heard.into_iter()))
    };
    let mut all: Vec<Money> = kept.iter().map(heard_of).collect();
    all.sort_unstable();
    all.dedup();
    all
}
