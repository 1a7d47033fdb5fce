//! A supplier beside our own hosts: machines are entries in a map, and it does as it is told.

use async_trait::async_trait;
use livery_domain::offer::{Offer, Pricing, StoragePrice, SupplierName, Tier};
use livery_domain::orphan::Tenants;
use livery_domain::pod::{Observed, Ran};
use livery_supplier::{
    Error, Lease, Listing, Observation, Order, Stopping, Supplier, SupplierInfo, VolumeFound,
    VolumeOrder, VolumePlace, Volumes,
};
use livery_units::{Bytes, HostId, LaunchKey, Money, OfferId, Rate, Span, VolumeId};
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};

pub const CLOUD: &str = "cloud";

/// What the cloud does when it is asked.
#[derive(Debug, Clone, Default)]
pub struct CloudScript {
    /// Every call fails.
    pub down: bool,
    /// Listing fails, and nothing else.
    pub cannot_list: bool,
    /// What is there is not listed yet.
    pub lists_late: bool,
    /// Everything is listed two times.
    pub lists_twice: bool,
    /// What is ended stays.
    pub keeps_everything: bool,
    /// It has not the power to stop machines.
    pub cannot_stop: bool,
    /// It keeps network volumes, and has no room for any now.
    pub keeps_volumes: bool,
    /// Listing panics, as code with a mistake in it does.
    pub panics: bool,
}

#[derive(Default)]
struct State {
    script: CloudScript,
    machines: BTreeMap<String, (LaunchKey, Observed)>,
}

#[derive(Default)]
pub struct Cloud(Mutex<State>);

impl Cloud {
    pub fn script(&self, change: impl FnOnce(&mut CloudScript)) {
        change(&mut self.lock().script);
    }

    /// Makes a machine that this control plane did not ask for.
    pub fn make(&self, id: &str, key: &LaunchKey) {
        let machine = (key.clone(), Observed::Up);
        self.lock().machines.insert(id.to_owned(), machine);
    }

    /// A machine vanishes.
    pub fn lose(&self, id: &str) {
        self.lock().machines.remove(id).unwrap();
    }

    pub fn machines(&self) -> Vec<String> {
        self.lock().machines.keys().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    fn reached(&self) -> Result<MutexGuard<'_, State>, Error> {
        let state = self.lock();
        if state.script.down {
            return Err(Error::Transient {
                message: "the simulated cloud is down".into(),
            });
        }
        Ok(state)
    }

    fn set(&self, lease: &Lease, observed: Observed) -> Result<(), Error> {
        let mut state = self.reached()?;
        if let Some((_, state)) = state.machines.get_mut(&lease.foreign_id) {
            *state = observed;
        }
        Ok(())
    }
}

#[async_trait]
impl Supplier for Cloud {
    fn info(&self) -> SupplierInfo {
        SupplierInfo {
            name: SupplierName::new(CLOUD),
            description: "a simulated cloud".into(),
            tenants: Tenants::OthersToo,
        }
    }

    async fn offers(&self) -> Result<Vec<Offer>, Error> {
        drop(self.reached()?);
        Ok(vec![Offer {
            id: OfferId::from_entropy(77),
            supplier: SupplierName::new(CLOUD),
            host: None,
            gpus: None,
            vcpu_milli: 4_000,
            memory: Bytes::gib(16),
            disk: Bytes::gib(100),
            region: "there".into(),
            tier: Tier::Secure,
            pricing: Pricing::OnDemand,
            price: Rate::hourly(Money::from_nanos(7_200_000_000)),
            storage: StoragePrice::FREE,
            reliability_permille: None,
            whole: None,
        }])
    }

    async fn launch(&self, key: &LaunchKey, order: &Order) -> Result<Lease, Error> {
        let mut state = self.reached()?;
        let id = format!("machine-of-{}", order.pod);
        let machine = (key.clone(), Observed::Up);
        state.machines.entry(id.clone()).or_insert(machine);
        Ok(Lease {
            key: key.clone(),
            foreign_id: id,
        })
    }

    async fn observe(&self, lease: &Lease) -> Result<Observation, Error> {
        let state = self.reached()?;
        let machine = state.machines.get(&lease.foreign_id);
        Ok(Observation {
            state: machine.map_or(Observed::Absent, |(_, observed)| *observed),
            detail: None,
            access: None,
            ran: Ran::default(),
        })
    }

    async fn list(&self) -> Result<Listing<Lease>, Error> {
        let state = self.reached()?;
        if state.script.panics {
            // Whoever asks next finds the lock as it was.
            drop(state);
            panic!("the simulated cloud has a mistake in it");
        }
        if state.script.cannot_list {
            return Err(Error::RateLimited {
                after: Span::from_secs(60),
            });
        }
        let lease = |(id, (key, _)): (&String, &(LaunchKey, Observed))| Lease {
            key: key.clone(),
            foreign_id: id.clone(),
        };
        let once: Vec<Lease> = match state.script.lists_late {
            true => Vec::new(),
            false => state.machines.iter().map(lease).collect(),
        };
        Ok(Listing::whole(match state.script.lists_twice {
            true => [once.clone(), once].concat(),
            false => once,
        }))
    }

    async fn terminate(&self, lease: &Lease) -> Result<(), Error> {
        let mut state = self.reached()?;
        if !state.script.keeps_everything {
            state.machines.remove(&lease.foreign_id);
        }
        Ok(())
    }

    fn stopping(&self) -> Option<&dyn Stopping> {
        (!self.lock().script.cannot_stop).then_some(self)
    }

    fn volumes(&self) -> Option<&dyn Volumes> {
        self.lock().script.keeps_volumes.then_some(self)
    }
}

fn no_room() -> Error {
    Error::NoCapacity {
        message: "the simulated cloud has no room for volumes".into(),
    }
}

#[async_trait]
impl Volumes for Cloud {
    async fn places(&self) -> Result<Vec<VolumePlace>, Error> {
        self.reached().map(|_| Vec::new())
    }

    async fn create(&self, _: &VolumeOrder) -> Result<VolumeFound, Error> {
        Err(no_room())
    }

    async fn grow(&self, _: &VolumeOrder) -> Result<VolumeFound, Error> {
        Err(no_room())
    }

    async fn observe(&self, _: &HostId, _: &VolumeId) -> Result<Option<VolumeFound>, Error> {
        self.reached().map(|_| None)
    }

    async fn list(&self) -> Result<Listing<VolumeFound>, Error> {
        self.reached().map(|_| Listing::whole(Vec::new()))
    }

    async fn delete(&self, _: &HostId, _: &VolumeId) -> Result<(), Error> {
        self.reached().map(|_| ())
    }
}

#[async_trait]
impl Stopping for Cloud {
    async fn stop(&self, lease: &Lease, _: Span) -> Result<(), Error> {
        self.set(lease, Observed::Down)
    }

    async fn start(&self, lease: &Lease) -> Result<(), Error> {
        self.set(lease, Observed::Up)
    }
}
