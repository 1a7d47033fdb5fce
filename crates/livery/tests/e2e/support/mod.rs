//! What the tests stand on.

mod ballast;
mod command;
mod fault_job;
mod files;
mod image;
mod leftovers;
mod number;
mod postgres;
mod processes;
mod registry;
mod shims;
pub mod watch;
pub mod world;

pub use ballast::Ballast;
pub use command::{Ran, Running};
pub use fault_job::{Share, Wanted, check_over, check_results, write_fault_job};
pub use files::{Job, digest, numbers, tree_of};
pub use image::push_busybox;
pub use leftovers::Traces;
pub use postgres::{Database, Server};
pub use registry::{Door, PASSWORD, Registry, USER, free_port};
pub use shims::{ShimKind, kill_shim, shims};
pub use watch::{RunView, until};
pub use world::{Shape, Victim, World};
