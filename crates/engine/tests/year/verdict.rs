//! What must hold of a year that is over.

use crate::check::{confirmed, possible};
use crate::cloud;
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
        let made = self.ids.iter().flatten().count();
        format!(
            "{made} pods ran for {} hours and cost {all} in {transfers} transfers; {} lives of the engine, \
             {doubted} pods with answers lost, {} steps in {:?}",
            secs / 3_600,
            self.world.lives,
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
        assert!(
            wanted.contains(&charged),
            "seed {}: pod-{nth} cost {charged} instead of {wanted:?}: {heard:#?} {meters:#?}",
            self.seed
        );
        let total = self.world.with(self.world.store().pod_charged(id)).unwrap();
        let metered: Money = meters.iter().map(|meter| meter.charged).sum();
        assert_eq!(total, metered, "seed {}: pod-{nth}", self.seed);
        self.check_truth(nth);
        total
    }

    /// Not a second is billed in which the machine was not up, but for what the clock was put forward.
    fn check_truth(&self, nth: usize) {
        let ups = self.world.cloud.ups(nth);
        let (Some(first), Some(last)) = (ups.first(), ups.last()) else {
            return;
        };
        if self.jumps.iter().any(|at| (first.0..=last.1).contains(at)) {
            return;
        }
        let up: i64 = ups.iter().map(|(from, until)| until - from).sum();
        let heard = self.world.cloud.heard(nth).into_iter();
        let billed: u64 = confirmed(heard).iter().map(|span| span.millis()).sum();
        let billed = i64::try_from(billed).unwrap();
        assert!(
            billed <= up,
            "seed {}: pod-{nth} was up for {up} ms and billed for {billed}",
            self.seed
        );
    }
}
