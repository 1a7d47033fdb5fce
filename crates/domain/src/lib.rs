//! The pure core: offers, placement, pods, runs and their steps, the gate.
