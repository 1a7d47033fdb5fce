//! Obeys the planner as the reconciler does: one step, then the row is stored.

use crate::world::{Silent, World};
use livery_domain::offer::{Offer, Pricing, StoragePrice, SupplierName, Tier};
use livery_domain::pod::{
    Desired, Observed, Pod, PodOrder, PodPolicy, QUIET_FRESH, Step, Wish, WishError, plan,
};
use livery_units::{AccountId, Bytes, LaunchKey, OfferId, PodId, Rate, Span, Timestamp};
use std::collections::BTreeMap;

/// How long one call to the supplier takes.
const CALL: Span = Span::from_millis(500);

/// Drives one pod.
pub struct Driver {
    pub world: World,
    /// The row as it is stored: what a crash leaves.
    pub row: Pod,
    /// Whether the row is closed.
    closed: bool,
    /// When the supplier last said that it is up.
    said_up: Option<Timestamp>,
    /// What a crash is to strike: the next row is not stored.
    crashes_before_the_next_write: bool,
}

impl Driver {
    pub fn new(delays: Vec<u64>) -> Self {
        let world = World::new(delays);
        let row = pod(world.now);
        Self {
            world,
            row,
            closed: false,
            said_up: None,
            crashes_before_the_next_write: false,
        }
    }

    /// The user wants something; what makes no sense is refused and changes nothing.
    pub fn want(&mut self, desired: Desired) -> Result<Wish, WishError> {
        let before = self.row.clone();
        let answer = self.row.want(desired);
        if answer != Ok(Wish::Changed) {
            assert_eq!(self.row, before, "{answer:?} changed the row");
        }
        answer
    }

    /// The control plane is killed in its next step, after the supplier was called.
    pub fn crash(&mut self) {
        self.crashes_before_the_next_write = true;
    }

    pub fn steps(&mut self, count: usize) {
        for _ in 0..count {
            self.step();
        }
    }

    /// Returns how many steps it took until the row was closed, if no more than `most`.
    pub fn steps_until_closed(&mut self, most: usize) -> Option<usize> {
        (0..=most).find(|_| {
            if !self.closed {
                self.step();
            }
            self.closed
        })
    }

    /// Asks the planner for one step, obeys it and stores the row.
    pub fn step(&mut self) {
        if self.closed {
            return;
        }
        let now = self.world.now;
        let step = plan(&self.row, self.row.observed, now);
        if let Step::Rest(until) = step {
            self.rest(until);
            return;
        }
        let mut row = self.row.clone();
        match step {
            Step::Launch => self.launch(&mut row),
            Step::Observe => self.observe(&mut row),
            Step::Stop => {
                let id = row
                    .foreign_id
                    .clone()
                    .expect("only what has an id is stopped");
                if self.world.stop(&id).is_ok() {
                    self.observe(&mut row);
                }
            }
            Step::Start => {
                let id = row
                    .foreign_id
                    .clone()
                    .expect("only what has an id is started");
                if self.world.start(&id).is_ok() {
                    self.observe(&mut row);
                }
            }
            Step::Terminate => self.terminate(&mut row),
            Step::Close => {
                assert_eq!(row.desired, Desired::Gone);
                self.closed = true;
            }
            Step::Rest(_) => {}
        }
        if !std::mem::take(&mut self.crashes_before_the_next_write) {
            self.row = row;
        }
        assert!(
            self.row.up_until <= self.said_up,
            "billed for what nobody confirmed"
        );
        self.world.pass(CALL);
    }

    fn rest(&mut self, until: Timestamp) {
        let now = self.world.now;
        assert!(until > now, "a rest that is over already would never end");
        assert!(until.since(now) <= QUIET_FRESH);
        self.world.pass(until.since(now));
    }

    fn launch(&mut self, row: &mut Pod) {
        assert_eq!(row.desired, Desired::Running, "launched though not wanted");
        assert_eq!(row.foreign_id, None, "launched twice");
        // Stored before the call, as every intent is.
        row.launching();
        self.row = row.clone();
        let asked = self.world.now;
        match self.world.launch(&row.launch_key) {
            Ok(foreign_id) => row.launched(foreign_id, asked),
            Err(Silent) => row.attempts += 1,
        }
    }

    fn observe(&mut self, row: &mut Pod) {
        let asked = self.world.now;
        match self.look(row) {
            Ok(observed) => {
                if observed == Observed::Up {
                    self.said_up = Some(asked);
                }
                row.saw(observed, asked);
            }
            Err(Silent) => row.observed_at = Some(asked),
        }
    }

    fn look(&mut self, row: &mut Pod) -> Result<Observed, Silent> {
        if row.foreign_id.is_none() {
            row.foreign_id = self.world.find(&row.launch_key)?;
        }
        match &row.foreign_id {
            Some(id) => self.world.observe(id),
            None => Ok(Observed::Absent),
        }
    }

    fn terminate(&mut self, row: &mut Pod) {
        if row.foreign_id.is_none() {
            match self.world.find(&row.launch_key) {
                Ok(found) => row.foreign_id = found,
                Err(Silent) => return,
            }
        }
        let id = row.foreign_id.clone();
        if id.is_none_or(|id| self.world.terminate(&id).is_ok()) {
            self.observe(row);
        }
    }
}

/// A pod that was accepted and of which no supplier has heard.
pub fn pod(now: Timestamp) -> Pod {
    Pod {
        id: PodId::from_entropy(1),
        account: AccountId::from_entropy(1),
        order: PodOrder {
            name: "box".into(),
            image: "host".into(),
            command: None,
            env: BTreeMap::new(),
            gpu_count: 0,
            vcpu_milli: 1_000,
            memory: Bytes::gib(1),
            container_disk: Bytes::gib(1),
            volume_disk: Bytes::gib(1),
            network_volume: None,
            ports: Vec::new(),
        },
        offer: Offer {
            id: OfferId::from_entropy(1),
            supplier: SupplierName::new("model"),
            host: None,
            gpus: None,
            vcpu_milli: 1_000,
            memory: Bytes::gib(1),
            disk: Bytes::gib(2),
            region: String::new(),
            tier: Tier::Local,
            pricing: Pricing::OnDemand,
            price: Rate::FREE,
            storage: StoragePrice::FREE,
            reliability_permille: None,
            whole: None,
        },
        policy: PodPolicy::default(),
        run: None,
        launch_key: LaunchKey::from_entropy(1),
        foreign_id: None,
        desired: Desired::Running,
        observed: Observed::Unknown,
        reason: None,
        ruled: None,
        failure: None,
        attempts: 0,
        created: now,
        started: None,
        up_until: None,
        ended: None,
        observed_at: None,
        counted: None,
        starts: 0,
        generation: 0,
    }
}
