//! One round: a world, runs in it, kills and troubles, and a look at everything afterwards.

use crate::database::Server;
use crate::keeper::{Keeper, Weather};
use crate::place::Place;
use crate::strike::{Kill, strike};
use crate::support::World;
use crate::trials::{Begins, Judged, Trials, excuse};
use crate::trouble::{Kind, Troubles};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::Value;
use std::fmt::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// How often a round looks after everything.
const LOOK_EVERY: Duration = Duration::from_millis(30);

/// What came of a round.
pub struct Round {
    pub number: u32,
    pub place: Place,
    pub kills: Vec<Kill>,
    pub troubles: Vec<Kind>,
    pub failed_starts: u32,
    pub runs: Vec<Judged>,
    /// Why it failed, or what is left.
    pub failure: Option<String>,
    pub took: Duration,
}

/// Plays a round to its end. Whatever happens in it, nothing of it stays on the machine.
pub fn run(seed: u64, number: u32, place: Place, kills: u32) -> Round {
    let began = Instant::now();
    let mut round = Round {
        number,
        place,
        kills: Vec::new(),
        troubles: Vec::new(),
        failed_starts: 0,
        runs: Vec::new(),
        failure: None,
        took: Duration::ZERO,
    };
    // Rounds of one seed differ, and those of neighbouring seeds too.
    let mut rng = StdRng::seed_from_u64(seed.wrapping_mul(1 << 20).wrapping_add(number.into()));
    let built = catch_unwind(|| place.build());
    match built {
        Ok((world, server)) => {
            let played = catch_unwind(AssertUnwindSafe(|| {
                play(&world, server.as_ref(), kills, &mut rng, &mut round);
            }));
            if let Err(panic) = played {
                let logs = keep_logs(&world, seed, number);
                let why = words(&*panic);
                round.failure = Some(format!("{why}\n  logs: {}", logs.display()));
            }
        }
        Err(panic) => round.failure = Some(words(&*panic)),
    }
    round.took = began.elapsed();
    round
}

fn play(world: &World, server: Option<&Server>, kills: u32, rng: &mut StdRng, round: &mut Round) {
    let mut keeper = Keeper::new(world);
    let mut troubles = Troubles::new(world, server, round.place);
    let mut trials = Trials::new(world);
    // A pod that no run owns, whose user expects it to be there throughout.
    world.pod(&["--name", "still"]);
    trials.begin();
    let wanted = usize::try_from(kills).unwrap();
    while round.kills.len() < wanted {
        look_after(
            pause(rng),
            &mut keeper,
            &mut troubles,
            &mut trials,
            Begins::Yes,
        );
        if rng.random_bool(0.3) {
            troubles.begin(rng);
        }
        let is_quiet = !troubles.is_on() && keeper.all_listen();
        if is_quiet && rng.random_bool(0.1) {
            trials.cancel_one();
        }
        let struck = strike(world, &mut keeper, &mut trials.clients, rng);
        let room = wanted - round.kills.len();
        round.kills.extend(struck.into_iter().take(room));
        round.troubles.clone_from(&troubles.had);
        round.failed_starts = keeper.failed_starts;
    }
    troubles.end();
    let began = Instant::now();
    while !keeper.all_listen() {
        assert!(
            began.elapsed() < Duration::from_secs(60),
            "not up again after a minute"
        );
        look_after(
            LOOK_EVERY,
            &mut keeper,
            &mut troubles,
            &mut trials,
            Begins::No,
        );
    }
    world.bring_up();
    let excuse = excuse(&round.kills, &troubles.had);
    round.runs = trials.judge(excuse);
    round.troubles.clone_from(&troubles.had);
    round.failed_starts = keeper.failed_starts;
    let orphans: Value = serde_json::from_str(&world.ok(&["orphans", "--json"])).unwrap();
    // A pod whose shim was killed is missing, which is no lease.
    let leases = orphans.as_array().unwrap().iter();
    let leases: Vec<&Value> = leases.filter(|one| one["kind"] != "missing").collect();
    assert!(leases.is_empty(), "leases are left: {leases:#?}");
    let left = world.wind_up();
    assert!(
        left.is_empty(),
        "something is left on the machine: {left:#?}"
    );
}

/// Draws how long nobody is struck: mostly so briefly that what was killed is still coming back, and now
/// and then so long that a run gets to its later steps.
fn pause(rng: &mut StdRng) -> Duration {
    let millis = match rng.random_bool(0.6) {
        true => rng.random_range(50..1_500),
        false => rng.random_range(1_500..7_000),
    };
    Duration::from_millis(millis)
}

/// Lets time pass, and looks after everything meanwhile.
fn look_after(
    span: Duration,
    keeper: &mut Keeper<'_>,
    troubles: &mut Troubles<'_>,
    trials: &mut Trials<'_>,
    begins: Begins,
) {
    let began = Instant::now();
    loop {
        troubles.tend();
        keeper.tend(match troubles.hinders() {
            true => Weather::Foul,
            false => Weather::Fair,
        });
        let is_quiet = !troubles.is_on() && keeper.all_listen();
        trials.tend(match is_quiet && begins == Begins::Yes {
            true => Begins::Yes,
            false => Begins::No,
        });
        match span.checked_sub(began.elapsed()) {
            Some(left) if !left.is_zero() => std::thread::sleep(left.min(LOOK_EVERY)),
            Some(_) | None => return,
        }
    }
}

fn words(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    text.unwrap_or_default()
}

/// Copies what a failed round said to where it outlives the round.
fn keep_logs(world: &World, seed: u64, number: u32) -> PathBuf {
    let place = std::env::temp_dir().join(format!("livery-soak-{seed}-{number}"));
    let _ = std::fs::create_dir_all(&place);
    let mut copy = std::process::Command::new("cp");
    copy.arg("-a")
        .args(["serve.err", "host.err", "talk"].map(|name| world.path().join(name)));
    // What is not there is not copied; the failure itself is what matters.
    let _ = copy.arg(&place).output();
    let machine = world.traces().look().join("\n");
    let _ = std::fs::write(place.join("on-the-machine"), machine);
    place
}

impl Round {
    /// Says in one line how it went.
    pub fn line(&self) -> String {
        let mut text = format!(
            "round {:>2}, {}: {} kills, {} troubles, {} runs, {:.0?}",
            self.number,
            self.place,
            self.kills.len(),
            self.troubles.len(),
            self.runs.len(),
            self.took
        );
        match &self.failure {
            None => text.push_str(": nothing is left"),
            // Writing to a String cannot fail.
            Some(why) => drop(write!(text, ": FAILED\n  {why}")),
        }
        text
    }
}
