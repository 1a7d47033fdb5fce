//! `livery pod stop`

use super::pod::{Waiting, settle};
use crate::connect;
use crate::failure::Ending;
use crate::settings::Settings;
use crate::ui::{print_json, say};
use livery_domain::pod::Phase;

/// Stop pods: their volume disks are kept, everything else of them is gone.
#[derive(Debug, clap::Args)]
pub struct PodStopArgs {
    /// The pods' ids, or their names
    #[arg(value_name = "POD", required = true)]
    ids: Vec<String>,
    #[command(flatten)]
    waiting: Waiting,
    /// Print the pods as JSON
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub async fn run(args: PodStopArgs, settings: &Settings) -> anyhow::Result<Ending> {
    let client = connect::client(settings).await?;
    let mut asked = Vec::new();
    for id in &args.ids {
        asked.push(client.pod_stop(id).await?);
    }
    let mut pods = Vec::new();
    for pod in asked {
        let pod = settle(&client, pod, &args.waiting, Phase::Stopped).await?;
        say(&match pod.phase == Phase::Stopped {
            true => format!("pod {} is stopped", pod.id),
            false => format!("pod {} is {}", pod.id, pod.phase),
        });
        pods.push(pod);
    }
    if args.json {
        print_json(&pods)?;
    }
    Ok(Ending::Done)
}
