//! What goes wrong around the processes: a disk that is full, a database that is away.

use crate::database::Server;
use crate::place::Place;
use crate::support::{Ballast, World};
use rand::Rng;
use rand::rngs::StdRng;
use std::time::{Duration, Instant};

/// What can go wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    DiskFull,
    DatabaseFrozen,
    DatabaseStopped,
}

/// What goes wrong now, and until when.
struct Now {
    kind: Kind,
    until: Instant,
    ballast: Option<Ballast>,
}

/// The troubles of a round, one at a time.
pub struct Troubles<'w> {
    world: &'w World,
    server: Option<&'w Server>,
    place: Place,
    now: Option<Now>,
    /// When the last one ended.
    ended: Option<Instant>,
    /// All there were.
    pub had: Vec<Kind>,
}

/// For so long after a trouble its consequences are taken for such.
const AFTERMATH: Duration = Duration::from_secs(15);

impl<'w> Troubles<'w> {
    pub fn new(world: &'w World, server: Option<&'w Server>, place: Place) -> Self {
        Self {
            world,
            server,
            place,
            now: None,
            ended: None,
            had: Vec::new(),
        }
    }

    /// Begins one, where the place has any and none is going on.
    pub fn begin(&mut self, rng: &mut StdRng) {
        if self.now.is_some() {
            return;
        }
        let kind = match (self.place.has_small_disk(), self.server) {
            (true, _) => Kind::DiskFull,
            (false, Some(_)) if rng.random_bool(0.5) => Kind::DatabaseFrozen,
            (false, Some(_)) => Kind::DatabaseStopped,
            (false, None) => return,
        };
        let mut ballast = None;
        match (kind, self.server) {
            (Kind::DiskFull, _) => ballast = Some(Ballast::fill(self.world)),
            (Kind::DatabaseFrozen, Some(server)) => server.freeze(),
            (Kind::DatabaseStopped, Some(server)) => server.stop(),
            (Kind::DatabaseFrozen | Kind::DatabaseStopped, None) => {}
        }
        let length = Duration::from_millis(rng.random_range(300..4_000));
        self.had.push(kind);
        self.now = Some(Now {
            kind,
            until: Instant::now() + length,
            ballast,
        });
    }

    /// Ends one whose time has come.
    pub fn tend(&mut self) {
        if self
            .now
            .as_ref()
            .is_some_and(|now| now.until <= Instant::now())
        {
            self.end();
        }
    }

    /// Ends the one that goes on.
    pub fn end(&mut self) {
        let Some(now) = self.now.take() else { return };
        drop(now.ballast);
        match (now.kind, self.server) {
            (Kind::DatabaseFrozen, Some(server)) => server.thaw(),
            (Kind::DatabaseStopped, Some(server)) => server.go_on(),
            (Kind::DatabaseFrozen | Kind::DatabaseStopped, None) | (Kind::DiskFull, _) => {}
        }
        self.ended = Some(Instant::now());
    }

    /// Returns whether one goes on.
    pub fn is_on(&self) -> bool {
        self.now.is_some()
    }

    /// Returns whether a process may be unable to start.
    pub fn hinders(&self) -> bool {
        self.is_on() || self.ended.is_some_and(|ended| ended.elapsed() < AFTERMATH)
    }
}

impl Drop for Troubles<'_> {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.end();
        }
    }
}
