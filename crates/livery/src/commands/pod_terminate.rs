//! `livery pod terminate`

use super::pod::{Waiting, settle};
use crate::connect;
use crate::failure::Ending;
use crate::settings::Settings;
use crate::ui::{print_json, say};
use livery_domain::pod::Phase;

/// Terminate pods: nothing of them is left, and nothing of them costs anything.
#[derive(Debug, clap::Args)]
pub struct PodTerminateArgs {
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
pub async fn run(args: PodTerminateArgs, settings: &Settings) -> anyhow::Result<Ending> {
    let client = connect::client(settings).await?;
    let mut asked = Vec::new();
    for id in &args.ids {
        asked.push(client.pod_terminate(id).await?);
    }
    let mut pods = Vec::new();
    for pod in asked {
        let pod = settle(&client, pod, &args.waiting, Phase::Terminated).await?;
        say(&match pod.phase == Phase::Terminated {
            true => format!("pod {} is gone", pod.id),
            false => format!("pod {} is {}", pod.id, pod.phase),
        });
        pods.push(pod);
    }
    if args.json {
        print_json(&pods)?;
    }
    Ok(Ending::Done)
}
