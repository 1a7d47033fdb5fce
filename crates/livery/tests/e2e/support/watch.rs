//! Waiting by looking, and a run as the API shows it.

use super::World;
use livery_api::dto::{EventsQuery, Run, RunEvent, Which};
use livery_api::{Client, Target};
use livery_domain::run::{EventKind, RunStep};
use std::thread::sleep;
use std::time::{Duration, Instant};

const LOOK_EVERY: Duration = Duration::from_millis(15);

/// How long a run may take, with a control plane killed in it.
const RUN_PATIENCE: Duration = Duration::from_secs(90);

/// Looks until there is an answer; panics when there is none for too long.
#[track_caller]
pub fn until<T>(what: &str, patience: Duration, probe: impl FnMut() -> Option<T>) -> T {
    look(patience, probe).unwrap_or_else(|| panic!("not within {patience:?}: {what}"))
}

/// Looks until there is an answer, or for that long.
pub fn look<T>(patience: Duration, mut probe: impl FnMut() -> Option<T>) -> Option<T> {
    let began = Instant::now();
    loop {
        if let Some(found) = probe() {
            return Some(found);
        }
        if began.elapsed() > patience {
            return None;
        }
        sleep(LOOK_EVERY);
    }
}

/// The newest run of a world.
pub struct RunView<'a> {
    world: &'a World,
    pub id: String,
}

impl<'a> RunView<'a> {
    /// Waits until the world has a run.
    pub fn newest(world: &'a World) -> Self {
        let id = until("the run is accepted", RUN_PATIENCE, || {
            let runs = ask(world, async |client| client.runs(Which::All).await)?;
            Some(runs.runs.first()?.id.to_string())
        });
        Self { world, id }
    }

    pub fn of(world: &'a World, id: &str) -> Self {
        Self {
            world,
            id: id.trim().to_owned(),
        }
    }

    /// Returns it as it is; none while nobody answers.
    pub fn now(&self) -> Option<Run> {
        ask(self.world, async |client| client.run(&self.id).await)
    }

    /// Returns what happened so far; nothing while nobody answers.
    pub fn events(&self) -> Vec<RunEvent> {
        let query = EventsQuery::default();
        let events = ask(self.world, async |client| {
            client.run_events(&self.id, query).await
        });
        events.unwrap_or_default().events
    }

    /// Waits for the moment in which a step begins.
    pub fn until_began(&self, step: RunStep) {
        let began = |event: &RunEvent| event.step == step && event.kind == EventKind::Began;
        self.until_event(&format!("{step} begins"), began);
    }

    /// Waits for an event whose message holds a text.
    pub fn until_noted(&self, text: &str) {
        let noted = |event: &RunEvent| event.message.contains(text);
        self.until_event(&format!("`{text}` is noted"), noted);
    }

    /// Waits for an event and returns at once when it comes: the server tells of it.
    fn until_event(&self, what: &str, wanted: impl Fn(&RunEvent) -> bool) {
        let mut after = 0;
        let has_come = until(what, RUN_PATIENCE, || {
            ask(self.world, async |client| {
                loop {
                    let query = EventsQuery {
                        after,
                        wait_ms: 1_000,
                    };
                    let events = client.run_events(&self.id, query).await?.events;
                    after = events.last().map_or(after, |event| event.seq);
                    if events.iter().any(&wanted) {
                        return Ok(true);
                    }
                    if events.iter().any(|event| event.kind == EventKind::Over) {
                        return Ok(false);
                    }
                }
            })
        });
        assert!(has_come, "the run is over before {what}:\n{}", self.story());
    }

    /// Waits until the job has printed a text.
    pub fn until_logged(&self, text: &str) {
        until(&format!("`{text}` is printed"), RUN_PATIENCE, || {
            let was_over = self.now().is_some_and(|run| run.ended.is_some());
            let ran = self.world.livery(&["logs", &self.id]);
            let is_there = ran.out.contains(text);
            assert!(
                is_there || !was_over,
                "over without `{text}`:\n{}",
                self.story()
            );
            is_there.then_some(())
        });
    }

    /// Waits until everything, teardown included, is done.
    pub fn until_over(&self) -> Run {
        let run = look(RUN_PATIENCE, || {
            self.now().filter(|run| run.ended.is_some())
        });
        run.unwrap_or_else(|| panic!("the run does not end:\n{}", self.story()))
    }

    /// Everything that happened, for the message of a test that fails.
    pub fn story(&self) -> String {
        let line = |event: RunEvent| format!("{} {}: {}\n", event.step, event.kind, event.message);
        self.events().into_iter().map(line).collect()
    }
}

/// Asks the control plane one question; none while it does not answer.
pub fn ask<T>(
    world: &World,
    question: impl AsyncFnOnce(&Client) -> Result<T, livery_api::Error>,
) -> Option<T> {
    let client = Client::new(Target::Unix(world.socket()), None);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let patient = Duration::from_secs(20);
    runtime.block_on(async {
        let answer = tokio::time::timeout(patient, question(&client)).await;
        answer.ok()?.ok()
    })
}
