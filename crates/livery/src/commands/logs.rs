//! `livery logs`

use crate::attached::log::{self, Until};
use crate::connect;
use crate::failure::Ending;
use crate::settings::Settings;

/// Print what a run's job printed.
#[derive(Debug, clap::Args)]
pub struct LogsArgs {
    /// The run's id, or the name of the newest run of that name
    #[arg(value_name = "RUN")]
    id: String,
    /// Go on until the job has ended
    #[arg(short, long)]
    follow: bool,
}

/// Runs the command.
pub async fn run(args: LogsArgs, settings: &Settings) -> anyhow::Result<Ending> {
    let client = connect::client(settings).await?;
    let run = client.run(&args.id).await?;
    let until = if args.follow { Until::Over } else { Until::Now };
    log::print(&client, run.id.as_str(), until).await?;
    Ok(Ending::Done)
}
