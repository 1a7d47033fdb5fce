//! `livery runs`

use crate::connect;
use crate::failure::Ending;
use crate::settings::Settings;
use crate::ui::table::Table;
use crate::ui::{listing, print_json};
use livery_api::dto::{Run, Which};

/// List the runs, newest first.
#[derive(Debug, clap::Args)]
pub struct RunsArgs {
    /// Only those that are not over
    #[arg(long)]
    live: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub async fn run(args: RunsArgs, settings: &Settings) -> anyhow::Result<Ending> {
    let client = connect::client(settings).await?;
    let which = if args.live { Which::Live } else { Which::All };
    let list = client.runs(which).await?;
    if args.json {
        print_json(&list.runs)?;
        return Ok(Ending::Done);
    }
    let now = listing::now();
    let mut table = Table::new(["ID", "NAME", "STEP", "OUTCOME", "EXIT", "CREATED", "TOOK"]);
    for run in &list.runs {
        table.row([
            run.id.to_string(),
            run.name.clone(),
            step(run),
            run.outcome.to_string(),
            run.exit_code
                .map_or("-".to_owned(), |code| code.to_string()),
            listing::ago(run.created, now),
            listing::rough(run.ended.unwrap_or(now).since(run.created)),
        ]);
    }
    table.print()?;
    Ok(Ending::Done)
}

/// Where a run is: `6/8 train`, or that it is over.
pub fn step(run: &Run) -> String {
    match run.ended {
        Some(_) => "over".to_owned(),
        None => format!("{}/8 {}", run.step.number(), run.step),
    }
}
