//! The built-in container runtime: namespaces, disks, network, one shim process per pod.

pub mod net;
