//! The price list, from its built-in files and from what users give.

mod built_in;
mod disagreements;
mod guides;
mod memory;
mod rejected;
