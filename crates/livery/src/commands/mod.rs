//! The commands, one file each; the doc comment of a command's options is its help.

pub mod cancel;
pub mod completions;
pub mod debug;
pub mod doctor;
pub mod exec;
pub mod forward;
pub mod host;
pub mod logs;
pub mod offers;
mod offers_all;
pub mod pod;
mod pod_create;
mod pod_start;
mod pod_stop;
mod pod_terminate;
pub mod pods;
mod pods_show;
pub mod results;
pub mod run;
mod run_explain;
mod run_show;
pub mod runs;
pub mod schema;
pub mod serve;
pub mod shell;
pub mod token;
pub mod version;
