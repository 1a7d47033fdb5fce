//! What this machine is and has.

pub(crate) mod gpus;
pub(crate) mod machine;
mod nvml;

pub(crate) use gpus::GpuInventory;
pub(crate) use machine::Machine;
