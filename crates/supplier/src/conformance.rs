//! The suite that every supplier passes.
//!
//! It rents real machines from the supplier that it is given and gives them back, whatever fails.

mod volumes;

use crate::{Access, Error, Lease, Order, Supplier};
use livery_domain::account::Tenant;
use livery_domain::offer::Offer;
use livery_domain::pod::{Observed, PodOrder};
use livery_units::{LaunchKey, PodId, Span};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// What the suite needs to know about the supplier.
pub struct Fixture {
    /// An order that fits at least one offer.
    pub order: PodOrder,
    /// An order that no machine of the supplier can hold.
    pub too_big: PodOrder,
    /// A lease in the supplier's own form of something that never existed.
    pub never_existed: Lease,
    /// Draws fresh entropy for ids.
    pub entropy: fn() -> u128,
    /// How long a machine may take to come up or to go.
    pub patience: Span,
}

/// A rule of the contract that the supplier broke.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{rule}: {found}")]
pub struct Broken {
    /// The rule.
    pub rule: &'static str,
    /// What the supplier did instead.
    pub found: String,
}

/// Puts a supplier through the contract; nothing that it rented is left afterwards.
pub async fn run(supplier: &dyn Supplier, fixture: &Fixture) -> Result<(), Broken> {
    let offer = offers(supplier, fixture).await?;
    never_existed(supplier, fixture).await?;
    too_big(supplier, fixture, &offer).await?;
    let key = LaunchKey::from_entropy((fixture.entropy)());
    let order = order(fixture, &offer, &fixture.order);
    let lived = life(supplier, fixture, &key, &order).await;
    if lived.is_err() {
        give_back(supplier, &key).await;
    }
    lived?;
    match supplier.volumes() {
        Some(power) => volumes::run(supplier, power, fixture, &offer).await,
        None => Ok(()),
    }
}

const OFFERS: &str = "offers are its own, distinct and rentable";
const UNKNOWN: &str = "what never existed is observed absent, and ending it succeeds";
const TOO_BIG: &str = "an order that cannot fit is refused for want of capacity";
const SAME_KEY: &str = "the same launch key returns the same lease";
const LISTED: &str =
    "what carries our launch key is listed as it was launched until it is gone, and once";
const COMES_UP: &str = "a launched machine comes up and can be reached";
const ENDS: &str = "ending a lease succeeds, twice, and then it is absent";

/// How often the supplier is asked while something is awaited.
const POLL: Duration = Duration::from_millis(50);

async fn offers(supplier: &dyn Supplier, fixture: &Fixture) -> Result<Offer, Broken> {
    let offers = supplier.offers().await.map_err(because(OFFERS))?;
    let name = supplier.info().name;
    let ids: BTreeSet<_> = offers.iter().map(|offer| &offer.id).collect();
    if ids.len() != offers.len() {
        return Err(broken(OFFERS, "two offers have one id"));
    }
    let own = offers.iter().all(|offer| offer.supplier == name);
    if !own {
        return Err(broken(OFFERS, "an offer bears another supplier's name"));
    }
    let again = supplier.offers().await.map_err(because(OFFERS))?;
    let stable = again.iter().any(|offer| ids.contains(&offer.id));
    if !stable {
        return Err(broken(OFFERS, "no offer keeps its id from call to call"));
    }
    let fits = |offer: &&Offer| {
        let wanted = &fixture.order;
        let disk = wanted.container_disk.saturating_plus(wanted.volume_disk);
        offer.gpus.as_ref().map_or(0, |gpus| gpus.count) == wanted.gpu_count
            && offer.vcpu_milli >= wanted.vcpu_milli
            && offer.memory >= wanted.memory
            && offer.disk >= disk
    };
    let fitting = offers.iter().find(fits).cloned();
    fitting.ok_or_else(|| broken(OFFERS, "no offer fits the suite's order"))
}

async fn never_existed(supplier: &dyn Supplier, fixture: &Fixture) -> Result<(), Broken> {
    let lease = &fixture.never_existed;
    let seen = supplier.observe(lease).await.map_err(because(UNKNOWN))?;
    let absent = seen.state == Observed::Absent;
    if !absent {
        return Err(broken(UNKNOWN, &format!("observed {}", seen.state)));
    }
    supplier.terminate(lease).await.map_err(because(UNKNOWN))
}

async fn too_big(supplier: &dyn Supplier, fixture: &Fixture, offer: &Offer) -> Result<(), Broken> {
    let key = LaunchKey::from_entropy((fixture.entropy)());
    let order = order(fixture, offer, &fixture.too_big);
    match supplier.launch(&key, &order).await {
        Err(Error::NoCapacity { .. }) => Ok(()),
        Err(other) => Err(broken(TOO_BIG, &format!("failed otherwise: {other}"))),
        Ok(lease) => {
            // The rule is broken already; what was rented must not stay.
            let _ = supplier.terminate(&lease).await;
            Err(broken(TOO_BIG, "it was launched"))
        }
    }
}

async fn life(
    supplier: &dyn Supplier,
    fixture: &Fixture,
    key: &LaunchKey,
    order: &Order,
) -> Result<(), Broken> {
    let lease = supplier.launch(key, order).await;
    let lease = lease.map_err(because(SAME_KEY))?;
    let again = supplier.launch(key, order).await;
    let again = again.map_err(because(SAME_KEY))?;
    let same = lease == again && lease.key == *key;
    if !same {
        return Err(broken(SAME_KEY, &format!("{lease:?}, then {again:?}")));
    }
    listed(supplier, key, Some(&lease)).await?;
    await_state(supplier, fixture, &lease, Observed::Up, COMES_UP).await?;
    let seen = supplier.observe(&lease).await.map_err(because(COMES_UP))?;
    let reachable = match &seen.access {
        Some(Access::Host { pod, .. }) => *pod == order.pod,
        None => false,
    };
    if !reachable {
        return Err(broken(COMES_UP, "it does not say how it is reached"));
    }
    listed(supplier, key, Some(&lease)).await?;
    for _ in 0..2 {
        supplier.terminate(&lease).await.map_err(because(ENDS))?;
    }
    await_state(supplier, fixture, &lease, Observed::Absent, ENDS).await?;
    supplier.terminate(&lease).await.map_err(because(ENDS))?;
    listed(supplier, key, None).await
}

/// What is listed under another foreign id than it was launched with seems to be a second machine.
async fn listed(
    supplier: &dyn Supplier,
    key: &LaunchKey,
    wanted: Option<&Lease>,
) -> Result<(), Broken> {
    let leases = supplier.list().await.map_err(because(LISTED))?.found;
    let found: Vec<&Lease> = leases.iter().filter(|lease| lease.key == *key).collect();
    if found.as_slice() == wanted.as_slice() {
        return Ok(());
    }
    let text = format!("{found:?} is listed instead of {wanted:?}");
    Err(broken(LISTED, &text))
}

async fn await_state(
    supplier: &dyn Supplier,
    fixture: &Fixture,
    lease: &Lease,
    wanted: Observed,
    rule: &'static str,
) -> Result<(), Broken> {
    let began = Instant::now();
    loop {
        let seen = supplier.observe(lease).await.map_err(because(rule))?;
        if seen.state == wanted {
            return Ok(());
        }
        if began.elapsed() > fixture.patience.to_std() {
            let detail = seen.detail.unwrap_or_default();
            let text = format!("still {} after {}: {detail}", seen.state, fixture.patience);
            return Err(broken(rule, &text));
        }
        tokio::time::sleep(POLL).await;
    }
}

/// Ends whatever carries the key, as far as the supplier lets us.
async fn give_back(supplier: &dyn Supplier, key: &LaunchKey) {
    let leases = supplier.list().await.map(|listing| listing.found);
    let leases = leases.unwrap_or_default();
    for lease in leases.iter().filter(|lease| lease.key == *key) {
        if let Err(error) = supplier.terminate(lease).await {
            tracing::warn!(%error, lease = lease.foreign_id, "the suite could not end its lease");
        }
    }
}

fn order(fixture: &Fixture, offer: &Offer, spec: &PodOrder) -> Order {
    Order {
        pod: PodId::from_entropy((fixture.entropy)()),
        tenant: Tenant::Owner,
        offer: offer.clone(),
        spec: spec.clone(),
        credentials: None,
    }
}

fn because(rule: &'static str) -> impl Fn(Error) -> Broken {
    move |error| broken(rule, &error.to_string())
}

fn broken(rule: &'static str, found: &str) -> Broken {
    Broken {
        rule,
        found: found.to_owned(),
    }
}
