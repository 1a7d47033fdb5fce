//! What happens in the year: who orders which pod when, and what becomes of it.

use crate::cloud::PRICES;
use crate::dice::Dice;
use crate::volumes::{self, VolumeAct, VolumeWish};
use livery_domain::pod::{IdleAction, IdlePolicy, PodPolicy};
use livery_units::{Money, Span};

pub const SECOND: i64 = 1_000;
pub const MINUTE: i64 = 60 * SECOND;
pub const HOUR: i64 = 60 * MINUTE;
pub const DAY: i64 = 24 * HOUR;
pub const YEAR: i64 = 365 * DAY;

/// Who may order: two may owe, of which one has limits; the others pay before, of which one has a rule for
/// idle pods, and the last pays too little.
pub const ACCOUNTS: usize = 5;

/// The account that has a rule for its idle pods.
pub const IDLER: usize = 2;

/// The account that has limits of the day and the month.
pub const LIMITED: usize = 3;

/// The account that pays too little.
pub const POOR: usize = ACCOUNTS - 1;

/// What is done with the idle pods of the account that has such a rule.
pub const IDLE_RULE: IdlePolicy = IdlePolicy {
    after: Span::from_secs(90 * 60),
    action: IdleAction::Stop,
};

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
    /// For how long it is wanted.
    pub lasts: i64,
    /// From when until when somebody uses it, in order.
    pub used: Vec<(i64, i64)>,
    /// The network volume that it is to have.
    pub volume: Option<usize>,
    /// What is done to it when, in order; the first is its creation.
    pub acts: Vec<(i64, Act)>,
}

impl Order {
    /// Returns when it is ordered.
    pub fn begins(&self) -> i64 {
        self.acts[0].0
    }

    /// Returns what is done with it when it is idle, if it is ended then.
    pub fn idle(&self) -> Option<IdlePolicy> {
        let rule = (self.account == IDLER).then_some(IDLE_RULE);
        let ends = |idle: &IdlePolicy| match idle.action {
            IdleAction::Stop | IdleAction::Terminate => true,
            IdleAction::Remind | IdleAction::Nothing => false,
        };
        self.policy.idle.or(rule).filter(ends)
    }

    /// Returns the last moment until now at which somebody used it.
    pub fn used_until(&self, now: i64) -> i64 {
        let used = self.used.iter().filter(|(from, _)| *from <= now);
        used.map(|(_, to)| (*to).min(now)).max().unwrap_or(0)
    }

    /// Returns for how long it was used until now.
    pub fn used_for(&self, now: i64) -> i64 {
        let used = self.used.iter().filter(|(from, _)| *from <= now);
        used.map(|(from, to)| (*to).min(now) - from).sum()
    }
}

/// Something that happens at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// Something is done to a pod.
    Pod(usize, Act),
    /// Something is done to a network volume.
    Volume(usize, VolumeAct),
    /// The supplier, or the hosts, fall silent, or answer again.
    Outage,
    /// The engine is killed, at rest or in the middle of what it does, and started again after so long.
    Kill(Moment, i64),
    /// The control plane's clock is put forward or back by so many milliseconds.
    Jump(i64),
    /// An account pays in.
    TopUp(usize),
}

impl Event {
    /// Whether it happens also while there is no control plane.
    pub fn needs_nobody(self) -> bool {
        match self {
            Self::Pod(_, act) => act == Act::Vanish,
            Self::Volume(_, act) => act == VolumeAct::Vanish,
            Self::Outage | Self::Jump(_) => true,
            Self::Kill(..) | Self::TopUp(_) => false,
        }
    }
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
    let mut used = vec![(begins, YEAR)];
    match dice.of("kind").between(0, 100) {
        0..20 => policy.terminate_after = Some(span(lasts)),
        20..36 => {
            policy.stop_after = Some(span(lasts));
        }
        36..48 => {
            let hourly = PRICES[offer] * 1_000_000;
            let nanos = i128::from(hourly) * i128::from(lasts.max(HOUR)) / i128::from(HOUR);
            policy.max_cost = Some(Money::from_nanos(i64::try_from(nanos).unwrap()));
        }
        48..64 => {
            policy.idle = Some(idle(own));
            used = usage(own, begins, lasts);
        }
        64..82 => {
            acts.push((begins + part(30), Act::Stop));
            acts.push((begins + part(60), Act::Start));
            acts.push((begins + lasts, Act::Terminate));
        }
        _ => acts.push((begins + lasts, Act::Terminate)),
    }
    if own.of("forgotten").percent(40) {
        used = usage(own, begins, part(60));
    }
    // What is stopped by then, or was kept all the same, is not wanted any more.
    acts.push((begins + lasts + lasts / 2 + 3 * HOUR, Act::Terminate));
    if own.of("vanishes").percent(8) {
        acts.push((begins + part(own.of("when").between(5, 95)), Act::Vanish));
    }
    acts.sort_by_key(|(at, _)| *at);
    Order {
        account: usize::try_from(own.of("account").between(0, 9)).unwrap() / 2,
        offer,
        policy,
        lasts,
        used,
        volume: None,
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

/// What is done with a pod that nobody uses.
fn idle(dice: Dice) -> IdlePolicy {
    let minutes = dice.of("after").between(2, 120).unsigned_abs();
    let after = Span::from_secs(minutes * 60);
    match dice.of("action").between(0, 10) {
        0..4 => IdlePolicy {
            after,
            action: IdleAction::Stop,
        },
        4..8 => IdlePolicy {
            after,
            action: IdleAction::Terminate,
        },
        8 => IdlePolicy {
            after,
            action: IdleAction::Remind,
        },
        _ => IdlePolicy::NEVER,
    }
}

/// When a pod is used that is forgotten after so long: in one go, or with a rest.
fn usage(dice: Dice, begins: i64, lasts: i64) -> Vec<(i64, i64)> {
    let end = begins + lasts;
    match dice.of("rests").percent(40) {
        true => vec![(begins, begins + lasts / 3), (begins + lasts / 2, end)],
        false => vec![(begins, end)],
    }
}

/// How many outages there are of a kind.
const OUTAGES: u64 = 16;

/// When somebody is silent: half of the times while a pod runs whose money will not last for ever.
pub fn outages(dice: Dice, orders: &[Order]) -> Vec<(i64, i64)> {
    let is_short = |order: &&Order| order.account == POOR || order.policy.max_cost.is_some();
    let short: Vec<&Order> = orders.iter().filter(is_short).collect();
    let outage = |nth: u64| {
        let dice = dice.nth(nth);
        let slot = (YEAR - 10 * DAY) / i64::try_from(OUTAGES).unwrap();
        let one = dice
            .of("of")
            .between(0, i64::try_from(short.len()).unwrap());
        let order = short[usize::try_from(one).unwrap()];
        let from = match nth % 2 {
            0 => slot * i64::try_from(nth).unwrap() + dice.of("from").between(0, slot - 9 * HOUR),
            _ => order.begins() + order.lasts / 100 * dice.of("part").between(20, 95),
        };
        (from, from + dice.of("lasts").between(MINUTE, 8 * HOUR))
    };
    (0..OUTAGES).map(outage).collect()
}

/// Everything that happens, in order.
pub fn events(
    dice: Dice,
    orders: &[Order],
    volumes: &[VolumeWish],
    outages: &[Vec<(i64, i64)>],
) -> Vec<(i64, Event)> {
    let mut all = Vec::new();
    for (pod, order) in orders.iter().enumerate() {
        let acts = order.acts.iter();
        all.extend(acts.map(|(at, act)| (*at, Event::Pod(pod, *act))));
    }
    for (volume, wish) in volumes.iter().enumerate() {
        let acts = wish.acts.iter();
        all.extend(acts.map(|(at, act)| (*at, Event::Volume(volume, *act))));
    }
    for (from, to) in outages.iter().flatten() {
        all.extend([(*from, Event::Outage), (*to, Event::Outage)]);
    }
    let last = YEAR - 5 * DAY;
    all.extend((0..36).map(|nth| kill(dice.of("kill").nth(nth), nth, orders, &outages[0])));
    for nth in 0..8 {
        let dice = dice.of("jump").nth(nth);
        let by = dice.of("by").between(-10 * MINUTE, 20 * MINUTE);
        all.push((dice.of("when").between(0, last), Event::Jump(by)));
    }
    for week in 0..52 {
        for account in (1..ACCOUNTS).filter(|account| *account != LIMITED) {
            all.push((week * 7 * DAY + 1, Event::TopUp(account)));
        }
    }
    // What happens at one moment happens in this order, kills last.
    all.sort_by_key(|(at, event)| (*at, matches!(event, Event::Kill(..))));
    all
}

/// A death of the engine: a third of them at rest, a third at something that happens anyway, when there is
/// most to be lost, and a third while the supplier is silent. Half of them last.
fn kill(dice: Dice, nth: u64, orders: &[Order], outages: &[(i64, i64)]) -> (i64, Event) {
    let away = match dice.of("comes back").percent(50) {
        true => 0,
        false => dice.of("away").between(MINUTE, 6 * HOUR),
    };
    let one_of = |what: &str, many: usize| {
        let nth = dice.of(what).between(0, i64::try_from(many).unwrap());
        usize::try_from(nth).unwrap()
    };
    match nth % 3 {
        0 => {
            let at = dice.of("when").between(0, YEAR - 5 * DAY);
            (at, Event::Kill(Moment::AtRest, away))
        }
        1 => {
            let order = &orders[one_of("pod", orders.len())];
            let (at, _) = order.acts[one_of("act", order.acts.len())];
            (at, Event::Kill(Moment::InTheMiddle, away))
        }
        _ => {
            let (from, to) = outages[one_of("outage", outages.len())];
            let at = dice.of("when").between(from, to);
            (at, Event::Kill(Moment::AtRest, away))
        }
    }
}

/// Gives some pods a network volume of their account that is there when they are ordered.
pub fn with_volumes(dice: Dice, orders: &mut [Order], volumes: &[VolumeWish]) {
    for (nth, order) in orders.iter_mut().enumerate() {
        let begins = order.begins();
        let fits = |wish: &VolumeWish| wish.account == order.account && wish.is_there(begins);
        let dice = dice.of("with volume").nth(u64::try_from(nth).unwrap());
        if order.offer < volumes::PLACED_BELOW && dice.percent(50) {
            order.volume = volumes.iter().position(fits);
        }
    }
}
