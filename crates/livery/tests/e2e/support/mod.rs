//! What the tests stand on.

mod command;
mod files;
mod image;
mod leftovers;
mod number;
mod postgres;
mod registry;
mod watch;
mod world;

pub use command::{Ran, Running};
pub use files::{Job, digest, numbers, tree_of};
pub use image::push_busybox;
pub use leftovers::Traces;
pub use postgres::{Database, Server};
pub use registry::{Door, PASSWORD, Registry, USER, free_port};
pub use watch::{RunView, until};
pub use world::{Victim, World};
