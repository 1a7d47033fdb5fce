//! What is to be billed, added up by hand by who is told of everything at once.

use livery_units::Rate;

/// One stretch at one rate, as it is added up by hand.
pub(super) struct Segment {
    rate: Rate,
    began: i64,
    until: i64,
}

/// What one item costs, told at once of all that happens.
#[derive(Default)]
pub(super) struct Oracle {
    pub(super) open: Option<Segment>,
    pub(super) sum: i128,
    reached: Option<i64>,
}

impl Oracle {
    /// The end of the last whole second of the open stretch.
    pub(super) fn whole_seconds(&self) -> i64 {
        let open = self.open.as_ref().unwrap();
        open.began + (open.until - open.began) / 1_000 * 1_000
    }

    pub(super) fn begin(&mut self, rate: Rate, began: i64) {
        let until = began;
        self.open = Some(Segment { rate, began, until });
    }

    pub(super) fn begin_where_it_ended(&mut self, rate: Rate, began: i64) {
        self.begin(
            rate,
            self.reached.map_or(began, |reached| reached.max(began)),
        );
    }

    pub(super) fn seen(&mut self, until: i64) {
        if let Some(open) = &mut self.open {
            open.until = open.until.max(until);
        }
    }

    pub(super) fn end(&mut self) {
        if let Some(Segment { rate, began, until }) = self.open.take() {
            let secs = i128::from((until - began) / 1_000);
            let millis = i128::from(rate.per.millis());
            self.sum += i128::from(rate.amount.nanos()) * secs * 1_000 / millis;
            self.reached = Some(until);
        }
    }
}
