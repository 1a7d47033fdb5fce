//! Takes one run through its steps until it is over.
//!
//! A driver holds a claim on the run's row and does what the row's step says. It may be killed
//! anywhere: the next driver reads the row and does that step again, and every step finds what its
//! predecessor began. Decisions are `livery_domain::run`'s; this module obeys them.

use super::events::note;
use super::submit::read_job;
use crate::credit;
use crate::error::Error;
use crate::pod;
use crate::run::steps::{self, Scene};
use crate::services::Services;
use crate::tasks::Seat;
use livery_domain::pod::{Desired, Pod};
use livery_domain::run::{EventKind, Halt, Next, Outcome, Run, RunStep, StepEnd, after, halted};
use livery_store::Error as StoreError;
use livery_units::{ClaimToken, RunId, Span};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// How long a claim on a run stands without being renewed.
pub(crate) const CLAIM_SPAN: Span = Span::from_secs(15);

/// How soon a step that failed in a passing way is tried again.
const RETRY_REST: Span = Span::from_secs(1);

/// How often a driver looks whether the run should end early.
const HALT_WATCH: Span = Span::from_millis(300);

/// The shortest time between two such looks, however much changes.
const HALT_REST: Span = Span::from_millis(50);

/// More attempts at finding a good pod are not made.
const ATTEMPTS_MAX: usize = 5;

/// Drives a claimed run until it is over, the claim is lost or the control plane stops.
pub(crate) async fn drive(
    services: Arc<Services>,
    run: Run,
    token: ClaimToken,
    seat: Seat<RunId>,
    stop: CancellationToken,
) {
    let id = run.id.clone();
    let renewal = async {
        loop {
            services
                .sleep(Span::from_millis(CLAIM_SPAN.millis() / 3))
                .await;
            let until = services.now().after(CLAIM_SPAN);
            let renewed = services.store.run_claim_renew(&id, &token, until).await;
            if matches!(renewed, Ok(false)) || !stays(&services, &id).await {
                return;
            }
        }
    };
    tokio::select! {
        () = drive_to_the_end(&services, run) => {}
        () = renewal => tracing::warn!(run.id = %id, "another control plane took the run over"),
        () = stop.cancelled() => {}
    }
    // Before the claim: whoever claims next must find the seat free.
    drop(seat);
    if let Err(error) = services
        .store
        .run_release(&id, &token, services.now())
        .await
    {
        tracing::warn!(run.id = %id, %error, "the claim on a run was not released and will expire");
    }
}

/// Returns whether the run is still to be driven here: its pod's host may have moved to another control
/// plane, or the one that has the run's files is back. Who cannot ask goes on.
async fn stays(services: &Services, run: &RunId) -> bool {
    let stays = services.store.run_stays(run, services.now()).await;
    stays.unwrap_or(true)
}

async fn drive_to_the_end(services: &Arc<Services>, run: Run) {
    let id = run.id.clone();
    let mut run = run;
    while !run.is_over() && stays(services, &id).await {
        let error = match advance(services, run.clone()).await {
            Ok(after) => {
                run = after;
                continue;
            }
            Err(error) => error,
        };
        tracing::warn!(run.id = %id, %error, "a run could not be taken further for now");
        services.sleep(RETRY_REST).await;
        match services.store.run_fetch(&id).await {
            Ok(current) => run = current,
            // Given up, it would wait for its claim to expire when the database is back.
            Err(StoreError::Unavailable(_) | StoreError::Busy(_) | StoreError::Full(_)) => {}
            Err(error) => {
                tracing::error!(run.id = %id, %error, "a run's row cannot be read");
                return;
            }
        }
    }
}

/// Does the run's present step and moves it on.
async fn advance(services: &Arc<Services>, run: Run) -> Result<Run, Error> {
    if steps::stands_still(services, &run).await? {
        return Ok(services.store.run_fetch(&run.id).await?);
    }
    if let Some(halt) = halt_now(services, &run).await? {
        return halt_run(services, run, halt).await;
    }
    begin(services, &run).await?;
    let scene = scene(services, &run).await?;
    let end = tokio::select! {
        end = steps::perform(&scene) => end?,
        halt = halt_comes(services, &run) => return halt_run(services, run, halt?).await,
    };
    // What went wrong because its user ends it is no failure of the run.
    if end != StepEnd::Done
        && let Some(halt @ (Halt::Cancelled | Halt::Now)) = halt_now(services, &run).await?
    {
        return halt_run(services, run, halt).await;
    }
    move_on(services, run, end).await
}

/// Notes that a step began, once: a driver that comes back to it says nothing new.
async fn begin(services: &Services, run: &Run) -> Result<(), Error> {
    let mark = format!("{} {}", run.step, run.excluded.len());
    let noted = services.store.run_note_get(&run.id, "began").await?;
    if noted.as_deref() != Some(mark.as_str()) {
        services.store.run_note_set(&run.id, "began", &mark).await?;
        note(services, run, EventKind::Began, steps::headline(run.step)).await;
    }
    Ok(())
}

async fn scene(services: &Arc<Services>, run: &Run) -> Result<Scene, Error> {
    let job = read_job(&run.submission)?;
    let pod = match &run.pod {
        Some(id) => Some(services.store.pod_fetch(id).await?),
        None => None,
    };
    Ok(Scene {
        services: services.clone(),
        run: run.clone(),
        job,
        pod,
    })
}

/// Records what a step led to and where the run goes.
async fn move_on(services: &Arc<Services>, mut run: Run, end: StepEnd) -> Result<Run, Error> {
    let was = run.clone();
    let (next, outcome) = after(run.step, &end, run.outcome);
    match &end {
        // Nothing comes after a receipt.
        StepEnd::Done if steps::farewell_said(services, &run).await => {}
        StepEnd::Done => note(services, &run, EventKind::Done, &took(services, &run)).await,
        StepEnd::NextOffer(why) | StepEnd::Failed(why) | StepEnd::PodGone(why) => {
            note(services, &run, EventKind::Failed, why).await;
            // What came first is the reason; that a later step failed too is an event.
            if run.outcome == Outcome::Pending {
                run.reason = Some(why.clone());
            }
        }
    }
    let scratch = steps::results_of(services, &run).await?;
    scratch.apply(&mut run);
    run.outcome = outcome;
    match next {
        Next::Step(step) => run.step = step,
        Next::ChooseAgain if run.excluded.len() + 1 >= ATTEMPTS_MAX => {
            run.outcome = Outcome::Failed;
            run.step = RunStep::Teardown;
        }
        Next::ChooseAgain => choose_again(services, &mut run).await?,
        Next::Finished => {
            run.ended = Some(services.now());
            if run.outcome == Outcome::Succeeded {
                run.reason = None;
            }
        }
    }
    if was.step != run.step || run.is_over() {
        run.step_began = services.now();
    }
    if run.is_over() {
        // Before the row says so: whoever sees the end of a run finds its receipt.
        steps::farewell(services, &run).await?;
    }
    record(services, &was, run).await
}

fn took(services: &Services, run: &Run) -> String {
    services.now().since(run.step_began).to_string()
}

/// Ends the pod that was no good and forgets its offer.
async fn choose_again(services: &Services, run: &mut Run) -> Result<(), Error> {
    if let Some(id) = run.pod.take() {
        let pod = services.store.pod_fetch(&id).await?;
        run.excluded.push(pod.offer.id.clone());
        end_pod(services, &pod).await?;
    }
    run.step = RunStep::Choose;
    Ok(())
}

/// Asks for a pod's end and waits a while, so that its machine is free for the next attempt.
async fn end_pod(services: &Services, pod: &Pod) -> Result<(), Error> {
    const PATIENCE: Span = Span::from_secs(30);
    pod::want(services, &pod.account, pod.id.as_str(), Desired::Gone).await?;
    pod::wait(services, &pod.account, pod.id.as_str(), PATIENCE).await?;
    Ok(())
}

/// Returns why the run should end early, if it should. What is on its way out already can only be
/// told to hurry.
async fn halt_now(services: &Services, run: &Run) -> Result<Option<Halt>, Error> {
    if run.step == RunStep::Teardown {
        return Ok(None);
    }
    let current = services.store.run_fetch(&run.id).await?;
    if current.cancel_requested.is_some() && is_to_end_now(services, &run.id).await? {
        return Ok(Some(Halt::Now));
    }
    if credit::out_of_time(services, &run.id).await?.is_some() {
        return Ok(Some(Halt::Now));
    }
    if run.outcome != Outcome::Pending {
        return Ok(None);
    }
    if current.cancel_requested.is_some() {
        return Ok(Some(Halt::Cancelled));
    }
    if run.step == RunStep::Pull {
        // The job is done, and how long its results may take is the step's own affair.
        return Ok(None);
    }
    let over = steps::is_over_budget(services, run).await?;
    Ok(over.then_some(Halt::OverBudget))
}

/// The note that a run's user does not wait for its results.
const END_NOW: &str = "end-now";

/// Records that a run is to end without bringing anything home; it ends once it is cancelled too.
pub(crate) async fn hurry(services: &Services, run: &RunId) -> Result<(), Error> {
    Ok(services.store.run_note_set(run, END_NOW, "yes").await?)
}

pub(super) async fn is_to_end_now(services: &Services, run: &RunId) -> Result<bool, Error> {
    Ok(services.store.run_note_get(run, END_NOW).await?.is_some())
}

/// Waits until the run should end early. A run whose results are on their way home is only ended by
/// a user who does not want them; one in teardown waits for ever.
async fn halt_comes(services: &Services, run: &Run) -> Result<Halt, Error> {
    let may_halt = |halt: Halt| match run.step {
        RunStep::Choose | RunStep::Launch | RunStep::Validate => true,
        RunStep::Deploy | RunStep::Transfer | RunStep::Train => true,
        RunStep::Pull | RunStep::Teardown => halt == Halt::Now,
    };
    if run.step == RunStep::Teardown {
        return std::future::pending().await;
    }
    loop {
        let changed = services.board.changed.notified();
        if let Some(halt) = halt_now(services, run).await?
            && may_halt(halt)
        {
            return Ok(halt);
        }
        tokio::select! {
            () = changed => {}
            () = services.sleep(HALT_WATCH) => {}
        }
        services.sleep(HALT_REST).await;
    }
}

/// Stops what runs in the pod and sends the run to pull or teardown.
async fn halt_run(services: &Arc<Services>, mut run: Run, halt: Halt) -> Result<Run, Error> {
    let was = run.clone();
    let told = match halt {
        Halt::OverBudget => credit::why_ended(services, &run.id).await?,
        Halt::Now => credit::out_of_time(services, &run.id).await?,
        Halt::Cancelled => None,
    };
    let why = match halt {
        Halt::Cancelled => "cancelled by its user",
        Halt::OverBudget => told.as_deref().unwrap_or("its budget is used up"),
        Halt::Now => told
            .as_deref()
            .unwrap_or("ended at once by its user, without its results"),
    };
    note(services, &run, EventKind::Failed, why).await;
    match halt {
        Halt::Cancelled | Halt::OverBudget => {
            let scene = scene(services, &run).await?;
            steps::stop_tasks(&scene).await;
        }
        // Its pod is being terminated meanwhile, and everything in it.
        Halt::Now => {}
    }
    if run.outcome == Outcome::Pending {
        run.outcome = halt.into();
        run.reason = Some(why.to_owned());
    }
    run.step = halted(run.step, halt);
    run.step_began = services.now();
    record(services, &was, run).await
}

/// Writes the row. A cancellation that came in between is kept; any other change in between means
/// that another driver has the run, and this one's word does not count.
async fn record(services: &Services, was: &Run, mut run: Run) -> Result<Run, Error> {
    loop {
        match services.store.run_update(&run).await {
            Ok(written) => {
                services.announce();
                return Ok(written);
            }
            Err(StoreError::Stale) => {
                let current = services.store.run_fetch(&run.id).await?;
                if (current.step, current.outcome, current.ended)
                    != (was.step, was.outcome, was.ended)
                {
                    return Err(Error::Store("another driver moved the run on".into()));
                }
                run.generation = current.generation;
                run.cancel_requested = current.cancel_requested;
            }
            Err(error) => return Err(error.into()),
        }
    }
}
