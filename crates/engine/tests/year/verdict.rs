//! What must hold of a year that is over.

use crate::check::{confirmed, possible};
use crate::cloud;
use crate::orders::{POOR, SECOND};
use crate::watch::cost_in_a_minute;
use crate::year::Year;
use livery_ledger::{Book, Item};
use livery_units::{Money, PodId};

impl Year {
    /// Checks what must hold of the year that is over, and tells what it was like.
    pub fn check(&self) -> String {
        let transfers = self.world.with(self.world.store().ledger_check()).unwrap();
        let mut all = Money::ZERO;
        let (mut doubted, mut secs) = (0, 0);
        for nth in 0..self.orders.len() {
            let Some(id) = &self.ids[nth] else { continue };
            all = all.plus(self.check_pod(nth, id)).unwrap();
            doubted += usize::from(self.doubts.contains_key(&nth));
            let heard = self.world.cloud.heard(nth).into_iter();
            secs += confirmed(heard).iter().map(|span| span.secs()).sum::<u64>();
        }
        for account in &self.accounts {
            let held = Book::Held(account.clone());
            let held = self.world.store().balance(&held);
            assert_eq!(self.world.with(held).unwrap(), Money::ZERO);
        }
        let poor = self.purse(POOR);
        assert!(poor.ran_out > 0, "seed {}: nobody ever ran out", self.seed);
        let made = self.ids.iter().flatten().count();
        format!(
            "{made} pods ran for {} hours and cost {all} in {transfers} transfers; {} lives of the engine, \
             {doubted} pods with answers lost, {} with time that is not billed, {} steps in {:?}",
            secs / 3_600,
            self.world.lives,
            self.not_billed.len(),
            self.steps,
            self.began.elapsed()
        )
    }

    fn check_pod(&self, nth: usize, id: &PodId) -> Money {
        let order = &self.orders[nth];
        let heard = self.world.cloud.heard(nth);
        let none = Vec::new();
        let doubts = self.doubts.get(&nth).unwrap_or(&none);
        let meters = self
            .world
            .with(self.world.store().meter_list_of_pod(id))
            .unwrap();
        let compute = meters.iter().filter(|meter| meter.item == Item::Compute);
        let charged: Money = compute.map(|meter| meter.charged).sum();
        let wanted = possible(cloud::price(order.offer), &heard, doubts);
        // What could not be stopped in time is not billed, and its user was told so.
        let is_told = self.not_billed.contains(id.as_str());
        assert!(
            wanted.contains(&charged) || is_told && wanted.iter().any(|all| charged < *all),
            "seed {}: pod-{nth} cost {charged} instead of {wanted:?}: {heard:#?} {meters:#?}",
            self.seed
        );
        let total = self.world.with(self.world.store().pod_charged(id)).unwrap();
        let metered: Money = meters.iter().map(|meter| meter.charged).sum();
        assert_eq!(total, metered, "seed {}: pod-{nth}", self.seed);
        if let Some(most) = order.policy.max_cost {
            let minute = cost_in_a_minute(order.offer);
            assert!(
                total <= most.saturating_plus(minute),
                "seed {}: pod-{nth} cost {total} and may cost {most}",
                self.seed
            );
        }
        self.check_truth(nth);
        total
    }

    /// Not a second is billed in which the machine was not up, however clocks were set.
    fn check_truth(&self, nth: usize) {
        let ups = self.world.cloud.ups(nth);
        let up: i64 = ups.iter().map(|(from, until)| until - from).sum();
        let heard = self.world.cloud.heard(nth).into_iter();
        let billed: u64 = confirmed(heard).iter().map(|span| span.secs()).sum();
        let billed = i64::try_from(billed).unwrap() * SECOND;
        assert!(
            billed <= up,
            "seed {}: pod-{nth} was up for {up} ms and billed for {billed}",
            self.seed
        );
    }
}
