//! Step 3, the gate: a fresh pod is proved to be what was offered before anything is sent to it.

use super::Scene;
use crate::error::Error;
use crate::run::events::note;
use livery_domain::gate::{Check, Verdict, Wanted, judge, passed};
use livery_domain::pod::Pod;
use livery_domain::run::{EventKind, StepEnd};
use livery_host_api::dto::{CommandResult, ProbeCommand, ProbeSpec};
use livery_units::{Bytes, Span};

/// How far a pod's clock may be from ours: checkpoints and certificates care.
const CLOCK_SKEW_MAX: Span = Span::from_secs(5);

pub(super) async fn perform(scene: &Scene) -> Result<StepEnd, Error> {
    let (pod, host) = match scene.pod_up().await? {
        Ok(up) => up,
        Err(end) => return Ok(end),
    };
    let own_checks = scene.job.validate.iter().map(|check| ProbeCommand {
        command: check.run.clone(),
        timeout_ms: check.timeout.millis(),
    });
    let probe = ProbeSpec {
        commands: own_checks.collect(),
    };
    let asked = scene.services.now();
    let facts = host.probe(&pod.id, &probe).await?;
    let received = scene.services.now();
    let results = facts.commands.clone();
    let mut checks = judge(&wanted(&pod), &facts.found(asked, received));
    for (command, result) in scene.job.validate.iter().zip(&results) {
        checks.push(command_check(&command.name, result));
    }
    if passed(&checks) {
        note(
            &scene.services,
            &scene.run,
            EventKind::Note,
            &format!("{} checks passed", checks.len()),
        )
        .await;
        return Ok(StepEnd::Done);
    }
    Ok(StepEnd::NextOffer(format!(
        "the pod is not what was offered\n{}",
        table(&checks)
    )))
}

fn wanted(pod: &Pod) -> Wanted {
    Wanted {
        vcpu_milli: pod.order.vcpu_milli,
        memory: pod.order.memory,
        free_disk: free_of(pod.order.volume_disk),
        gpus: pod.offer.gpus.clone(),
        clock_skew_max: CLOCK_SKEW_MAX,
    }
}

/// What an empty disk must have free: a file system keeps a part for itself, and of a small disk
/// more than of a large one.
fn free_of(disk: Bytes) -> Bytes {
    let kept = disk.get() / 10 + Bytes::mib(32).get();
    Bytes::new(disk.get().saturating_sub(kept))
}

fn command_check(name: &str, result: &CommandResult) -> Check {
    let (found, verdict) = match result.exit_code {
        Some(0) => ("exit code 0".to_owned(), Verdict::Pass),
        Some(code) => (
            format!("exit code {code}: {}", last_line(&result.output)),
            Verdict::Fail,
        ),
        None => ("it did not end in time".to_owned(), Verdict::Fail),
    };
    Check {
        name: name.to_owned(),
        wanted: "exit code 0".to_owned(),
        found,
        verdict,
    }
}

fn last_line(output: &str) -> &str {
    output
        .lines()
        .rev()
        .find(|line| !line.trim().is_empty())
        .unwrap_or("no output")
}

/// Lays the checks out as a table: what was wanted and what was found.
fn table(checks: &[Check]) -> String {
    let width = |cell: fn(&Check) -> &String, head: &str| {
        checks
            .iter()
            .map(|check| cell(check).chars().count())
            .max()
            .unwrap_or(0)
            .max(head.len())
    };
    let (names, wanted) = (width(|c| &c.name, "check"), width(|c| &c.wanted, "wanted"));
    let mut lines = vec![format!(
        "     {:names$}  {:wanted$}  found",
        "check", "wanted"
    )];
    for check in checks {
        let mark = match check.verdict {
            Verdict::Pass => "ok  ",
            Verdict::Fail => "FAIL",
        };
        lines.push(format!(
            "{mark} {:names$}  {:wanted$}  {}",
            check.name, check.wanted, check.found
        ));
    }
    lines.join("\n")
}
