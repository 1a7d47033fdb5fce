//! Reads job files and points at every mistake.
//!
//! A job file is YAML: the keys that SkyPilot's tasks have, and Livery's own beside them. Reading
//! one goes through four modules, each of which knows nothing of the next:
//!
//! 1. `tree`: text to nodes with the position of every token. What a job file may not have at all
//!    (several documents, anchors, tags, doubled keys) ends here.
//! 2. `keys`: the table of every key, with its shape, its description and examples. Reading and
//!    the editors' [`schema`] both come from this table, so they cannot drift apart.
//! 3. `read`: nodes to a [`Job`](livery_domain::job::Job), with all limits. One module per group
//!    of keys.
//! 4. [`JobFile`]: the job with the places of what can still be wrong outside the file: paths that
//!    are not there and values that only the command line has.
//!
//! Nothing here reads a file, except [`JobFile::check_paths`], which looks whether sources exist.
//! The text is what travels: the control plane gets it with its [`Overrides`] and reads it again.

mod amounts;
mod code;
mod diagnostic;
mod file;
mod keys;
mod overrides;
mod read;
mod schema;
mod shape;
mod source;
mod tree;

pub use code::{CODES, Code};
pub use diagnostic::{Diagnostic, render_all};
pub use file::{JobFile, LocalBase};
pub use overrides::{OverrideError, Overrides};
pub use schema::schema;
pub use source::{SIZE_MAX, decode};

use livery_domain::job::Job;

/// Reads a job file's text; `file_name` is for messages and names a job that has no name.
///
/// Every mistake is found, not only the first, in the order of the file (but at most a hundred).
/// The job's [`required`](Job::required) values are still open: see [`JobFile::complete`].
pub fn parse(text: &str, file_name: &str) -> Result<Job, Vec<Diagnostic>> {
    JobFile::read(text, file_name).map(JobFile::into_job)
}

/// Reads the name of an image outside a job file, by the rules of `image_id`: what is wrong with it,
/// in words, if it is none.
pub fn read_image(text: &str) -> Result<String, String> {
    read::image(text).map_err(|trouble| format!("{}; {}", trouble.message, trouble.hint))
}
