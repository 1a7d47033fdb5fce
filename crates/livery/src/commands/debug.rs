//! `livery debug`

use crate::connect;
use crate::failure::Ending;
use crate::settings::Settings;
use crate::ui::table::Table;
use crate::ui::{listing, print_json};
use livery_api::Client;
use livery_api::dto::TaskStatus;

/// Look inside the control plane.
#[derive(Debug, clap::Args)]
pub struct DebugArgs {
    #[command(subcommand)]
    command: DebugCommand,
}

#[derive(Debug, clap::Subcommand)]
enum DebugCommand {
    /// List the background tasks with their last activation
    Tasks(Form),
    /// Check every transfer and book of the ledger
    Ledger(Form),
}

/// How the answer is printed.
#[derive(Debug, Clone, Copy, clap::Args)]
struct Form {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub async fn run(args: DebugArgs, settings: &Settings) -> anyhow::Result<Ending> {
    let client = connect::client(settings).await?;
    match args.command {
        DebugCommand::Tasks(form) => tasks(&client, form).await,
        DebugCommand::Ledger(form) => ledger(&client, form).await,
    }
}

async fn ledger(client: &Client, form: Form) -> anyhow::Result<Ending> {
    let ledger = client.ledger().await?;
    if form.json {
        print_json(&ledger)?;
        return Ok(Ending::Done);
    }
    let mut table = Table::bare();
    table.row([
        "transfers".into(),
        format!("{}, and the books balance", ledger.transfers),
    ]);
    table.row(["balance".into(), ledger.balance.to_string()]);
    table.row(["held".into(), ledger.held.to_string()]);
    table.print()?;
    Ok(Ending::Done)
}

async fn tasks(client: &Client, form: Form) -> anyhow::Result<Ending> {
    let tasks = client.tasks().await?.tasks;
    if form.json {
        print_json(&tasks)?;
        return Ok(Ending::Done);
    }
    let now = listing::now();
    let mut table = Table::new(["TASK", "EVERY", "ACTIVATIONS", "LAST", "TOOK", "REPORT"]);
    for task in tasks {
        let last = task
            .began
            .map_or("-".to_owned(), |began| listing::ago(began, now));
        let took = took(&task);
        table.row([
            task.name,
            listing::rough(livery_units::Span::from_millis(task.period_ms)),
            task.activations.to_string(),
            last,
            took,
            task.report.to_string(),
        ]);
    }
    table.print()?;
    Ok(Ending::Done)
}

fn took(task: &TaskStatus) -> String {
    let took = task.took_ms.map(livery_units::Span::from_millis);
    took.map_or("-".to_owned(), |took| took.to_string())
}
