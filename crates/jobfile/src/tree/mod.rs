//! Text to nodes, each with its place.
//!
//! Only what a job file may have comes out: one document of scalars, lists and mappings with
//! distinct text keys. Everything else that YAML knows is reported here and nowhere inward.

mod build;
mod node;
mod syntax;

pub(crate) use build::build;
pub(crate) use node::{Data, Entry, Node, Place, Type, brief};
