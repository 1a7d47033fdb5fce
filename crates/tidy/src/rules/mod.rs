//! The rules, one family to a module.

pub mod code;
pub mod documented;
pub mod environment;
pub mod error_codes;
pub mod floors;
pub mod pages;
pub mod purity;
pub mod signatures;
pub mod sizes;
pub mod states;

mod tokens;
