//! A simulated year: a thousand pods through the real engine, its store and all its tasks, with a
//! supplier that fails in every way, an engine that is killed, and a clock that jumps.
//!
//! In the end the books balance to the nano-dollar, every pod has cost what its supplier's own
//! account of it says, none ran past its policy, and nothing is left.
//!
//! `LIVERY_TEST_SEED` chooses another year.

#![allow(clippy::print_stdout, reason = "says which year it was")]

mod acts;
mod clock;
mod cloud;
mod dice;
mod host;
mod oracle;
mod orders;
mod purse;
mod steps;
mod supplier;
mod verdict;
mod volumes;
mod watch;
mod world;
mod year;

use year::Year;

/// The year that is lived when none is chosen.
const SEED: u64 = 1;

const PODS: usize = 1_000;

#[test]
fn a_year_of_a_thousand_pods_ends_with_books_that_balance() {
    let seed = match std::env::var("LIVERY_TEST_SEED") {
        Ok(text) => text.parse().expect("LIVERY_TEST_SEED is a number"),
        Err(_) => SEED,
    };
    println!("the year of LIVERY_TEST_SEED={seed}");
    let mut year = Year::new(seed, PODS);
    year.live();
    println!("{}", year.check());
}
