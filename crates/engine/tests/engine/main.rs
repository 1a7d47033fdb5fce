//! The engine over a real store and the real protocol, with a simulated host at its end.

mod doubts;
mod pods;
mod runs;
mod support;
