//! `livery pods show`

use super::pod_policy;
use crate::connect;
use crate::failure::Ending;
use crate::settings::Settings;
use crate::ui::table::Table;
use crate::ui::{listing, print_json};
use livery_api::dto::{Pod, PolicyView, Stats};
use livery_domain::pod::{Phase, WORKSPACE};
use livery_units::{Bytes, Span};
use serde::Serialize;

/// Show a pod, and what it uses while it runs.
#[derive(Debug, clap::Args)]
pub struct PodsShowArgs {
    /// The pod's id, or its name
    #[arg(value_name = "POD")]
    id: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Shown<'a> {
    #[serde(flatten)]
    pod: &'a Pod,
    usage: Option<Stats>,
    ends: Option<PolicyView>,
}

/// Runs the command.
pub async fn run(args: PodsShowArgs, settings: &Settings) -> anyhow::Result<Ending> {
    let client = connect::client(settings).await?;
    let pod = client.pod(&args.id).await?;
    let usage = match pod.phase {
        // The pod may have ended since: that is no reason not to show the rest.
        Phase::Running => client.pod_stats(pod.id.as_str()).await.ok(),
        Phase::Pending | Phase::Starting | Phase::Stopping | Phase::Stopped => None,
        Phase::Exited | Phase::Terminating | Phase::Terminated | Phase::Lost => None,
    };
    let policy = match pod.ended {
        // What it will do; one that has just ended will do nothing.
        None => client.pod_policy(pod.id.as_str()).await.ok(),
        Some(_) => None,
    };
    if args.json {
        print_json(&Shown {
            pod: &pod,
            usage,
            ends: policy,
        })?;
        return Ok(Ending::Done);
    }
    let mut table = facts(&pod, usage.as_ref());
    let now = listing::now();
    for row in policy
        .iter()
        .flat_map(|policy| pod_policy::rows(policy, now))
    {
        table.row(row);
    }
    table.print()?;
    Ok(Ending::Done)
}

fn facts(pod: &Pod, usage: Option<&Stats>) -> Table {
    let mut table = Table::bare();
    table.row(["id".into(), pod.id.to_string()]);
    table.row(["name".into(), pod.name.clone()]);
    table.row(["phase".into(), pod.phase.to_string()]);
    if let Some(reason) = &pod.reason {
        table.row(["reason".into(), reason.clone()]);
    }
    table.row(["image".into(), pod.image.clone()]);
    table.row(["command".into(), command(pod.command.as_deref())]);
    table.row(["GPUs".into(), listing::gpus(pod.gpus.as_ref())]);
    table.row(["vCPU".into(), listing::vcpu(pod.vcpu_milli)]);
    table.row(["memory".into(), pod.memory.to_string()]);
    table.row(["container disk".into(), pod.container_disk.to_string()]);
    if let Some(volume) = &pod.network_volume {
        let path = pod.network_volume_path.as_deref().unwrap_or(WORKSPACE);
        table.row(["network volume".into(), format!("{volume} at {path}")]);
    }
    // A network volume at /workspace is in its place.
    if pod.network_volume.is_none() || pod.volume_disk > Bytes::ZERO {
        table.row(["volume disk".into(), pod.volume_disk.to_string()]);
    }
    if !pod.ports.is_empty() {
        let ports: Vec<String> = pod.ports.iter().map(ToString::to_string).collect();
        table.row(["ports".into(), ports.join(", ")]);
    }
    table.row([
        "supplier".into(),
        format!("{} ({})", pod.supplier, pod.tier),
    ]);
    table.row(["region".into(), pod.region.clone()]);
    table.row(["machine".into(), listing::price(&pod.price)]);
    table.row(["costs now".into(), listing::hourly(pod.hourly)]);
    if let Some(run) = &pod.run {
        table.row(["run".into(), run.to_string()]);
    }
    table.row(["created".into(), listing::date(pod.created)]);
    if let Some(started) = pod.started {
        table.row(["started".into(), listing::date(started)]);
    }
    if let Some(ended) = pod.ended {
        table.row(["ended".into(), listing::date(ended)]);
    }
    if let Some(usage) = usage {
        usage_rows(&mut table, usage);
    }
    table
}

fn command(words: Option<&[String]>) -> String {
    match words {
        None => "none: it idles".to_owned(),
        Some([]) => "the image's own".to_owned(),
        Some(words) => words.join(" "),
    }
}

fn usage_rows(table: &mut Table, usage: &Stats) {
    let size = |bytes: u64| Bytes::new(bytes).to_string();
    let memory = format!(
        "{} (at most {})",
        size(usage.memory),
        size(usage.memory_peak)
    );
    table.row(["memory used".into(), memory]);
    let cpu = Span::from_millis(usage.cpu_usec / 1_000);
    table.row(["CPU time used".into(), cpu.to_string()]);
    table.row(["processes".into(), usage.pids.to_string()]);
    table.row([
        "container disk used".into(),
        size(usage.container_disk_used),
    ]);
    table.row(["volume disk used".into(), size(usage.volume_disk_used)]);
    let network = format!("{} in, {} out", size(usage.rx_bytes), size(usage.tx_bytes));
    table.row(["network".into(), network]);
}
