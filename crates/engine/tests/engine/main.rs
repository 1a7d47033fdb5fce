//! The engine over a real store and the real protocol, with a simulated host at its end.

mod doubts;
mod orphans;
mod panic;
mod pods;
mod runs;
mod support;
