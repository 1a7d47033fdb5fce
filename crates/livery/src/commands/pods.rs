//! `livery pods`

use super::pods_show;
use crate::connect;
use crate::failure::Ending;
use crate::settings::Settings;
use crate::ui::table::Table;
use crate::ui::{listing, print_json, say};
use livery_api::dto::Which;

/// List the pods that exist, newest first.
///
/// PRICE is what a pod costs an hour as it is now: its machine and disks while it is up, the disk that is
/// kept while it is stopped.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct PodsArgs {
    #[command(subcommand)]
    command: Option<PodsCommand>,
    /// Ended ones too
    #[arg(short, long)]
    all: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Subcommand)]
enum PodsCommand {
    Show(pods_show::PodsShowArgs),
}

/// Runs the command.
pub async fn run(args: PodsArgs, settings: &Settings) -> anyhow::Result<Ending> {
    if let Some(PodsCommand::Show(show)) = args.command {
        return pods_show::run(show, settings).await;
    }
    let client = connect::client(settings).await?;
    let which = if args.all { Which::All } else { Which::Live };
    let list = client.pods(which).await?;
    if args.json {
        print_json(&list.pods)?;
        return Ok(Ending::Done);
    }
    let now = listing::now();
    let mut table = Table::new([
        "ID", "NAME", "PHASE", "GPUS", "VCPU", "MEMORY", "PRICE", "SUPPLIER", "UP", "IDLE", "RUN",
    ]);
    for pod in &list.pods {
        table.row([
            pod.id.to_string(),
            pod.name.clone(),
            pod.phase.to_string(),
            listing::gpus(pod.gpus.as_ref()),
            listing::vcpu(pod.vcpu_milli),
            pod.memory.to_string(),
            listing::hourly(pod.hourly),
            pod.supplier.clone(),
            listing::up(pod, now),
            listing::idle(pod, now),
            pod.run.as_ref().map_or("-".to_owned(), ToString::to_string),
        ]);
    }
    table.print()?;
    for pod in list.pods.iter().filter(|pod| pod.ended.is_none()) {
        if let Some(reason) = &pod.reason {
            say(&format!("{}: {reason}", pod.id));
        }
    }
    Ok(Ending::Done)
}
