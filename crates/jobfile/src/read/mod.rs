//! Nodes to a job, with all limits.

mod entries;
mod env;
mod files;
mod findings;
mod job;
mod resources;
mod texts;
mod volumes;

pub(crate) use env::{check_name as check_env_name, check_value as check_env_value};
pub(crate) use findings::Findings;
pub(crate) use job::{Draft, NEVER, job};
pub(crate) use texts::{image, name as job_name};
pub(crate) use volumes::{both_there, option as volume_option};
