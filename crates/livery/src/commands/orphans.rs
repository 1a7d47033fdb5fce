//! `livery orphans`

use crate::connect;
use crate::failure::Ending;
use crate::settings::Settings;
use crate::ui::table::Table;
use crate::ui::{listing, print_json, say};
use livery_api::dto::{Orphan, Which};
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
    /// End a machine whose launch key is not known here
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
        let ended = client.orphan_end(&id).await?.orphans;
        if json {
            print_json(&ended)?;
            return Ok(Ending::Done);
        }
        say(&format!(
            "{id} is being ended; `livery orphans` lists it until it is gone"
        ));
        return Ok(Ending::Done);
    }
    let which = if args.all { Which::All } else { Which::Live };
    let orphans = client.orphans(which).await?.orphans;
    if args.json {
        print_json(&orphans)?;
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
    for orphan in &orphans {
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
    table.print()?;
    Ok(Ending::Done)
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
