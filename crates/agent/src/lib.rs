//! Floor 4: the host agent, which runs pods on this machine for whoever speaks the host API.
//!
//! It composes what lies below: images become layers, layers become pods, content becomes files in
//! them. What it adds is the intent of each pod, written down before anything is done (`pods`), the
//! decision whether a pod fits (`capacity`), the streams of interactive sessions (`sessions`), and
//! the facts that the gate judges (`probe`).
//!
//! An agent that dies loses nothing: pods run on beside it, and the next one reads their intents,
//! adopts what runs and finishes what was begun.
//!
//! What is absent: money, users, other hosts, and any decision whether a pod ought to exist.

mod activity;
mod agent;
mod capacity;
mod content;
mod error;
mod host;
mod inventory;
mod netns;
mod options;
mod pods;
mod probe;
mod sessions;
mod sweep;
mod tasks;
mod volumes;

pub use agent::Agent;
pub use error::OpenError;
pub use inventory::gpus::{ParseGpusError, SimulatedGpus, real_gpus};
pub use inventory::machine::disk_reserve;
pub use livery_images::{Mirror, Registries, RegistryHost};
pub use options::{AgentOptions, Content, LOG_LIMIT, Limits, StoragePrices};
