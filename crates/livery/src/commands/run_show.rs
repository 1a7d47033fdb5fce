//! `livery run show`

use super::runs::step;
use crate::connect;
use crate::failure::Ending;
use crate::settings::Settings;
use crate::ui::table::Table;
use crate::ui::{listing, out, print_json};
use livery_api::dto::{EventsQuery, Run};
use std::io::Write;

/// Show a run: where it is, what happened so far, and what it cost.
#[derive(Debug, clap::Args)]
pub struct RunShowArgs {
    /// The run's id, or the name of the newest run of that name
    #[arg(value_name = "RUN")]
    id: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub async fn run(args: RunShowArgs, settings: &Settings) -> anyhow::Result<Ending> {
    let client = connect::client(settings).await?;
    let run = client.run(&args.id).await?;
    if args.json {
        print_json(&run)?;
        return Ok(Ending::Done);
    }
    let events = client.run_events(run.id.as_str(), EventsQuery::default());
    let events = events.await?.events;
    let receipt = client.run_receipt(run.id.as_str()).await?;
    facts(&run).print()?;
    let mut out = out();
    writeln!(out)?;
    for event in &events {
        let since = event.at.since(run.created);
        let mut lines = event.message.lines();
        let first = lines.next().unwrap_or_default();
        writeln!(
            out,
            "{since:>8}  {:<8}  {:<6}  {first}",
            event.step, event.kind
        )?;
        for line in lines {
            writeln!(out, "{:>8}  {:<8}  {:<6}  {line}", "", "", "")?;
        }
    }
    writeln!(out, "\n{}", receipt.text.trim_end())?;
    out.flush()?;
    Ok(Ending::Done)
}

fn facts(run: &Run) -> Table {
    let mut table = Table::bare();
    table.row(["id".into(), run.id.to_string()]);
    table.row(["name".into(), run.name.clone()]);
    table.row(["job file".into(), run.job_file.clone()]);
    table.row(["step".into(), step(run)]);
    table.row(["outcome".into(), run.outcome.to_string()]);
    if let Some(code) = run.exit_code {
        table.row(["exit code".into(), code.to_string()]);
    }
    if let Some(reason) = &run.reason {
        table.row(["reason".into(), reason.clone()]);
    }
    if let Some(pod) = &run.pod {
        table.row(["pod".into(), pod.to_string()]);
    }
    if let Some(results) = &run.results {
        table.row(["results".into(), results.to_string()]);
    }
    table.row(["created".into(), listing::date(run.created)]);
    if let Some(ended) = run.ended {
        table.row(["ended".into(), listing::date(ended)]);
    }
    table
}
