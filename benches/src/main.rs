//! Measures Livery beside what people use today, on one machine and in one run.
//!
//! The competitors take turns, round by round, so that whatever else the machine does meets all
//! of them. What is printed is the median, the spread from the 10th to the 90th percentile, and
//! the ratio of the medians. These are measurements, not tests: nothing here passes or fails.
//!
//! Every server that is measured is started here, with directories and sockets of its own, and
//! stopped by its process id.

// What this program measures is its output.
#![allow(clippy::print_stdout)]

mod args;
mod child;
mod cli;
mod data;
mod docker;
mod ledger;
mod market;
mod memory;
mod metering;
mod offers;
mod pods;
mod proxy;
mod report;
mod rsync;
mod server;
mod sqlite;
mod transfer;

use anyhow::{Result, bail};
use args::{Args, Bench};

#[tokio::main]
async fn main() -> Result<()> {
    let Some(args) = Args::parse(std::env::args().skip(1))? else {
        println!("{}", args::HELP);
        return Ok(());
    };
    let starts_servers = args.benches.iter().any(|bench| bench.starts_servers());
    if starts_servers && !rustix::process::geteuid().is_root() {
        bail!("making pods and containers needs root: run `make bench`, or this through sudo");
    }
    for bench in &args.benches {
        match bench {
            Bench::Pods => pods::measure(&args).await?,
            Bench::Cli => cli::measure(&args).await?,
            Bench::Transfer => transfer::measure(&args).await?,
            Bench::Memory => memory::measure(&args).await?,
            Bench::Offers => offers::measure(&args)?,
            Bench::Ledger => ledger::measure(&args).await?,
            Bench::Metering => metering::measure(&args).await?,
        }
    }
    Ok(())
}
