//! `livery orphans`

use crate::connect;
use crate::failure::Ending;
use crate::settings::Settings;
use crate::ui::table::Table;
use crate::ui::{listing, print_json, say};
use livery_api::dto::{Orphan, OrphanList, StrayVolume, Which};
use livery_domain::orphan::OrphanKind;

/// List what suppliers have that nobody owns, and pods that should exist and do not.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct OrphansArgs {
    #[command(subcommand)]
    command: Option<OrphansCommand>,
    /// Those of the last month that are gone too
    #[arg(short, long)]
    all: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Subcommand)]
enum OrphansCommand {
    /// End a machine, or a network volume with all that is on it, that is not known here
    End {
        /// Its launch key, or its supplier's own id
        #[arg(value_name = "KEY")]
        id: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

/// Runs the command.
pub async fn run(args: OrphansArgs, settings: &Settings) -> anyhow::Result<Ending> {
    let client = connect::client(settings).await?;
    if let Some(OrphansCommand::End { id, json }) = args.command {
        let ended = client.orphan_end(&id).await?;
        if json {
            print_json(&all(ended))?;
            return Ok(Ending::Done);
        }
        say(&format!(
            "{id} is being ended; `livery orphans` lists it until it is gone"
        ));
        return Ok(Ending::Done);
    }
    let which = if args.all { Which::All } else { Which::Live };
    let found = client.orphans(which).await?;
    if args.json {
        print_json(&all(found))?;
        return Ok(Ending::Done);
    }
    let now = listing::now();
    let mut table = Table::new([
        "KEY",
        "SUPPLIER",
        "SUPPLIER'S ID",
        "POD",
        "FOUND",
        "WHAT",
        "STATE",
    ]);
    for orphan in &found.orphans {
        table.row([
            orphan.key.to_string(),
            orphan.supplier.clone(),
            orphan.foreign_id.clone(),
            orphan
                .pod
                .as_ref()
                .map_or("-".to_owned(), ToString::to_string),
            listing::ago(orphan.first_seen, now),
            what(orphan.kind).to_owned(),
            state(orphan),
        ]);
    }
    for stray in &found.volumes {
        table.row([
            "-".to_owned(),
            stray.supplier.clone(),
            stray.volume.to_string(),
            "-".to_owned(),
            listing::ago(stray.first_seen, now),
            format!("volume of {} that is not known here", stray.size),
            state_of_stray(stray),
        ]);
    }
    table.print()?;
    Ok(Ending::Done)
}

fn state_of_stray(stray: &StrayVolume) -> String {
    let detail = stray.detail.clone();
    match (stray.gone, stray.end_asked) {
        (Some(_), _) => "gone".to_owned(),
        (None, None) => format!("kept on {}: there may be data on it", stray.host),
        (None, Some(_)) => detail.unwrap_or_else(|| "being deleted".to_owned()),
    }
}

/// One of a list, as JSON.
#[derive(Debug, serde::Serialize)]
#[serde(untagged)]
enum Found {
    Machine(Orphan),
    Volume {
        kind: &'static str,
        #[serde(flatten)]
        stray: StrayVolume,
    },
}

/// Machines and pods first, then volumes.
fn all(list: OrphanList) -> Vec<Found> {
    let volume = |stray| Found::Volume {
        kind: "volume",
        stray,
    };
    let machines = list.orphans.into_iter().map(Found::Machine);
    machines
        .chain(list.volumes.into_iter().map(volume))
        .collect()
}

fn what(kind: OrphanKind) -> &'static str {
    match kind {
        OrphanKind::Ended => "its pod has ended",
        OrphanKind::Double => "its pod has another machine",
        OrphanKind::Unknown => "its launch key is not known here",
        OrphanKind::Missing => "the pod should exist and does not",
    }
}

fn state(orphan: &Orphan) -> String {
    let detail = orphan.detail.clone();
    match (orphan.gone, orphan.kind) {
        (Some(_), _) => "gone".to_owned(),
        (None, OrphanKind::Unknown) if orphan.end_asked.is_none() => {
            detail.unwrap_or_else(|| "kept: another control plane may own it".to_owned())
        }
        (None, OrphanKind::Unknown | OrphanKind::Ended | OrphanKind::Double) => {
            detail.unwrap_or_else(|| "being ended".to_owned())
        }
        (None, OrphanKind::Missing) => detail.unwrap_or_else(|| "missing".to_owned()),
    }
}
