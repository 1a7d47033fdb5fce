//! Looks after the control plane and the agent as an init system would: what is down is started again.

use crate::support::{Victim, World};
use rand::Rng;
use rand::rngs::StdRng;
use std::time::{Duration, Instant};

/// The two processes of a round.
pub struct Keeper<'w> {
    world: &'w World,
    processes: Vec<Kept>,
    /// Starts that failed while something hindered them.
    pub failed_starts: u32,
}

struct Kept {
    victim: Victim,
    /// Whether it has listened since it was started.
    has_listened: bool,
    /// When it is started again, if it is down.
    start_at: Option<Instant>,
}

/// Whether something around the processes keeps them from starting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weather {
    Fair,
    Foul,
}

impl<'w> Keeper<'w> {
    /// Begins with processes that run.
    pub fn new(world: &'w World) -> Self {
        let kept = |victim: &Victim| Kept {
            victim: *victim,
            has_listened: true,
            start_at: None,
        };
        Self {
            world,
            processes: world.processes().iter().map(kept).collect(),
            failed_starts: 0,
        }
    }

    /// Kills one that runs; returns whether there was one.
    pub fn kill(&mut self, victim: Victim, rng: &mut StdRng) -> bool {
        if !self.world.has(victim) {
            return false;
        }
        self.world.kill(victim);
        let pause = Duration::from_millis(rng.random_range(0..800));
        for kept in &mut self.processes {
            if kept.victim == victim {
                kept.start_at = Some(Instant::now() + pause);
            }
        }
        true
    }

    /// Starts what is down and notices what ended by itself, which is allowed to none that has
    /// listened, and to a start only in foul weather.
    pub fn tend(&mut self, weather: Weather) {
        for kept in &mut self.processes {
            if let Some(words) = self.world.ended_unasked(kept.victim) {
                assert!(
                    weather == Weather::Foul && !kept.has_listened,
                    "a process ended by itself: {words}"
                );
                self.failed_starts += 1;
                kept.start_at = Some(Instant::now() + Duration::from_millis(300));
            }
            if kept.start_at.is_some_and(|at| at <= Instant::now()) {
                kept.start_at = None;
                kept.has_listened = false;
                match kept.victim {
                    Victim::ControlPlane => self.world.start_control_plane(),
                    Victim::Agent => self.world.start_agent(),
                }
            }
            if kept.start_at.is_none() && !kept.has_listened {
                kept.has_listened = self.world.listens(kept.victim);
            }
        }
    }

    /// Returns whether all of them listen.
    pub fn all_listen(&self) -> bool {
        self.processes
            .iter()
            .all(|kept| kept.start_at.is_none() && kept.has_listened)
    }
}
