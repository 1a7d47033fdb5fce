//! The network volumes of the year, and the simulated supplier's power to keep them.

use crate::cloud::{Chances, SimCloud, ambiguous};
use crate::dice::Dice;
use crate::orders::{DAY, HOUR, IDLER, MINUTE, POOR, YEAR};
use async_trait::async_trait;
use livery_supplier::{Error, Listing, VolumeFound, VolumeOrder, VolumePlace, Volumes};
use livery_units::{Bytes, HostId, Money, Per, Rate, VolumeId};

/// What a GB costs in a month, in nano-dollars.
pub const PRICE: i64 = 70_000_001;

/// Offers before this one are on the host that keeps volumes.
pub const PLACED_BELOW: usize = 2;

/// How many there are in a year.
const MANY: u64 = 30;

/// What becomes of a volume.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VolumeAct {
    Create,
    Grow,
    Delete,
    /// Its host loses it.
    Vanish,
}

/// One volume of the year.
#[derive(Debug, Clone)]
pub struct VolumeWish {
    pub account: usize,
    /// In GiB; it grows to twice that.
    pub size: u64,
    pub acts: Vec<(i64, VolumeAct)>,
}

impl VolumeWish {
    /// Whether it is made before and deleted after.
    pub fn is_there(&self, at: i64) -> bool {
        let deleted = self.acts.iter().find(|(_, act)| *act == VolumeAct::Delete);
        self.acts[0].0 + HOUR < at && at < deleted.map_or(YEAR, |(at, _)| *at)
    }
}

/// Draws the volumes of the year. Nobody deletes some of those of the account that pays too little.
pub fn wishes(dice: Dice) -> Vec<VolumeWish> {
    let wish = |nth: u64| {
        let dice = dice.of("volume").nth(nth);
        let slot = (YEAR - 15 * DAY) / i64::try_from(MANY).unwrap();
        let begins = slot * i64::try_from(nth).unwrap() + dice.of("begins").between(0, slot);
        let account = [0, 1, IDLER, POOR][usize::try_from(nth % 4).unwrap()];
        let lasts = dice.of("lasts").between(HOUR, 12 * DAY);
        let mut acts = vec![(begins, VolumeAct::Create)];
        if dice.of("grows").percent(70) {
            let after = dice.of("grown").between(MINUTE, lasts);
            acts.push((begins + after, VolumeAct::Grow));
        }
        if dice.of("vanishes").percent(10) {
            acts.push((begins + lasts / 2, VolumeAct::Vanish));
        }
        if account != POOR || dice.of("deleted").percent(50) {
            // The second time whoever had it the first time is gone.
            let end = begins + lasts;
            acts.extend([(end, VolumeAct::Delete), (end + 5 * DAY, VolumeAct::Delete)]);
        }
        acts.sort_by_key(|(at, _)| *at);
        VolumeWish {
            account,
            size: dice.of("size").between(5, 300).unsigned_abs(),
            acts,
        }
    };
    (0..MANY).map(wish).collect()
}

/// What the control plane was told about a volume: how large it is, or that it is not there.
#[derive(Debug, Clone, Copy)]
pub struct Told {
    pub size: Option<Bytes>,
    /// When, by time that passes.
    pub at: i64,
}

/// A volume at the supplier.
#[derive(Default)]
pub struct Kept {
    number: u64,
    calls: u64,
    size: Option<Bytes>,
    pub told: Vec<Told>,
}

/// The host that keeps volumes.
pub fn place() -> HostId {
    HostId::from_entropy(1)
}

const CHANCES: Chances = Chances {
    fails: 6,
    answer_lost: 5,
};

impl SimCloud {
    /// The disk of a volume is lost.
    pub fn vanish_volume(&self, id: &VolumeId) {
        self.lock().volumes.entry(id.clone()).or_default().size = None;
    }

    /// Everything that was said about a volume, in order.
    pub fn told(&self, id: &VolumeId) -> Vec<Told> {
        let state = self.lock();
        state
            .volumes
            .get(id)
            .map_or(Vec::new(), |kept| kept.told.clone())
    }

    /// The volumes that there are.
    pub fn volumes_now(&self) -> Vec<VolumeId> {
        let state = self.lock();
        let there = state.volumes.iter().filter(|(_, kept)| kept.size.is_some());
        there.map(|(id, _)| id.clone()).collect()
    }

    /// Lets a call about a volume through, or fails it; whether its answer is lost.
    fn call_volume(&self, id: &VolumeId, what: &'static str) -> Result<bool, Error> {
        self.reach()?;
        let mut state = self.lock();
        let number = u64::try_from(state.volumes.len()).unwrap();
        let kept = state.volumes.entry(id.clone()).or_insert(Kept {
            number,
            ..Kept::default()
        });
        kept.calls += 1;
        let dice = self.dice().of(what).nth(kept.number).nth(kept.calls);
        drop(state);
        CHANCES.fall(dice)
    }

    /// Changes a volume and answers, unless the answer is lost.
    fn change(
        &self,
        order: &VolumeOrder,
        what: &'static str,
        change: impl FnOnce(&mut Kept, i64),
    ) -> Result<VolumeFound, Error> {
        let lost = self.call_volume(&order.volume, what)?;
        let now = self.now();
        let mut state = self.lock();
        let kept = state.volumes.entry(order.volume.clone()).or_default();
        let before = (kept.size, kept.told.len());
        change(kept, now);
        if lost {
            kept.told.truncate(before.1);
            return Err(ambiguous());
        }
        let Some(size) = kept.size else {
            return Err(Error::NotFound {
                message: order.volume.to_string(),
            });
        };
        Ok(found(&order.volume, size))
    }
}

fn found(volume: &VolumeId, size: Bytes) -> VolumeFound {
    VolumeFound {
        volume: volume.clone(),
        host: place(),
        size,
    }
}

#[async_trait]
impl Volumes for SimCloud {
    async fn places(&self) -> Result<Vec<VolumePlace>, Error> {
        Ok(vec![VolumePlace {
            host: place(),
            name: "keeper".into(),
            free: Bytes::gib(10_000),
            rate: Rate {
                amount: Money::from_nanos(PRICE),
                per: Per::Month,
            },
        }])
    }

    async fn create(&self, order: &VolumeOrder) -> Result<VolumeFound, Error> {
        self.change(order, "create", |kept, at| {
            let size = *kept.size.get_or_insert(order.size);
            kept.told.push(Told {
                size: Some(size),
                at,
            });
        })
    }

    /// Until now it was as large as it was: who grows it is told so with the answer.
    async fn grow(&self, order: &VolumeOrder) -> Result<VolumeFound, Error> {
        self.change(order, "grow", |kept, at| {
            let Some(before) = kept.size else { return };
            let size = before.max(order.size);
            kept.size = Some(size);
            for size in [before, size] {
                kept.told.push(Told {
                    size: Some(size),
                    at,
                });
            }
        })
    }

    async fn observe(&self, _: &HostId, volume: &VolumeId) -> Result<Option<VolumeFound>, Error> {
        if self.call_volume(volume, "observe volume")? {
            return Err(ambiguous());
        }
        let at = self.now();
        let mut state = self.lock();
        let kept = state.volumes.entry(volume.clone()).or_default();
        kept.told.push(Told {
            size: kept.size,
            at,
        });
        Ok(kept.size.map(|size| found(volume, size)))
    }

    async fn list(&self) -> Result<Listing<VolumeFound>, Error> {
        self.reach()?;
        let state = self.lock();
        let all = state.volumes.iter();
        let there = all.filter_map(|(id, kept)| Some(found(id, kept.size?)));
        Ok(Listing::whole(there.collect()))
    }

    async fn delete(&self, _: &HostId, volume: &VolumeId) -> Result<(), Error> {
        let lost = self.call_volume(volume, "delete")?;
        self.vanish_volume(volume);
        match lost {
            true => Err(ambiguous()),
            false => Ok(()),
        }
    }
}
