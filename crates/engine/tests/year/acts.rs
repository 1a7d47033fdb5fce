//! What users do, and what befalls machines and disks.

use crate::orders::{Act, DAY, POOR};
use crate::volumes::VolumeAct;
use crate::watch::Wanted;
use crate::year::{Thing, Year};
use livery_domain::placement::Need;
use livery_domain::pod::Pod;
use livery_domain::volume::NetworkVolume;
use livery_engine::{NewPod, NewVolume};
use livery_units::{Bytes, Money, PodId};
use std::collections::BTreeMap;

impl Year {
    /// How much was said about everything so far.
    pub fn heard_so_far(&self) -> BTreeMap<Thing, usize> {
        let cloud = &self.world.cloud;
        let pods = 0..self.orders.len();
        let pods = pods.map(|nth| (Thing::Pod(nth), cloud.heard(nth).len()));
        let volumes = self.volume_ids.iter().enumerate();
        let volumes = volumes.filter_map(|(nth, id)| {
            let told = cloud.told(id.as_ref()?);
            Some((Thing::Volume(nth), told.len()))
        });
        pods.chain(volumes).collect()
    }

    pub fn act(&mut self, nth: usize, act: Act) {
        let account = self.accounts[self.orders[nth].account].clone();
        let engine = self.world.engine_if_alive();
        let id = self.ids[nth].clone();
        // What is gone already, or refused, or vanished, cannot be wished for: that is an answer too.
        match (act, id, engine) {
            (Act::Vanish, _, _) => self.world.cloud.vanish(nth),
            (Act::Create, _, Some(engine)) => {
                let made = engine.pod_create(&account, self.new_pod(nth));
                self.ids[nth] = self.world.with(made).ok().map(|pod| pod.id);
                if let Some(id) = self.ids[nth].clone() {
                    self.wanted.insert(id, Wanted::new(&self.world));
                }
            }
            (Act::Stop, Some(id), Some(engine)) => {
                let stopped = self.world.with(engine.pod_stop(&account, id.as_str()));
                if stopped.is_ok() {
                    self.asked(&id);
                }
            }
            (Act::Start, Some(id), Some(engine)) => {
                let started = self.world.with(engine.pod_start(&account, id.as_str()));
                if let (Ok(_), Some(wanted)) = (started, self.wanted.get_mut(&id)) {
                    wanted.asked_to_end = false;
                }
            }
            (Act::Terminate, Some(id), Some(engine)) => {
                let ended = self.world.with(engine.pod_terminate(&account, id.as_str()));
                if ended.is_ok() {
                    self.asked(&id);
                }
            }
            (Act::Stop | Act::Start | Act::Terminate, None, _) => {}
            (_, _, None) => unreachable!("nobody asks where there is no engine"),
        }
    }

    /// Its user asked for a pod's end, and was heard.
    fn asked(&mut self, id: &PodId) {
        if let Some(wanted) = self.wanted.get_mut(id) {
            wanted.asked_to_end = true;
        }
    }

    pub fn terminate(&mut self, pod: &Pod) {
        let engine = self.world.engine();
        let ended = engine.pod_terminate(&pod.account, pod.id.as_str());
        self.world.with(ended).unwrap();
        self.asked(&pod.id);
    }

    fn new_pod(&self, nth: usize) -> NewPod {
        let order = &self.orders[nth];
        let volume = order.volume;
        NewPod {
            name: Some(format!("pod-{nth}")),
            image: "ubuntu:24.04".into(),
            command: None,
            env: BTreeMap::new(),
            need: Need {
                vcpu_milli: 1_000 << order.offer,
                ..Need::default()
            },
            container_disk: Some(Bytes::gib(10)),
            volume_disk: volume.is_none().then_some(Bytes::gib(20)),
            network_volume: volume.map(|nth| format!("volume-{nth}").parse().unwrap()),
            ports: Vec::new(),
            policy: order.policy,
        }
    }

    pub fn act_on_volume(&mut self, nth: usize, act: VolumeAct) {
        let wish = &self.wishes[nth];
        let account = self.accounts[wish.account].clone();
        let id = self.volume_ids[nth].clone();
        match (act, id, self.world.engine_if_alive()) {
            (VolumeAct::Vanish, Some(id), _) => self.world.cloud.vanish_volume(&id),
            (VolumeAct::Vanish, None, _) => {}
            (VolumeAct::Create, _, Some(engine)) => {
                let wanted = NewVolume {
                    name: format!("volume-{nth}"),
                    size: Bytes::gib(wish.size),
                    host: None,
                };
                let made = self.world.with(engine.volume_create(&account, wanted));
                self.volume_ids[nth] = made.ok().map(|view| view.volume.id);
            }
            (VolumeAct::Grow, Some(id), Some(engine)) => {
                let size = Bytes::gib(wish.size * 2);
                let grown = engine.volume_resize(&account, id.as_str(), size);
                drop(self.world.with(grown));
            }
            (VolumeAct::Delete, Some(id), Some(engine)) => {
                drop(self.world.with(engine.volume_delete(&account, id.as_str())));
            }
            (VolumeAct::Grow | VolumeAct::Delete, None, _) => {}
            (_, _, None) => unreachable!("nobody asks where there is no engine"),
        }
    }

    /// Asks for a volume to be deleted; one that a pod has is not.
    pub fn delete(&self, volume: &NetworkVolume) {
        let engine = self.world.engine();
        let deleted = engine.volume_delete(&volume.account, volume.id.as_str());
        drop(self.world.with(deleted));
    }

    pub fn top_up(&mut self, account: usize) {
        let week = self.world.clock.passed() / (7 * DAY);
        let dollars = if account == POOR { 12 } else { 2_000 };
        let amount = Money::from_nanos(dollars * 1_000_000_000);
        let id = &self.accounts[account];
        let reference = format!("week {week} of {account}");
        let granted = self.world.engine().account_grant(id, amount, &reference);
        self.world.with(granted).unwrap();
        self.purses[account].paid_in += amount.nanos();
    }
}
