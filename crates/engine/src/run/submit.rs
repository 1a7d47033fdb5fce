//! Accepting a run: the job file is read again here, so that every client is held to the same rules.

use super::forecast::forecast;
use crate::credit;
use crate::error::Error;
use crate::pod::check_images;
use crate::services::{Services, fresh};
use livery_domain::job::Job;
use livery_domain::pod::WORKSPACE;
use livery_domain::run::{EventKind, Outcome, Run, RunStep, Submission};
use livery_jobfile::{JobFile, Overrides, render_all};
use livery_units::{AccountId, ContentHash, text};

/// Checks a submission, commits it and wakes the reconciler.
pub(crate) async fn submit(
    services: &Services,
    account: &AccountId,
    submission: Submission,
) -> Result<Run, Error> {
    let job = check(services, account, &submission).await?;
    check_trees(services, account, &job, &submission).await?;
    let now = services.now();
    let run = Run {
        id: fresh::run(),
        account: account.clone(),
        name: job.name.clone(),
        submission,
        step: RunStep::Choose,
        step_began: now,
        outcome: Outcome::Pending,
        ended: None,
        pod: None,
        excluded: Vec::new(),
        exit_code: None,
        reason: None,
        cancel_requested: None,
        results: None,
        created: now,
        due: now,
        generation: 0,
    };
    services.store.run_insert(&run).await?;
    let accepted = format!("run {} accepted", run.id);
    services
        .store
        .run_event_append(&run.id, now, RunStep::Choose, EventKind::Note, &accepted)
        .await?;
    services.board.runs.notify_one();
    services.announce();
    Ok(run)
}

/// Refuses a job that its account may not run, whatever its files: so that it is known before they are
/// sent.
pub(crate) async fn check(
    services: &Services,
    account: &AccountId,
    submission: &Submission,
) -> Result<Job, Error> {
    // It is shown wherever the run is.
    text::refuse_control(&submission.job_file)
        .map_err(|why| Error::Invalid(format!("the job file's name cannot be used: {why}")))?;
    let job = read_job(submission)?;
    check_checkpoint(&job)?;
    check_images(services, account, &job).await?;
    // Where no offer fits now, the run itself says best why.
    if let Some(found) = forecast(services, account, &job, None).await? {
        credit::may_spend(services, account, found.hourly()).await?;
    }
    Ok(job)
}

/// Reads the job file with what was given on the command line.
pub(crate) fn read_job(submission: &Submission) -> Result<Job, Error> {
    let overrides = Overrides::of_values(submission.envs.clone(), submission.secrets.clone());
    let mut overrides = overrides.map_err(|error| Error::JobFile(error.to_string()))?;
    overrides.set_limits(submission.limits);
    overrides.set_volume(submission.volume.clone());
    if let Some(name) = &submission.name {
        let named = overrides.set_name(name);
        named.map_err(|error| Error::JobFile(error.to_string()))?;
    }
    JobFile::read(&submission.job_text, &submission.job_file)
        .and_then(|file| file.complete(&overrides))
        .map_err(|mistakes| Error::JobFile(render_all(&mistakes)))
}

fn check_checkpoint(job: &Job) -> Result<(), Error> {
    let outside = |dir: &str| !dir.starts_with(&format!("{WORKSPACE}/"));
    match &job.checkpoint {
        Some(checkpoint) if outside(checkpoint.dir.as_str()) => Err(Error::JobFile(format!(
            "checkpoint.dir is {}, and only what is under {WORKSPACE} outlives a stop; put it there",
            checkpoint.dir
        ))),
        Some(_) | None => Ok(()),
    }
}

/// Every tree that the job names must be here whole, and every blob of it the account's own, before
/// anything is rented for it.
async fn check_trees(
    services: &Services,
    account: &AccountId,
    job: &Job,
    submission: &Submission,
) -> Result<(), Error> {
    if job.workdir.is_some() != submission.workdir.is_some() {
        return Err(Error::Invalid(
            "the job's workdir and the uploaded workdir do not agree".into(),
        ));
    }
    let named: Vec<&str> = job
        .file_mounts
        .iter()
        .map(|mount| mount.dest.as_str())
        .collect();
    let sent: Vec<&str> = submission.mounts.keys().map(String::as_str).collect();
    if named.len() != sent.len() || !named.iter().all(|dest| sent.contains(dest)) {
        return Err(Error::Invalid(
            "the job's file_mounts and the uploaded ones do not agree".into(),
        ));
    }
    let trees: Vec<ContentHash> = submission
        .workdir
        .into_iter()
        .chain(submission.mounts.values().copied())
        .collect();
    let missing = super::trees::count_lacking(services, account, trees).await?;
    if missing > 0 {
        return Err(Error::ContentMissing { missing });
    }
    Ok(())
}
