//! `livery pod`

use super::{pod_create, pod_policy, pod_start, pod_stop, pod_terminate};
use crate::failure::{Ending, Failure};
use crate::settings::Settings;
use crate::ui::reasons::Reasons;
use livery_api::Client;
use livery_api::dto::Pod;
use livery_domain::pod::Phase;
use livery_units::Span;
use std::time::Instant;

/// Create, stop, start and terminate pods.
#[derive(Debug, clap::Args)]
pub struct PodArgs {
    #[command(subcommand)]
    command: PodCommand,
}

#[derive(Debug, clap::Subcommand)]
enum PodCommand {
    Create(Box<pod_create::PodCreateArgs>),
    Stop(pod_stop::PodStopArgs),
    Start(pod_start::PodStartArgs),
    Terminate(pod_terminate::PodTerminateArgs),
    Policy(pod_policy::PodPolicyArgs),
}

/// Whether and how a command waits.
#[derive(Debug, Clone, clap::Args)]
pub struct Waiting {
    /// Return at once
    #[arg(long)]
    no_wait: bool,
    /// How long to wait at most
    #[arg(
        long,
        value_name = "SPAN",
        default_value = "15m",
        conflicts_with = "no_wait"
    )]
    wait: Span,
}

/// Runs the command.
pub async fn run(args: PodArgs, settings: &Settings) -> anyhow::Result<Ending> {
    match args.command {
        PodCommand::Create(args) => pod_create::run(*args, settings).await,
        PodCommand::Stop(args) => pod_stop::run(args, settings).await,
        PodCommand::Start(args) => pod_start::run(args, settings).await,
        PodCommand::Terminate(args) => pod_terminate::run(args, settings).await,
        PodCommand::Policy(args) => pod_policy::run(args, settings).await,
    }
}

/// Waits, if the user wants that, until a pod is in the phase it is on the way to.
pub async fn settle(
    client: &Client,
    pod: Pod,
    waiting: &Waiting,
    wanted: Phase,
) -> anyhow::Result<Pod> {
    if waiting.no_wait {
        return Ok(pod);
    }
    let began = Instant::now();
    let id = pod.id.to_string();
    let mut reasons = Reasons::besides(pod.reason);
    loop {
        let left = waiting.wait.to_std().saturating_sub(began.elapsed());
        let pod = client.pod_wait(&id, reasons.wait_ms(left)).await?;
        if pod.phase == wanted {
            return Ok(pod);
        }
        if let Some(failure) = dead_end(&pod) {
            return Err(failure.into());
        }
        if left.is_zero() {
            let message = format!("pod {id} is {} after {}", pod.phase, waiting.wait);
            let hint = format!("`livery pods show {id}` shows how it goes on");
            return Err(Failure::failed(message).hint(hint).into());
        }
        // What is on its way up has progress for a reason, and that is no trouble.
        if matches!(pod.phase, Phase::Stopping | Phase::Terminating) {
            reasons.tell(&format!("pod {id} is {}", pod.phase), pod.reason);
        }
    }
}

/// Returns why a pod will not come to be as wanted any more, if so.
fn dead_end(pod: &Pod) -> Option<Failure> {
    let reason = pod.reason.as_deref().unwrap_or("no reason was given");
    match pod.phase {
        Phase::Pending | Phase::Starting | Phase::Running => None,
        Phase::Stopping | Phase::Stopped | Phase::Terminating => None,
        Phase::Exited => {
            let message = format!("the command of pod {} has ended: {reason}", pod.id);
            let hint = format!("`livery pod terminate {}` ends what it still costs", pod.id);
            Some(Failure::failed(message).hint(hint))
        }
        Phase::Terminated => Some(Failure::failed(format!("pod {} is gone: {reason}", pod.id))),
        Phase::Lost => {
            let message = format!("pod {} is lost: {reason}", pod.id);
            let hint = format!("`livery pod terminate {}` closes it", pod.id);
            Some(Failure::failed(message).hint(hint))
        }
    }
}
