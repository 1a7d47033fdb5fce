//! What must hold of a year that is over.

use crate::oracle::{self, Doubt, confirmed, possible};
use crate::orders::{ACCOUNTS, DAY, LIMITED, POOR, SECOND};
use crate::purse::{LIMIT_DAY, LIMIT_MONTH};
use crate::watch::disks_of;
use crate::year::{Thing, Year};
use livery_ledger::{Book, Item, Meter};
use livery_units::{Day, Money, PodId, VolumeId};
use std::collections::BTreeMap;

/// What a minute is in milliseconds.
const MINUTE: i64 = 60 * SECOND;

/// What must have been seen in a year, lest it prove nothing.
const RULES: [&str; 6] = [
    "terminate-after",
    "stop-after",
    "max-cost",
    "idle",
    "limit",
    "credit",
];

impl Year {
    /// Checks what must hold of the year that is over, and tells what it was like.
    pub fn check(&self) -> String {
        let transfers = self.world.with(self.world.store().ledger_check()).unwrap();
        let mut cost = [0; ACCOUNTS];
        let mut secs = 0;
        for (nth, order) in self.orders.iter().enumerate() {
            let Some(id) = &self.ids[nth] else { continue };
            cost[order.account] += self.check_pod(nth, id);
            let heard = self.world.cloud.heard(nth);
            secs += confirmed(&heard)
                .iter()
                .map(|millis| millis / 1_000)
                .sum::<i64>();
        }
        for (nth, wish) in self.wishes.iter().enumerate() {
            let Some(id) = &self.volume_ids[nth] else {
                continue;
            };
            cost[wish.account] += self.check_volume(nth, id);
        }
        self.check_books(cost);
        self.check_limits();
        for rule in RULES {
            let acted = self.ruled.contains_key(rule);
            assert!(acted, "seed {}: {rule} never acted", self.seed);
        }
        let all: i64 = cost.iter().sum();
        let away: i64 = self.away.iter().map(|(from, to)| to - from).sum();
        format!(
            "{} pods ran for {} hours and with {} volumes cost {} in {transfers} transfers; {} lives of \
             the engine and {} hours without one, {} things with answers lost, {} pods with time that \
             is not billed, ended by {:?}, and {} volumes deleted for want of credit; {} steps in {:?}",
            self.ids.iter().flatten().count(),
            secs / 3_600,
            self.volume_ids.iter().flatten().count(),
            Money::from_nanos(all),
            self.world.lives,
            away / 3_600_000,
            self.doubts.len(),
            self.not_billed.len(),
            self.ruled,
            self.deleted_unpaid(),
            self.steps,
            self.began.elapsed()
        )
    }

    fn doubts(&self, thing: Thing) -> &[Doubt] {
        self.doubts.get(&thing).map_or(&[], Vec::as_slice)
    }

    /// Returns what a pod cost, in nano-dollars.
    fn check_pod(&self, nth: usize, id: &PodId) -> i64 {
        let (seed, order) = (self.seed, &self.orders[nth]);
        let heard = self.world.cloud.heard(nth);
        let doubts = self.doubts(Thing::Pod(nth));
        let store = self.world.store();
        let meters = self.world.with(store.meter_list_of_pod(id)).unwrap();
        let compute = charged(&meters, Item::Compute);
        let wanted = possible(&heard, doubts, |heard| oracle::compute(order.offer, heard));
        // What could not be stopped in time is not billed, and its user is told so, unless the time that
        // was known first was less than a second: then a minute of it may go unsaid.
        let is_told = self.not_billed.contains(id.as_str());
        let unsaid = match order.account {
            POOR => oracle::machine(order.offer, MINUTE),
            _ => 0,
        };
        let may_be_less = is_told || unsaid > 0;
        let is_less = |all: &i64| compute < *all && (is_told || all - compute <= unsaid);
        assert!(
            wanted.contains(&compute) || wanted.iter().any(is_less),
            "seed {seed}: pod-{nth} cost {compute} instead of {wanted:?}: {heard:#?} {meters:#?}"
        );
        let disks = disks_of(order.volume);
        let wanted = possible(&heard, doubts, |heard| {
            oracle::disks(order.offer, disks, heard)
        });
        let storage = charged(&meters, Item::Storage);
        let may_be_less = may_be_less || order.account == POOR;
        let fits =
            |(least, most): &(i64, i64)| storage <= *most && (may_be_less || storage >= *least);
        assert!(
            wanted.iter().any(fits),
            "seed {seed}: the disks of pod-{nth} cost {storage} instead of {wanted:?}: {heard:#?} \
             {meters:#?}"
        );
        let total = self.world.with(store.pod_charged(id)).unwrap().nanos();
        assert_eq!(total, compute + storage, "seed {seed}: pod-{nth}");
        if let Some(most) = order.policy.max_cost {
            let minute = oracle::machine(order.offer, MINUTE) + 1_000_000;
            assert!(
                total <= most.nanos() + minute,
                "seed {seed}: pod-{nth} cost {total} and may cost {most}"
            );
        }
        let passed_most = order
            .policy
            .max_cost
            .is_some_and(|most| total >= most.nanos());
        assert!(
            !self.not_billed.contains(id.as_str()) || passed_most || order.account == POOR,
            "seed {seed}: pod-{nth} cost {total}, and was given time for nothing"
        );
        self.check_truth(nth);
        total
    }

    /// Not a second is billed in which the machine was not up, however clocks were set.
    fn check_truth(&self, nth: usize) {
        let ups = self.world.cloud.ups(nth);
        let up: i64 = ups.iter().map(|(from, until)| until - from).sum();
        let heard = self.world.cloud.heard(nth);
        let billed: i64 = confirmed(&heard).iter().sum();
        assert!(
            billed / SECOND <= up / SECOND,
            "seed {}: pod-{nth} was up for {up} ms and billed for {billed}",
            self.seed
        );
    }

    /// Returns what a network volume cost, in nano-dollars.
    fn check_volume(&self, nth: usize, id: &VolumeId) -> i64 {
        let told = self.world.cloud.told(id);
        let meters = self.world.store().meter_list_of_volume(id);
        let meters = self.world.with(meters).unwrap();
        let cost = charged(&meters, Item::Volume);
        let wanted = possible(&told, self.doubts(Thing::Volume(nth)), oracle::volume);
        let may_be_less = self.wishes[nth].account == POOR;
        assert!(
            wanted.contains(&cost) || may_be_less && wanted.iter().any(|all| cost < *all),
            "seed {}: volume-{nth} cost {cost} instead of {wanted:?}: {told:#?} {meters:#?}",
            self.seed
        );
        cost
    }

    /// Returns how many volumes were deleted because nobody paid for them.
    fn deleted_unpaid(&self) -> usize {
        let ids = self.volume_ids.iter().flatten();
        let unpaid = ids.filter(|id| {
            let row = self
                .world
                .with(self.world.store().volume_fetch(id))
                .unwrap();
            row.reason.is_some_and(|why| why.contains("no credit for"))
        });
        unpaid.count()
    }

    /// Everything that was paid in was charged or is still there, and whoever earned has it.
    fn check_books(&self, cost: [i64; ACCOUNTS]) {
        let store = self.world.store();
        for (nth, account) in self.accounts.iter().enumerate() {
            let balance = |book: Book| self.world.with(store.balance(&book)).unwrap().nanos();
            let held = balance(Book::Held(account.clone()));
            let left = balance(Book::Balance(account.clone()));
            let wanted = self.purses[nth].paid_in - cost[nth];
            assert_eq!(
                (held, left),
                (0, wanted),
                "seed {}: account {nth}",
                self.seed
            );
        }
        let earned = self.world.with(store.earnings()).unwrap();
        let earned: i64 = earned.iter().map(|(_, amount)| amount.nanos()).sum();
        assert_eq!(earned, cost.iter().sum::<i64>(), "seed {}", self.seed);
    }

    /// No limit is passed by more than a few minutes of what ran, what was up while nobody could be asked,
    /// and what is kept of what was stopped.
    fn check_limits(&self) {
        let first = Day::of(self.wall_at(0));
        let mut margins: BTreeMap<Day, i64> = BTreeMap::new();
        let purse = &self.purses[LIMITED];
        for (nth, order) in self.orders.iter().enumerate() {
            if order.account == LIMITED {
                self.add_silences(nth, order.offer, &mut margins);
            }
        }
        let (mut day, mut month) = (first, 0);
        while day < Day::of(self.wall_at(365 * DAY)) {
            let number = day.start().millis() / DAY;
            let (minute, pods) = purse.days.get(&number).copied().unwrap_or_default();
            let disks = pods * oracle::kept_for_a_day();
            let margin = margins.get(&day).copied().unwrap_or(0) + 3 * minute + disks;
            if day.month_start() == day {
                month = 0;
            }
            month += margin;
            self.check_limit(day, day, LIMIT_DAY, margin);
            self.check_limit(day.month_start(), day, LIMIT_MONTH, month);
            day = day.next();
        }
    }

    fn check_limit(&self, from: Day, last: Day, limit: Money, margin: i64) {
        let spent = self.spent(from, last.next());
        let most = limit.nanos() + margin;
        assert!(
            spent <= most,
            "seed {}: {spent} was spent from {from} to {last} instead of {most}",
            self.seed
        );
    }

    /// Adds what a pod cost between two answers between which nobody could be asked.
    fn add_silences(&self, nth: usize, offer: usize, margins: &mut BTreeMap<Day, i64>) {
        let heard = self.world.cloud.heard(nth);
        for pair in heard.windows(2) {
            let (from, until) = (pair[0].at, pair[1].at);
            let is_away = |(gone, back): &(i64, i64)| *gone < until && from < *back;
            if !self.away.iter().any(is_away) && !self.world.cloud.was_silent(from, until) {
                continue;
            }
            let cost = oracle::machine(offer, until - from) * 2;
            // It counts for the days on which it was used.
            let mut day = Day::of(self.wall_at(from - 30 * MINUTE));
            let last = Day::of(self.wall_at(until + 30 * MINUTE));
            while day <= last {
                *margins.entry(day).or_default() += cost;
                day = day.next();
            }
        }
    }
}

fn charged(meters: &[Meter], item: Item) -> i64 {
    let its = meters.iter().filter(|meter| meter.item == item);
    its.map(|meter| meter.charged.nanos()).sum()
}
