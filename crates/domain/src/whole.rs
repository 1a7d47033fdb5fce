//! Machines of ours: an offer is a part of one, and is cut to what an order asks for.
//!
//! A part costs the share of the machine's price that it takes of whatever it takes most of: virtual
//! CPUs, memory or GPUs. Parts in the machine's own proportions therefore add up to its price, less
//! what rounding down takes; disks have a price of their own.

use crate::offer::Offer;
use livery_units::{Bytes, Money, Rate};

/// The machine that an offer is a part of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Whole {
    /// What all of it costs.
    pub price: Rate,
    /// Its virtual CPUs in thousandths.
    pub vcpu_milli: u32,
    /// Its memory.
    pub memory: Bytes,
    /// Its GPUs.
    pub gpus: u32,
    /// How many thousandths of virtual CPUs nobody has.
    pub free_vcpu_milli: u32,
    /// How much memory nobody has.
    pub free_memory: Bytes,
}

/// A part of something: one number of another.
#[derive(Debug, Clone, Copy)]
struct Share {
    part: u64,
    of: u64,
}

impl Share {
    /// Returns the larger of two.
    fn max(self, other: Self) -> Self {
        let ours = u128::from(self.part) * u128::from(other.of);
        let theirs = u128::from(other.part) * u128::from(self.of);
        if ours < theirs { other } else { self }
    }

    /// Returns that part of an amount, rounded down.
    fn take(self, amount: u64) -> u64 {
        let taken = u128::from(amount) * u128::from(self.part) / u128::from(self.of);
        u64::try_from(taken).unwrap_or(u64::MAX)
    }
}

impl Whole {
    /// Returns what a part of it costs: the largest share of anything, rounded down once, to a
    /// nano-dollar per unit of time.
    pub fn price_of(&self, vcpu_milli: u32, memory: Bytes, gpus: u32) -> Rate {
        let whole = u64::try_from(self.price.amount.nanos()).unwrap_or(0);
        let part = self.share(vcpu_milli, memory, gpus).take(whole);
        Rate {
            amount: Money::from_nanos(i64::try_from(part).unwrap_or(i64::MAX)),
            per: self.price.per,
        }
    }

    /// Returns the largest share that so much is of anything.
    fn share(&self, vcpu_milli: u32, memory: Bytes, gpus: u32) -> Share {
        let share = |part: u64, of: u64| Share {
            part,
            of: of.max(1),
        };
        share(u64::from(vcpu_milli), u64::from(self.vcpu_milli))
            .max(share(memory.get(), self.memory.get()))
            .max(share(u64::from(gpus), u64::from(self.gpus)))
    }
}

impl Offer {
    /// Returns the most virtual CPUs, in thousandths, and the most memory that a pod on it may have.
    pub fn most(&self) -> (u32, Bytes) {
        match &self.whole {
            Some(whole) => (whole.free_vcpu_milli, whole.free_memory),
            None => (self.vcpu_milli, self.memory),
        }
    }

    /// Cuts an offer of a machine of ours to what is asked of it; 0 asks for nothing. Another stays as
    /// it is.
    ///
    /// What is not asked for comes in the same share of the machine as what is, as far as that is free,
    /// and no fewer virtual CPUs come than the offer has.
    pub fn cut_to(self, vcpu_milli: u32, memory: Bytes) -> Self {
        let Some(whole) = self.whole else { return self };
        let gpus = self.gpus.as_ref().map_or(0, |gpus| gpus.count);
        let asked = whole.share(vcpu_milli, memory, gpus);
        let vcpu_milli = if vcpu_milli == 0 {
            let fair = asked.take(u64::from(whole.vcpu_milli));
            let fair = u32::try_from(fair).unwrap_or(u32::MAX);
            self.vcpu_milli.max(fair).min(whole.free_vcpu_milli)
        } else {
            vcpu_milli
        };
        let memory = if memory == Bytes::ZERO {
            let share = whole.share(vcpu_milli, memory, gpus);
            Bytes::new(share.take(whole.memory.get())).min(whole.free_memory)
        } else {
            memory
        };
        Self {
            vcpu_milli,
            memory,
            price: whole.price_of(vcpu_milli, memory, gpus),
            whole: None,
            ..self
        }
    }
}
