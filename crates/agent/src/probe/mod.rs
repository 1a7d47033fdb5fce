//! The gate's facts about a pod, found from inside it and from the kernel, never from what we
//! ourselves have written down about it.

mod captured;
mod gpus;
mod limits;
mod network;
mod script;

use crate::agent::{Core, now_ms};
use crate::pods::Pod;
use crate::sessions::pid;
use captured::run;
use livery_host_api::Error;
use livery_host_api::dto::{Answer, CommandResult, Facts, ProbeSpec};
use std::sync::Arc;
use std::time::Duration;

/// How long our own questions may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// Finds out what the gate wants to know; what cannot be found out is left open.
pub(crate) async fn probe(
    core: &Arc<Core>,
    pod: &Arc<Pod>,
    spec: &ProbeSpec,
) -> Result<Facts, Error> {
    let asked_ms = now_ms();
    let id = pod.id.clone();
    let pid = core.blocking(move |core| pid(core, &id)).await?;
    let mut facts = Facts {
        clock_skew_ms: Some(asked_ms - spec.now_ms),
        ..Facts::default()
    };
    let script = script::command();
    let (inside, outbound, limits, commands) = tokio::join!(
        run(core, &pod.id, &script, PATIENCE),
        core.blocking(move |_| Ok(network::outbound(pid))),
        core.blocking(move |_| Ok(limits::of(pid))),
        commands(core, pod, spec),
    );
    match inside {
        Ok(captured) => script::read(&captured, now_ms(), &mut facts),
        Err(error) => facts.shell = Some(no(error.to_string())),
    }
    facts.outbound = Some(outbound?);
    let limits = limits?;
    facts.memory = limits.memory;
    facts.vcpu_milli = limits.vcpu_milli;
    facts.commands = commands?;
    gpus::find(core, pod, &mut facts).await?;
    Ok(facts)
}

/// Runs the job's own checks one after the other, as the job will run: in the workspace.
async fn commands(
    core: &Arc<Core>,
    pod: &Pod,
    spec: &ProbeSpec,
) -> Result<Vec<CommandResult>, Error> {
    let mut results = Vec::new();
    for check in &spec.commands {
        let argv = ["sh", "-c", &check.command].map(str::to_owned);
        let patience = Duration::from_millis(check.timeout_ms);
        let captured = run(core, &pod.id, &argv, patience).await?;
        results.push(CommandResult {
            command: check.command.clone(),
            exit_code: captured.exit_code,
            output: captured.text(),
        });
    }
    Ok(results)
}

fn yes() -> Answer {
    Answer {
        yes: true,
        why: None,
    }
}

fn no(why: impl Into<String>) -> Answer {
    Answer {
        yes: false,
        why: Some(why.into()),
    }
}
