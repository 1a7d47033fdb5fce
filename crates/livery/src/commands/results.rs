//! `livery results`

use crate::connect;
use crate::failure::Ending;
use crate::settings::Settings;
use crate::transfer::download;
use crate::ui::say;
use std::path::PathBuf;

/// Bring the files that a run left behind to a directory, each verified by its hash.
#[derive(Debug, clap::Args)]
pub struct ResultsArgs {
    /// The run's id, or the name of the newest run of that name
    #[arg(value_name = "RUN")]
    id: String,
    /// Where to [default: ./results/NAME]
    dir: Option<PathBuf>,
    /// Drop them at the control plane, where they are kept as long as the run is listed
    #[arg(long, conflicts_with = "dir")]
    drop: bool,
}

/// Runs the command.
pub async fn run(args: ResultsArgs, settings: &Settings) -> anyhow::Result<Ending> {
    let client = connect::client(settings).await?;
    if args.drop {
        let run = client.run_results_drop(&args.id).await?;
        say(&format!("the results of run {} are dropped", run.id));
        return Ok(Ending::Done);
    }
    let run = client.run(&args.id).await?;
    let results = client.run_results(run.id.as_str()).await?;
    let (home, dir) = download::results(&client, &run, results.manifest, args.dir).await?;
    say(&format!("{home} in {}", dir.display()));
    Ok(Ending::Done)
}
