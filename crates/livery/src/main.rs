//! The livery binary.
fn main() {}
