//! The money of accounts as it stands at every look.

use crate::cloud::What;
use crate::oracle;
use crate::orders::{DAY, HOUR, LIMITED, MINUTE, POOR, SECOND, YEAR};
use crate::steps::STEP;
use crate::watch::disks_of;
use crate::year::{BEGINS, Year};
use livery_domain::account::Standing;
use livery_domain::pod::{Desired, Observed, Pod};
use livery_domain::volume::{NetworkVolume, VolumeDesired};
use livery_engine::{Clock, Period};
use livery_units::{AccountId, Day, Money, Span, Timestamp};
use std::collections::BTreeMap;

/// What the account with limits may spend.
pub const LIMIT_DAY: Money = Money::from_nanos(12_000_000_000);
pub const LIMIT_MONTH: Money = Money::from_nanos(60_000_000_000);

/// How long what is kept for the account that pays too little is kept.
pub const GRACE: Span = Span::from_secs(2 * 86_400);

/// The money of an account, as it stood at the last look.
#[derive(Default)]
pub struct Purse {
    /// What was paid in, in nano-dollars.
    pub paid_in: i64,
    /// Whether any of its pods may be up and should be.
    burns: bool,
    /// When nothing will be left, or a limit be reached, by time that passes.
    empty_at: Option<i64>,
    /// When the day on the wall is over, by time that passes.
    midnight: i64,
    /// What a minute of everything cost that it has had since it last had something.
    margin: i64,
    /// Whether it is without credit, and something is kept for it.
    pub keeps: bool,
    /// The most that a minute of all its pods cost on a day, and how many there were.
    pub days: BTreeMap<i64, (i64, i64)>,
}

impl Purse {
    /// Returns whether nothing will be left, or the day be over, in a few minutes, or something is kept.
    pub fn is_nearly_empty(&self, now: i64) -> bool {
        if self.keeps {
            return true;
        }
        let soon = self.empty_at.is_some_and(|at| at < now + 3 * MINUTE);
        self.burns && (soon || now + 2 * MINUTE > self.midnight)
    }

    /// Returns when to look again: often while it runs out, and before and after midnight.
    pub fn next_look(&self, now: i64) -> i64 {
        if !self.burns {
            return i64::MAX;
        }
        let empty = self.empty_at.map_or(i64::MAX, |at| at - 2 * MINUTE);
        let around = [-70 * SECOND, -5 * SECOND, 5 * SECOND].map(|by| self.midnight + by);
        let midnight = around.into_iter().find(|at| *at > now);
        empty
            .max(now + 10 * SECOND)
            .min(midnight.unwrap_or(i64::MAX))
    }
}

fn may_be_up(pod: &Pod) -> bool {
    let is_wanted = pod.desired == Desired::Running;
    match pod.observed {
        Observed::Up | Observed::Starting | Observed::Unknown => is_wanted,
        Observed::Down | Observed::Lost | Observed::Absent => false,
    }
}

impl Year {
    /// Looks at the money of those who pay before: none ever owes more than what a minute costs of what it
    /// has had, whatever was silent or killed for however long.
    pub fn look_at_purses(&mut self) {
        let store = self.world.store();
        let left = self.world.with(store.account_left(&self.accounts)).unwrap();
        for (nth, account) in self.accounts.iter().enumerate() {
            let Some(left) = left.get(account).map(|left| left.nanos()) else {
                continue;
            };
            let minute = self.minute_of(account);
            let purse = &mut self.purses[nth];
            purse.margin = purse.margin.max(minute);
            let least = -purse.margin;
            assert!(
                left >= least,
                "seed {}: {left} is left of account {nth}, and not {least}",
                self.seed
            );
            if left >= 0 {
                purse.margin = minute;
            }
        }
        for account in [LIMITED, POOR] {
            self.look_ahead(account);
        }
        self.look_at_kept();
    }

    /// What is kept for an account without credit is deleted when its time is over, and it was warned for a
    /// day.
    fn look_at_kept(&mut self) {
        let account = &self.accounts[POOR];
        let stand = self.world.store().account_stand(account);
        let stand = self.world.with(stand).unwrap();
        let is_kept = |pod: &&Pod| pod.account == *account && pod.desired == Desired::Stopped;
        let pods = self.pods.iter().filter(is_kept).count();
        let is_kept = |volume: &&NetworkVolume| {
            volume.account == *account && volume.desired == VolumeDesired::Present
        };
        let kept = pods + self.volumes.iter().filter(is_kept).count();
        self.purses[POOR].keeps = match stand.standing {
            Standing::Good => false,
            Standing::Out { since } => {
                let out_for = self.world.clock.now().since(since);
                let most = GRACE.millis() + (DAY + 3 * STEP).unsigned_abs();
                let is_late = kept > 0 && out_for.millis() > most;
                assert!(!is_late, "seed {}: kept for {out_for}", self.seed);
                kept > 0
            }
        };
    }

    /// Whether the account that pays too little has no more than a few minutes of everything that it has,
    /// if whatever is silent runs on.
    pub fn is_money_short(&self, now: i64) -> bool {
        let account = &self.accounts[POOR];
        let left = self
            .world
            .store()
            .account_left(std::slice::from_ref(account));
        let left = self.world.with(left).unwrap()[account].nanos();
        let its = self.pods.iter().filter(|pod| pod.account == *account);
        let silent = its.map(|pod| {
            let nth = self.number(pod);
            let words = self.world.cloud.heard(nth);
            let last = words.last().filter(|word| word.what == What::Up);
            let silent = last.map_or(0, |word| now - word.at);
            oracle::machine(self.orders[nth].offer, silent)
        });
        let minutes = 4 * self.purses[POOR].margin;
        left - silent.sum::<i64>() <= minutes
    }

    /// What a minute of everything costs that an account has.
    fn minute_of(&self, account: &AccountId) -> i64 {
        let its = self.pods.iter().filter(|pod| pod.account == *account);
        let pods = its.map(|pod| {
            let order = &self.orders[self.number(pod)];
            oracle::minute(order.offer, disks_of(order.volume))
        });
        let its = self.volumes.iter().filter(|one| one.account == *account);
        let volumes = its.map(|volume| oracle::minute_of_volume(volume.size));
        pods.chain(volumes).sum()
    }

    /// Looks when an account's money, or what it may spend, will be used up.
    fn look_ahead(&mut self, nth: usize) {
        let now = self.world.clock.passed();
        let offset = self.world.clock.now().millis() - now;
        let account = &self.accounts[nth];
        let its = self.pods.iter().filter(|pod| pod.account == *account);
        let its: Vec<&Pod> = its.collect();
        let burns = its.iter().any(|pod| may_be_up(pod));
        let minute = self.minute_of(account);
        let today = (now + offset) / DAY;
        let purse = &mut self.purses[nth];
        let day = purse.days.entry(today).or_default();
        let many = i64::try_from(its.len()).unwrap();
        *day = (day.0.max(minute), day.1.max(many));
        purse.burns = burns;
        purse.midnight = match nth {
            LIMITED => (today + 1) * DAY - offset,
            _ => 2 * YEAR,
        };
        if !burns {
            return;
        }
        let sheet = self
            .world
            .with(self.world.engine().balance(account))
            .unwrap();
        let limits = sheet.stand.settings.limits_in_force();
        let room = [
            (limits.day, sheet.spent.day),
            (limits.month, sheet.spent.month),
        ];
        let room = room.map(|(limit, spent)| limit.map(|limit| limit.saturating_minus(spent)));
        let until = |room: &Money| {
            let hourly = i128::from(sheet.hourly.nanos().max(1));
            let millis = i128::from(room.nanos().max(0)) * i128::from(HOUR) / hourly;
            now + i64::try_from(millis).unwrap()
        };
        let limited = room.iter().flatten().map(until).min();
        let empty = sheet.empty_at.map(|at| at.millis() - offset);
        self.purses[nth].empty_at = limited.into_iter().chain(empty).min();
    }

    /// Whether there is next to no room left in what the account with limits may spend.
    pub fn is_limit_near(&self, now: i64) -> bool {
        let today = Day::of(self.world.clock.now());
        let month = today.month_start();
        let minute = self.purses[LIMITED].days.values().map(|day| day.0);
        let margin = 4 * minute.max().unwrap_or(0);
        let is_near = |from: Day, until: Day, limit: Money| {
            let spent = self.spent(from, until);
            spent + margin >= limit.nanos()
        };
        let recently = now - 10 * MINUTE;
        let is_new_day = Day::of(self.wall_at(recently)) != today;
        is_near(today, today.next(), LIMIT_DAY)
            || is_near(month, month.month_end().next(), LIMIT_MONTH)
            || is_new_day
    }

    /// What the account with limits was charged from a day on and before another.
    pub fn spent(&self, from: Day, until: Day) -> i64 {
        let account = &self.accounts[LIMITED];
        let period = Period { from, until };
        let spent = self.world.store().account_spent(account, period);
        self.world.with(spent).unwrap().nanos()
    }

    /// What the wall clock showed at a moment.
    pub fn wall_at(&self, passed: i64) -> Timestamp {
        let jumps = self.jumps.iter().filter(|(at, _)| *at <= passed);
        let by: i64 = jumps.map(|(_, by)| *by).sum();
        Timestamp::from_millis(BEGINS + passed + by)
    }
}
