//! The simulated supplier, as the engine sees it.

use crate::cloud::{Chances, Power, SimCloud, What, ambiguous};
use crate::cloud::{Machine, PRICES, id_of, pod_of, price, storage};
use crate::volumes;
use async_trait::async_trait;
use livery_domain::offer::{Offer, Pricing, SupplierName, Tier};
use livery_domain::orphan::Tenants;
use livery_domain::pod::{Observed, Ran};
use livery_supplier::{
    Error, Lease, Listing, Observation, Order, Stopping, Supplier, SupplierInfo, Volumes,
};
use livery_units::{Bytes, LaunchKey, OfferId, Span};

const NAME: &str = "simulated";

#[async_trait]
impl Supplier for SimCloud {
    fn info(&self) -> SupplierInfo {
        SupplierInfo {
            name: SupplierName::new(NAME),
            description: "a simulated supplier".into(),
            tenants: Tenants::OthersToo,
        }
    }

    /// Prices are known also while it is silent, so that orders come in all the time.
    async fn offers(&self) -> Result<Vec<Offer>, Error> {
        let offer = |n: usize| Offer {
            id: OfferId::from_entropy(u128::try_from(n).unwrap() + 1),
            supplier: SupplierName::new(NAME),
            host: (n < volumes::PLACED_BELOW).then(volumes::place),
            gpus: None,
            vcpu_milli: 1_000 << n,
            memory: Bytes::gib(4),
            disk: Bytes::gib(100),
            region: "nowhere".into(),
            tier: Tier::Secure,
            pricing: Pricing::OnDemand,
            price: price(n),
            storage: storage(n),
            reliability_permille: None,
            whole: None,
        };
        Ok((0..PRICES.len()).map(offer).collect())
    }

    async fn launch(&self, key: &LaunchKey, order: &Order) -> Result<Lease, Error> {
        let pod: usize = order.spec.name.trim_start_matches("pod-").parse().unwrap();
        let chances = Chances {
            fails: 6,
            answer_lost: 8,
        };
        let lost = self.call(pod, "launch", &chances)?;
        let dice = self.dice().of("capacity").nth(u64::try_from(pod).unwrap());
        if dice.percent(4) {
            return Err(Error::NoCapacity {
                message: "all taken".into(),
            });
        }
        let up_from = self.now() + self.boot_millis(pod);
        let mut state = self.lock();
        state.machines.entry(id_of(pod)).or_insert_with(|| Machine {
            key: key.clone(),
            pod,
            id: order.pod.clone(),
            power: Power::UpFrom(up_from),
        });
        match lost {
            true => Err(ambiguous()),
            false => Ok(Lease {
                key: key.clone(),
                foreign_id: id_of(pod),
            }),
        }
    }

    async fn observe(&self, lease: &Lease) -> Result<Observation, Error> {
        let pod = pod_of(&lease.foreign_id);
        let chances = Chances {
            fails: 3,
            answer_lost: 0,
        };
        self.call(pod, "observe", &chances)?;
        let mut state = self.lock();
        let power = state
            .machines
            .get(&lease.foreign_id)
            .map(|machine| machine.power);
        let (observed, what) = match power {
            None => (Observed::Absent, Some(What::Gone)),
            Some(Power::Off) => (Observed::Down, Some(What::Down)),
            Some(Power::UpFrom(from)) if from > self.now() => (Observed::Starting, None),
            Some(Power::UpFrom(_)) => (Observed::Up, Some(What::Up)),
        };
        if let Some(what) = what {
            self.tell(&mut state, pod, what);
        }
        Ok(Observation {
            state: observed,
            detail: None,
            access: None,
            ran: Ran::default(),
        })
    }

    async fn list(&self) -> Result<Listing<Lease>, Error> {
        let chances = Chances {
            fails: 4,
            answer_lost: 0,
        };
        self.call(usize::MAX, "list", &chances)?;
        let state = self.lock();
        let lease = |(id, machine): (&String, &Machine)| Lease {
            key: machine.key.clone(),
            foreign_id: id.clone(),
        };
        Ok(Listing::whole(state.machines.iter().map(lease).collect()))
    }

    async fn terminate(&self, lease: &Lease) -> Result<(), Error> {
        self.end(lease, "terminate", |state| {
            state.machines.remove(&lease.foreign_id);
        })
    }

    fn stopping(&self) -> Option<&dyn Stopping> {
        Some(self)
    }

    fn volumes(&self) -> Option<&dyn Volumes> {
        Some(self)
    }
}

#[async_trait]
impl Stopping for SimCloud {
    async fn stop(&self, lease: &Lease, _: Span) -> Result<(), Error> {
        self.end(lease, "stop", |_| {})
    }

    async fn start(&self, lease: &Lease) -> Result<(), Error> {
        let pod = pod_of(&lease.foreign_id);
        let chances = Chances {
            fails: 6,
            answer_lost: 0,
        };
        self.call(pod, "start", &chances)?;
        let now = self.now();
        let mut state = self.lock();
        if let Some(machine) = state.machines.get_mut(&lease.foreign_id)
            && machine.power == Power::Off
        {
            machine.power = Power::UpFrom(now);
        }
        Ok(())
    }
}
