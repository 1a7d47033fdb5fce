//! The soak: hundreds of kills (SIGKILL) at random moments, full disks and a database that stops, and then
//! nothing may be left.
//!
//! `make soak` runs it as root. It goes through rounds. Each has a control plane and an agent of its own, in
//! one process or two, on a small disk or on a PostgreSQL of its own; runs come one after another, and
//! whatever takes part is killed: clients, control plane, agent, and the shims of pods and tasks. At the end
//! of a round every run must have ended in a known way, with its results whole; the books must balance; no
//! process, mount, loop device, control group, interface, file or lease may be left.
//!
//! The seed decides what is struck and when, and is printed; real processes are never twice as fast, so the
//! same seed gives the same schedule and not the same history.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "the report is what it is for"
)]

#[allow(
    dead_code,
    unused_imports,
    reason = "the end-to-end tests use the rest"
)]
#[path = "../e2e/support/mod.rs"]
mod support;

mod database;
mod keeper;
mod place;
mod report;
mod round;
mod strike;
mod trials;
mod trouble;

use place::Place;
use report::Report;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;

/// How many kills a round has at most: a round ends with a look at the whole machine.
const KILLS_PER_ROUND: u32 = 10;

/// Rounds at once: they wait more than they work.
const AT_ONCE: usize = 2;

/// What its rounds take of the disk, in bytes, with room for what else the machine does.
const ROOM: u64 = 6 << 30;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let kills = match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["--kills", number] => number.parse::<u32>().ok().filter(|kills| *kills > 0),
        // A run or a list of all tests does not mean this one.
        _ => {
            eprintln!("`make soak` runs the soak");
            return ExitCode::SUCCESS;
        }
    };
    let Some(kills) = kills else {
        eprintln!("how many kills there are to be is a number: `make soak SOAK_KILLS=60`");
        return ExitCode::from(2);
    };
    if !rustix::process::geteuid().is_root() {
        eprintln!("the soak makes pods, which needs root: `make soak` runs it so");
        return ExitCode::FAILURE;
    }
    let seed = match std::env::var("LIVERY_SOAK_SEED") {
        Ok(text) => match text.parse() {
            Ok(seed) => seed,
            Err(_) => {
                eprintln!("LIVERY_SOAK_SEED is a number, and not `{text}`");
                return ExitCode::from(2);
            }
        },
        Err(_) => rand::random::<u32>().into(),
    };
    let room = rustix::fs::statvfs(std::env::temp_dir()).unwrap();
    if room.f_bavail * room.f_frsize < ROOM {
        eprintln!(
            "the soak needs 6 GiB of room in {}",
            std::env::temp_dir().display()
        );
        return ExitCode::FAILURE;
    }
    println!("the soak of LIVERY_SOAK_SEED={seed}: {kills} kills");
    let began = Instant::now();
    let report = soak(seed, kills);
    println!("\n{}", report.table(seed, began.elapsed()));
    match report.is_good() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}

/// Goes through all rounds; one has the schedule that the seed and its number say, whichever thread comes to
/// it.
fn soak(seed: u64, kills: u32) -> Report {
    let report = Mutex::new(Report::default());
    let next = AtomicU32::new(0);
    let work = || {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let before = number.saturating_mul(KILLS_PER_ROUND);
            let left = kills.saturating_sub(before).min(KILLS_PER_ROUND);
            if left == 0 {
                return;
            }
            let round = round::run(seed, number, Place::of_round(number), left);
            let mut report = report.lock().unwrap();
            println!("{}", round.line());
            report.add(round);
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(work);
        }
    });
    report.into_inner().unwrap()
}
