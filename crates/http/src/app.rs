//! What every route works with.

use crate::places::Places;
use crate::turns::AllTurns;
use crate::work::Work;
use livery_engine::Engine;
use livery_host_api::HostDirectory;
use livery_units::AccountId;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// What the API is served over.
pub struct AppOptions {
    /// Does everything.
    pub engine: Engine,
    /// The hosts that are connected now.
    pub hosts: HostDirectory,
    /// Whoever calls over the unix socket acts for this account.
    pub owner: AccountId,
    /// The user who owns the control plane: root and this user may use the unix socket.
    pub owner_uid: u32,
    /// Version of the program.
    pub version: &'static str,
    /// Ends the server; also cancelled by the route that asks for it.
    pub stop: CancellationToken,
}

/// The state of all routes; cheap to clone.
#[derive(Clone)]
pub struct App(Arc<Shared>);

struct Shared {
    options: AppOptions,
    places: Places,
    work: Work,
    turns: AllTurns,
}

impl App {
    /// Makes the state.
    pub fn new(options: AppOptions) -> Self {
        Self(Arc::new(Shared {
            options,
            places: Places::of_this_machine(),
            work: Work::default(),
            turns: AllTurns::default(),
        }))
    }

    /// Returns the places of all connections over TCP.
    pub(crate) fn places(&self) -> &Places {
        &self.0.places
    }

    /// Returns whose turn it is to have a body in memory.
    pub(crate) fn turns(&self) -> &AllTurns {
        &self.0.turns
    }

    /// Returns the changes that are under way.
    pub(crate) fn work(&self) -> &Work {
        &self.0.work
    }
}

impl std::ops::Deref for App {
    type Target = AppOptions;

    fn deref(&self) -> &AppOptions {
        &self.0.options
    }
}
