//! The runs of a round: begun, cancelled now and then, and judged when all is over.

use crate::strike::{Kill, Target};
use crate::support::watch::ask;
use crate::support::{RunView, Running, Share, World, check_over, write_fault_job};
use crate::trouble::Kind;
use livery_api::dto::{Run, RunEvent, Which};
use livery_domain::run::{EventKind, Outcome, RunStep};
use livery_units::Span;
use std::process::Stdio;
use std::time::{Duration, Instant};

/// How long all runs of a round may take to end once nothing is struck any more.
const PATIENCE: Duration = Duration::from_secs(240);

/// How often it is looked whether there is room for one more run; a client takes a part of it until its
/// run is accepted.
const LOOK_EVERY: Duration = Duration::from_millis(1_500);

/// Whether new runs are begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begins {
    Yes,
    No,
}

/// The runs of a round.
pub struct Trials<'w> {
    world: &'w World,
    /// Commands that follow a run and have not been killed.
    pub clients: Vec<Running>,
    /// Commands that cancel.
    cancels: Vec<Running>,
    begun: u32,
    /// When it was last looked whether there is room for one more.
    looked: Instant,
    /// Whether any was asked to end.
    any_cancelled: bool,
}

/// How a run ended, and how its steps lay in time.
pub struct Judged {
    pub id: String,
    pub outcome: Outcome,
    pub reason: Option<String>,
    /// From the teardown's beginning to its end.
    pub teardown: Span,
    events: Vec<RunEvent>,
}

/// What may have befallen the runs of a round besides the death of control planes, agents and clients, which
/// none may notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Excuse {
    None,
    /// The shim of a pod or task was killed, or a disk was full.
    MayFail,
}

impl<'w> Trials<'w> {
    pub fn new(world: &'w World) -> Self {
        write_fault_job(world, Share::Small);
        Self {
            world,
            clients: Vec::new(),
            cancels: Vec::new(),
            begun: 0,
            looked: Instant::now(),
            any_cancelled: false,
        }
    }

    /// Begins one, with a client that follows it.
    pub fn begin(&mut self) {
        self.begun += 1;
        self.looked = Instant::now();
        let name = format!("run-{}", self.begun);
        let words = ["run", "job.yaml", "--name", &name, "--results", &name];
        let client = self
            .world
            .run_command(self.world.command(&words), Stdio::null());
        self.clients.push(client);
    }

    /// Asks for the end of one that lives, if there is one.
    pub fn cancel_one(&mut self) {
        let live = self.live().unwrap_or_default();
        if let Some(run) = live.first() {
            self.any_cancelled = true;
            let words = ["cancel", "--no-wait", run.id.as_str()];
            let cancel = self
                .world
                .run_command(self.world.command(&words), Stdio::null());
            self.cancels.push(cancel);
        }
    }

    /// Forgets clients that have ended by themselves, and begins another run when fewer than two live:
    /// so many fit on the machine.
    pub fn tend(&mut self, begins: Begins) {
        self.clients.retain_mut(|client| !client.has_ended());
        if begins == Begins::No || self.looked.elapsed() < LOOK_EVERY {
            return;
        }
        self.looked = Instant::now();
        if self.live().is_some_and(|live| live.len() < 2) {
            self.begin();
        }
    }

    fn live(&self) -> Option<Vec<Run>> {
        let runs = ask(self.world, async |client| client.runs(Which::Live).await);
        runs.map(|runs| runs.runs)
    }

    /// Waits until every run is over and judges each.
    pub fn judge(&mut self, excuse: Excuse) -> Vec<Judged> {
        let began = Instant::now();
        while self.live().is_none_or(|live| !live.is_empty()) {
            if began.elapsed() > PATIENCE {
                let live = self.live().unwrap_or_default();
                let story = |run: &Run| {
                    let view = RunView::of(self.world, run.id.as_str());
                    format!("{}:\n{}", run.id, view.story())
                };
                let stories: Vec<String> = live.iter().map(story).collect();
                panic!("not over within {PATIENCE:?}:\n{}", stories.join("\n"));
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        for command in self.clients.drain(..).chain(self.cancels.drain(..)) {
            // Whatever it says, it ends.
            command.finish();
        }
        let all = ask(self.world, async |client| client.runs(Which::All).await);
        let runs = all.expect("the control plane answers").runs;
        runs.iter().map(|run| self.judge_one(run, excuse)).collect()
    }

    fn judge_one(&self, run: &Run, excuse: Excuse) -> Judged {
        let view = RunView::of(self.world, run.id.as_str());
        let story = || format!("{run:?}\n{}", view.story());
        match (run.outcome, excuse) {
            (Outcome::Succeeded, _) => {}
            (Outcome::Cancelled, _) => assert!(self.any_cancelled, "nobody asked: {}", story()),
            (Outcome::Failed, Excuse::MayFail) => {
                assert!(run.reason.is_some(), "without a word: {}", story());
            }
            (Outcome::Failed | Outcome::OverBudget | Outcome::Pending, _) => {
                panic!("it may not end so: {}", story());
            }
        }
        check_over(self.world, &view, run, &format!("later-{}", run.name));
        let events = view.events();
        let at = |wanted: &dyn Fn(&&RunEvent) -> bool| events.iter().find(wanted).map(|e| e.at);
        let began = at(&|e| e.step == RunStep::Teardown && e.kind == EventKind::Began);
        let over = at(&|e| e.kind == EventKind::Over);
        let over = over.unwrap_or_else(|| panic!("there is no receipt: {}", story()));
        // On a full disk it may not have been noted that the teardown began.
        let teardown = began.map_or(Span::ZERO, |began| over.since(began));
        Judged {
            id: run.id.to_string(),
            outcome: run.outcome,
            reason: run.reason.clone(),
            teardown,
            events,
        }
    }
}

impl Judged {
    /// Returns the step in which the run was at the moment of a kill, if it was under way.
    pub fn step_at(&self, kill: &Kill) -> Option<RunStep> {
        let mut step = None;
        for event in self.events.iter().take_while(|event| event.at <= kill.at) {
            match event.kind {
                EventKind::Began => step = Some(event.step),
                EventKind::Over => step = None,
                EventKind::Note | EventKind::Done | EventKind::Failed => {}
            }
        }
        step
    }
}

/// Returns what the runs of a round may have suffered by its kills and troubles.
pub fn excuse(kills: &[Kill], troubles: &[Kind]) -> Excuse {
    let hits_pods = |kill: &Kill| match kill.target {
        Target::PodShim | Target::TaskShim => true,
        Target::Client | Target::ControlPlane | Target::Agent => false,
    };
    let disk_was_full = troubles.contains(&Kind::DiskFull);
    match disk_was_full || kills.iter().any(hits_pods) {
        true => Excuse::MayFail,
        false => Excuse::None,
    }
}
