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
use livery_host_api::dto::{Answer, Clock, CommandResult, Facts, ProbeSpec};
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
    // Each within its own time, and none waits for another.
    let (told, outbound, limits, gpus, commands) = tokio::join!(
        script::ask(core, &pod.id),
        core.blocking(move |_| Ok(network::outbound(pid))),
        core.blocking(move |_| Ok(limits::of(pid))),
        gpus::find(core, pod),
        commands(core, pod, spec),
    );
    let (limits, gpus) = (limits?, gpus?);
    Ok(Facts {
        shell: Some(told.shell),
        workspace_mounted: told.mounted,
        workspace_writable: told.writable,
        free_disk: told.free_disk,
        memory: limits.memory,
        vcpu_milli: limits.vcpu_milli,
        outbound: Some(outbound?),
        gpus_host: gpus.host,
        gpus_pod: gpus.pod,
        cuda_driver: gpus.driver,
        cuda_image: gpus.image,
        commands: commands?,
        // Last, for it says when the answer goes.
        clock: told.pod_less_host_ms.map(|pod_less_host_ms| Clock {
            asked_ms,
            answered_ms: now_ms(),
            pod_less_host_ms,
        }),
    })
}

/// Runs the job's own checks one after the other, as the job will run: in the workspace. A check of a GPU
/// or a disk must not be slowed down by the next one.
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
