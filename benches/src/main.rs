//! Side-by-side measurements, printed as ratios.
fn main() {}
