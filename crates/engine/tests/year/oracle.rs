//! What something must have cost, by what its supplier told the control plane and nothing else. It
//! shares no code with what it checks.

use crate::cloud::{self, Heard, What};
use crate::volumes::{self, Told};
use livery_units::Bytes;
use std::iter::zip;

/// Some answers may have come too late: the engine was killed before it could write them down. Those
/// are lost from some point on.
#[derive(Debug, Clone, Copy)]
pub struct Doubt {
    pub from: usize,
    pub to: usize,
}

/// An amount in nano-dollars.
pub type Nanos = i64;

const SECS_IN_HOUR: i128 = 3_600;
const SECS_IN_MONTH: i128 = 30 * 24 * 3_600;
const GIB: i128 = 1 << 30;

/// What a pod's machine costs in so many milliseconds: whole seconds, rounded down to a nano-dollar.
pub fn machine(offer: usize, millis: i64) -> Nanos {
    let hourly = i128::from(cloud::PRICES[offer]) * 1_000_000;
    nanos(hourly * secs(millis) / SECS_IN_HOUR)
}

/// What so much disk costs in so many milliseconds at so much for a GB in a month.
fn disk(monthly: i64, bytes: u64, millis: i64) -> Nanos {
    let monthly = i128::from(monthly) * i128::from(bytes) / GIB;
    nanos(monthly * secs(millis) / SECS_IN_MONTH)
}

fn secs(millis: i64) -> i128 {
    i128::from(millis / 1_000)
}

fn nanos(nanos: i128) -> Nanos {
    Nanos::try_from(nanos).unwrap()
}

/// Returns for how many milliseconds a pod was up, stretch by stretch, as far as was confirmed: from the
/// first word that it is up to the last one.
pub fn confirmed(heard: &[Heard]) -> Vec<i64> {
    let mut stretches: Vec<(i64, i64)> = Vec::new();
    let mut goes_on = false;
    for Heard { what, at } in heard {
        match what {
            What::Up => {
                match stretches.last_mut().filter(|_| goes_on) {
                    Some((_, until)) => *until = *at,
                    None => stretches.push((*at, *at)),
                }
                goes_on = true;
            }
            What::Down | What::Gone => goes_on = false,
        }
    }
    let millis = stretches.into_iter();
    millis.map(|(from, until)| until - from).collect()
}

/// Returns what the time comes to in which a pod was up.
pub fn compute(offer: usize, heard: &[Heard]) -> Nanos {
    let stretches = confirmed(heard);
    stretches.iter().map(|one| machine(offer, *one)).sum()
}

/// The sizes of a pod's disks in GiB.
#[derive(Debug, Clone, Copy)]
pub struct Disks {
    pub container: u64,
    pub volume: u64,
}

/// Returns between what a pod's disks must have cost: both while it is up, and the volume disk from then
/// on while it is there. Each piece of that may lose a part of a second and no more.
pub fn disks(offer: usize, disks: Disks, heard: &[Heard]) -> (Nanos, Nanos) {
    let (up, kept) = cloud::DISKS[offer];
    let gib = |gib: u64| gib << 30;
    let while_up = |millis| disk(up * 10_000_000, gib(disks.container + disks.volume), millis);
    let while_kept = |millis| disk(kept * 10_000_000, gib(disks.volume), millis);
    let (mut up_for, mut kept_for, mut pieces) = (0, 0, 0);
    let mut before: Option<Heard> = None;
    for word in heard {
        let since = before.map_or(0, |before| word.at - before.at);
        match (before.map(|before| before.what), word.what) {
            (None | Some(What::Gone), _) | (_, What::Gone) => pieces += 1,
            (Some(What::Up), What::Up) => up_for += since,
            (Some(What::Down), What::Down) => kept_for += since,
            (Some(What::Up | What::Down), What::Up | What::Down) => {
                kept_for += since;
                pieces += 1;
            }
        }
        before = Some(*word);
    }
    // A start that fails and a stop end a piece too.
    let most = while_up(up_for) + while_kept(kept_for) + 2;
    let lost = while_up(1_000).max(while_kept(1_000)) + 1;
    (most - (pieces + 6) * lost, most)
}

/// Returns what a network volume must have cost: as long as it is known to have been there, at the size
/// that it had. Where that grew, the seconds before are whole ones.
pub fn volume(told: &[Told]) -> Nanos {
    let mut all = 0;
    // Since when it has the size that it has, and until when that is known.
    let mut now: Option<(u64, i64, i64)> = None;
    for Told { size, at } in told {
        let Some(size) = size.map(|size| size.get()) else {
            continue;
        };
        now = match now {
            None => Some((size, *at, *at)),
            Some((had, from, _)) if had == size => Some((had, from, *at)),
            Some((had, from, until)) => {
                all += disk(volumes::PRICE, had, until - from);
                let cut = from + (until - from) / 1_000 * 1_000;
                Some((size, cut, *at))
            }
        };
    }
    all + now.map_or(0, |(size, from, until)| {
        disk(volumes::PRICE, size, until - from)
    })
}

/// Returns everything that something may have cost: one amount where nothing is in doubt, else one for
/// each point from which on answers may have been lost.
pub fn possible<W: Copy, C: Ord>(
    words: &[W],
    doubts: &[Doubt],
    cost: impl Fn(&[W]) -> C,
) -> Vec<C> {
    let mut kept = vec![vec![true; words.len()]];
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
    let cost_of = |keep: &Vec<bool>| {
        let pairs = zip(words, keep);
        let words: Vec<W> = pairs
            .filter(|(_, keep)| **keep)
            .map(|(word, _)| *word)
            .collect();
        cost(&words)
    };
    let mut all: Vec<C> = kept.iter().map(cost_of).collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// The most that what is kept of a pod costs in a day.
pub fn kept_for_a_day() -> Nanos {
    disk(20 * 10_000_000, 20 << 30, 24 * 3_600_000)
}

/// What a minute of a pod costs that is up.
pub fn minute(offer: usize, disks: Disks) -> Nanos {
    let (up, _) = cloud::DISKS[offer];
    let bytes = (disks.container + disks.volume) << 30;
    machine(offer, 60_000) + disk(up * 10_000_000, bytes, 60_000)
}

/// What a minute of a network volume costs.
pub fn minute_of_volume(size: Bytes) -> Nanos {
    disk(volumes::PRICE, size.get(), 60_000)
}
