//! The walls of the workspace, kept by a test.
//!
//! Each module under [`rules`] is one family of rules. A rule is a function from the sources (or
//! from cargo's view of the workspace) to a list of [`Finding`]s, so that its own tests can hand
//! it small bad snippets. `tests/walls.rs` runs every rule over the real tree. What is a matter of
//! names rather than of code (which floor, which fence, which limit) is in `floors.toml`.

pub mod rules;

mod finding;
mod source;
mod table;
mod workspace;

pub use finding::Finding;
pub use source::{RustFile, TextFile, Tree};
pub use table::Table;
pub use workspace::{Dependency, Kind, Member, members};
