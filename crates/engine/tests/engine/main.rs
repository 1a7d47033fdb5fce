//! The engine over a real store and the real protocol, with a simulated host at its end.

mod catalogue;
mod closing;
mod content;
mod credit;
mod deliveries;
mod doubts;
mod ending;
mod holds;
mod market;
mod orphans;
mod panic;
mod planes;
mod planes_away;
mod pods;
mod policies;
mod pulls;
mod receipts;
mod registries;
mod reminders;
mod run_volumes;
mod runs;
mod shares;
mod strays;
mod support;
mod tasks;
mod volumes;
