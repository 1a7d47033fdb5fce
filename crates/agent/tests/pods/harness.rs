//! As much of the standard test harness as `cargo test` and nextest ask for.
#![allow(
    clippy::print_stdout,
    reason = "what a test harness says goes to the standard output"
)]

use crate::bench::Bench;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use std::panic::AssertUnwindSafe;

/// A test by name.
pub struct Trial {
    pub name: &'static str,
    pub test: for<'a> fn(&'a mut Bench) -> BoxFuture<'a, ()>,
}

/// Names a test after its path.
macro_rules! trial {
    ($module:ident :: $test:ident) => {
        crate::harness::Trial {
            name: concat!(stringify!($module), "::", stringify!($test)),
            test: |bench| Box::pin($module::$test(bench)),
        }
    };
}
pub(crate) use trial;

/// Lists or runs tests as the arguments say; the process fails if one does.
pub fn run(trials: &[Trial]) {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    // The one option that is given with a word of its own.
    if let Some(format) = arguments.iter().position(|word| word == "--format") {
        arguments.drain(format..(format + 2).min(arguments.len()));
    }
    let has = |flag: &str| arguments.iter().any(|argument| argument == flag);
    let filter = arguments.iter().find(|argument| !argument.starts_with('-'));
    let matches = |trial: &&Trial| {
        filter.is_none_or(|filter| match has("--exact") {
            true => trial.name == filter,
            false => trial.name.contains(filter.as_str()),
        })
    };
    let chosen: Vec<&Trial> = trials.iter().filter(matches).collect();
    if has("--list") {
        // None is ignored.
        let listed = chosen.iter().filter(|_| !has("--ignored"));
        listed.for_each(|trial| println!("{}: test", trial.name));
        return;
    }
    let failed = chosen.iter().filter(|trial| !perform(trial)).count();
    println!("{} passed, {failed} failed", chosen.len() - failed);
    std::process::exit(i32::from(failed > 0));
}

fn perform(trial: &Trial) -> bool {
    if !rustix::process::geteuid().is_root() {
        println!("{}: skipped: pods need root", trial.name);
        return true;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let mut bench = Bench::new().await;
        let test = AssertUnwindSafe((trial.test)(&mut bench)).catch_unwind();
        let passed = test.await.is_ok();
        // Nothing may stay, whatever happened.
        let clean = AssertUnwindSafe(bench.end()).catch_unwind().await.is_ok();
        println!(
            "{}: {}",
            trial.name,
            if passed && clean { "ok" } else { "FAILED" }
        );
        passed && clean
    })
}
