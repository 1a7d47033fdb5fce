//! Who is killed, and how.

use crate::keeper::Keeper;
use crate::support::{Running, ShimKind, Victim, World, shims};
use livery_units::Timestamp;
use rand::Rng;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rustix::process::{Signal, kill_process};
use std::fmt;

/// Who is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Target {
    Client,
    ControlPlane,
    Agent,
    PodShim,
    TaskShim,
}

/// A kill that took place.
#[derive(Debug, Clone, Copy)]
pub struct Kill {
    pub target: Target,
    pub at: Timestamp,
}

impl Target {
    pub const ALL: [Self; 5] = [
        Self::Client,
        Self::ControlPlane,
        Self::Agent,
        Self::PodShim,
        Self::TaskShim,
    ];
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Client => "client",
            Self::ControlPlane => "control plane",
            Self::Agent => "agent",
            Self::PodShim => "pod's shim",
            Self::TaskShim => "task's shim",
        })
    }
}

/// Kills whom chance names; returns the kills, none when nobody of the kind is there. Control plane and
/// agent are often killed together.
pub fn strike(
    world: &World,
    keeper: &mut Keeper<'_>,
    clients: &mut Vec<Running>,
    rng: &mut StdRng,
) -> Vec<Kill> {
    let targets = match rng.random_range(0..10) {
        0..=1 => vec![Target::Client],
        2..=4 => vec![Target::ControlPlane],
        5 => vec![Target::Agent],
        6..=7 => vec![Target::ControlPlane, Target::Agent],
        8 => vec![Target::PodShim],
        _ => vec![Target::TaskShim],
    };
    let mut kills = Vec::new();
    for target in targets {
        let at = livery_units::Timestamp::from_millis(now_millis());
        let is_struck = match target {
            Target::Client => {
                let chosen = (!clients.is_empty()).then(|| rng.random_range(0..clients.len()));
                chosen.map(|at| clients.swap_remove(at).kill()).is_some()
            }
            Target::ControlPlane => keeper.kill(Victim::ControlPlane, rng),
            Target::Agent => keeper.kill(Victim::Agent, rng),
            Target::PodShim => kill_one(world, ShimKind::Pod, rng),
            Target::TaskShim => kill_one(world, ShimKind::Task, rng),
        };
        kills.extend(is_struck.then_some(Kill { target, at }));
    }
    kills
}

/// Returns the present, by the clock that control planes on this machine have.
pub fn now_millis() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    i64::try_from(since.unwrap().as_millis()).unwrap()
}

fn kill_one(world: &World, kind: ShimKind, rng: &mut StdRng) -> bool {
    let all = shims(world, kind);
    // One that has just ended is as dead as any, and no kill.
    all.choose(rng)
        .is_some_and(|pid| kill_process(*pid, Signal::KILL).is_ok())
}
