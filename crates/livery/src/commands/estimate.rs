//! `livery estimate`

use super::answered;
use super::inquiry::{self, FromJob, WorkArgs};
use crate::connect;
use crate::failure::{Ending, Failure};
use crate::settings::Settings;
use crate::ui::say;
use anyhow::Context;
use livery_api::dto::{Submission, WantedGpus};
use livery_domain::job::{DEFAULT_DISK, Job, Resources};
use livery_domain::offer::Pricing;
use livery_jobfile::{JobFile, Overrides, SIZE_MAX, render_all};
use livery_units::Bytes;
use std::path::{Path, PathBuf};

/// Estimate what a job, or work on some GPU, costs with every provider.
///
/// For a job file, providers are asked for a machine that meets its `resources`; it takes as long as
/// --hours says, or else `budget.max_hours`, or else an hour. Shown are the whole work and the three
/// usual lengths of session.
#[derive(Debug, clap::Args)]
pub struct EstimateArgs {
    /// The job file
    #[arg(value_name = "JOB", conflicts_with = "gpus")]
    job: Option<PathBuf>,
    /// The GPU, as in `livery compare`; any when neither a job nor a GPU is given
    #[arg(long = "gpu", value_name = "GPU", value_parser = inquiry::wanted)]
    gpus: Vec<WantedGpus>,
    /// Only the three lengths of session: 5 minutes, 30 minutes, 2 hours
    #[arg(long)]
    sessions: bool,
    /// Environment variable of the job; without a value, the caller's own
    #[arg(short, long = "env", value_name = "K[=V]")]
    envs: Vec<String>,
    #[command(flatten)]
    work: WorkArgs,
}

/// Runs the command.
pub async fn run(args: EstimateArgs, settings: &Settings) -> anyhow::Result<Ending> {
    let job = match &args.job {
        Some(path) => Some(read(path, &args.envs)?),
        None => None,
    };
    let from_job = job.as_ref().map(|(job, _)| said(job)).unwrap_or_default();
    let mut question = args.work.question(args.gpus, from_job)?;
    question.job = job.map(|(_, submission)| submission);
    let client = connect::client(settings).await?;
    let answer = client.estimate(&question).await?;
    if args.work.json {
        return answered::print_as_json(&answer);
    }
    if !args.sessions {
        answered::print_costs(&answer, &question)?;
        say("");
    }
    answered::print_sessions(&answer, &question)?;
    Ok(Ending::Done)
}

fn read(path: &Path, envs: &[String]) -> anyhow::Result<(Job, Submission)> {
    let name = path.display().to_string();
    let bytes = crate::bounded::read(path, SIZE_MAX)
        .with_context(|| format!("cannot read the job file {name}"));
    let bytes = bytes.map_err(|why| Failure::mistake(format!("{why:#}")))?;
    let mistakes = |wrong: &[livery_jobfile::Diagnostic]| {
        say(&render_all(wrong));
        Failure::mistake("the job file has mistakes")
    };
    let text = livery_jobfile::decode(&bytes, &name).map_err(|wrong| mistakes(&wrong))?;
    let mut overrides = Overrides::default();
    for text in envs {
        let added = overrides.add_env(text, crate::assignment::here);
        added.map_err(|why| Failure::mistake(why.to_string()))?;
    }
    let job = JobFile::read(text, &name)
        .and_then(|file| file.complete(&overrides))
        .map_err(|wrong| mistakes(&wrong))?;
    let submission = Submission {
        job_text: text.to_owned(),
        job_file: name,
        envs: overrides.envs().clone(),
        ..Submission::default()
    };
    Ok((job, submission))
}

/// What the job says about its length, its disk and its way of sale.
fn said(job: &Job) -> FromJob {
    let first = job.resources.as_slice().first();
    // What a pod of it is launched with.
    let disk = |resources: &Resources| {
        let (container, volume) = job.disks_wanted(resources);
        let size = |wanted: Option<Bytes>| wanted.unwrap_or(DEFAULT_DISK);
        size(container).saturating_plus(size(volume))
    };
    FromJob {
        hours: job.budget.max_hours,
        disk: Some(disk(first.unwrap_or(&Resources::default()))),
        checkpoint: job
            .checkpoint
            .as_ref()
            .and_then(|checkpoint| checkpoint.interval),
        spot: first.is_some_and(|resources| resources.pricing == Pricing::Spot),
    }
}
