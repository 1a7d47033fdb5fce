//! Use-cases and reconcilers: pods, runs, money.
