//! What happens in the year: who orders which pod when, and what becomes of it.

use crate::cloud::PRICES;
use crate::dice::Dice;
use livery_domain::pod::PodPolicy;
use livery_units::{Money, Span};

pub const SECOND: i64 = 1_000;
pub const MINUTE: i64 = 60 * SECOND;
pub const HOUR: i64 = 60 * MINUTE;
pub const DAY: i64 = 24 * HOUR;
pub const YEAR: i64 = 365 * DAY;

/// Who may order: the first may owe, the others pay before, and the last pays too little.
pub const ACCOUNTS: usize = 4;

/// The account that pays too little.
pub const POOR: usize = ACCOUNTS - 1;

/// What a pod's user or its supplier does to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    Create,
    Stop,
    Start,
    Terminate,
    /// Its machine vanishes.
    Vanish,
}

/// One pod of the year.
#[derive(Debug, Clone)]
pub struct Order {
    pub account: usize,
    pub offer: usize,
    pub policy: PodPolicy,
    /// What is done to it when, in order; the first is its creation.
    pub acts: Vec<(i64, Act)>,
}

/// Something that happens at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// Something is done to a pod.
    Pod(usize, Act),
    /// The supplier falls silent, or answers again.
    Outage,
    /// The engine is killed and started again: at rest, or in the middle of what it does.
    Kill(Moment),
    /// The control plane's clock is put forward or back by so many milliseconds.
    Jump(i64),
    /// An account pays in.
    TopUp(usize),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    AtRest,
    InTheMiddle,
}

/// So many pods are ordered at once, as when somebody tries several settings: each on a machine of
/// its own size, with the same lifetime and policy.
const TOGETHER: usize = 5;

/// Draws a pod.
pub fn order(dice: Dice, pods: usize, nth: usize) -> Order {
    let own = dice.of("own").nth(u64::try_from(nth).unwrap());
    let group = nth / TOGETHER;
    let dice = dice.of("order").nth(u64::try_from(group).unwrap());
    // Spread over the year but for its last days, in which everything comes to its end.
    let slot = (YEAR - 10 * DAY) / i64::try_from(pods.div_ceil(TOGETHER)).unwrap();
    let begins = slot * i64::try_from(group).unwrap() + dice.of("begins").between(0, slot);
    let lasts = lasts(dice.of("lasts"));
    let offer = usize::try_from(own.of("offer").between(0, 4)).unwrap();
    let mut acts = vec![(begins, Act::Create)];
    let mut policy = PodPolicy::default();
    let span = |millis: i64| Span::from_millis(u64::try_from(millis).unwrap());
    let part = |percent: i64| lasts / 100 * percent;
    match dice.of("kind").between(0, 100) {
        0..25 => policy.terminate_after = Some(span(lasts)),
        25..45 => {
            policy.stop_after = Some(span(lasts));
            acts.push((begins + 2 * lasts + DAY, Act::Terminate));
        }
        45..60 => {
            let hourly = PRICES[offer] * 1_000_000;
            let nanos = i128::from(hourly) * i128::from(lasts.max(HOUR)) / i128::from(HOUR);
            policy.max_cost = Some(Money::from_nanos(i64::try_from(nanos).unwrap()));
        }
        60..80 => {
            acts.push((begins + part(30), Act::Stop));
            acts.push((begins + part(60), Act::Start));
            acts.push((begins + lasts, Act::Terminate));
        }
        _ => acts.push((begins + lasts, Act::Terminate)),
    }
    if own.of("vanishes").percent(8) {
        acts.push((begins + part(own.of("when").between(5, 95)), Act::Vanish));
    }
    acts.sort_by_key(|(at, _)| *at);
    Order {
        account: usize::try_from(own.of("account").between(0, 7)).unwrap() / 2,
        offer,
        policy,
        acts,
    }
}

/// Half of the pods last minutes, most of the others hours, a few days.
fn lasts(dice: Dice) -> i64 {
    let millis = match dice.of("class").between(0, 100) {
        0..50 => dice.between(2 * MINUTE, 50 * MINUTE),
        50..92 => dice.between(HOUR, 12 * HOUR),
        _ => dice.between(12 * HOUR, 4 * DAY),
    };
    millis + dice.of("millis").between(0, 1_000)
}

/// When the supplier is silent.
pub fn outages(dice: Dice) -> Vec<(i64, i64)> {
    let outage = |nth: u64| {
        let dice = dice.of("outage").nth(nth);
        let slot = (YEAR - 10 * DAY) / 16;
        let from = slot * i64::try_from(nth).unwrap() + dice.of("from").between(0, slot - 9 * HOUR);
        (from, from + dice.of("lasts").between(MINUTE, 8 * HOUR))
    };
    (0..16).map(outage).collect()
}

/// Everything that happens, in order.
pub fn events(dice: Dice, orders: &[Order], outages: &[(i64, i64)]) -> Vec<(i64, Event)> {
    let mut all = Vec::new();
    for (pod, order) in orders.iter().enumerate() {
        all.extend(
            order
                .acts
                .iter()
                .map(|(at, act)| (*at, Event::Pod(pod, *act))),
        );
    }
    for (from, to) in outages {
        all.extend([(*from, Event::Outage), (*to, Event::Outage)]);
    }
    let last = YEAR - 5 * DAY;
    for nth in 0..30 {
        let dice = dice.of("kill").nth(nth);
        // Half of them at something that happens anyway, when there is most to be lost.
        let moment = if nth % 2 == 0 {
            Moment::AtRest
        } else {
            Moment::InTheMiddle
        };
        let at = match moment {
            Moment::AtRest => dice.of("when").between(0, last),
            Moment::InTheMiddle => {
                let order = &orders[usize::try_from(
                    dice.of("pod")
                        .between(0, i64::try_from(orders.len()).unwrap()),
                )
                .unwrap()];
                let act = dice
                    .of("act")
                    .between(0, i64::try_from(order.acts.len()).unwrap());
                order.acts[usize::try_from(act).unwrap()].0
            }
        };
        all.push((at, Event::Kill(moment)));
    }
    for nth in 0..8 {
        let dice = dice.of("jump").nth(nth);
        let by = dice.of("by").between(-10 * MINUTE, 20 * MINUTE);
        all.push((dice.of("when").between(0, last), Event::Jump(by)));
    }
    for nth in 0..52 {
        for account in 1..ACCOUNTS {
            all.push((i64::from(nth) * 7 * DAY + 1, Event::TopUp(account)));
        }
    }
    // What happens at one moment happens in this order, kills last.
    all.sort_by_key(|(at, event)| (*at, matches!(event, Event::Kill(_))));
    all
}
