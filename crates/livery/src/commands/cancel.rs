//! `livery cancel`

use crate::attached::steps::{self, Wait};
use crate::connect;
use crate::failure::Ending;
use crate::settings::Settings;
use crate::ui::{print_json, say};

/// Cancel a run: what there is of its results is brought home, its pod is torn down.
#[derive(Debug, clap::Args)]
pub struct CancelArgs {
    /// The run's id, or the name of the newest run of that name
    #[arg(value_name = "RUN")]
    id: String,
    /// Do not wait for the teardown
    #[arg(long)]
    no_wait: bool,
    /// Print the run as JSON
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub async fn run(args: CancelArgs, settings: &Settings) -> anyhow::Result<Ending> {
    let client = connect::client(settings).await?;
    let run = client.run(&args.id).await?;
    let id = run.id.to_string();
    let mut after = run;
    if after.ended.is_some() {
        say(&format!("run {id} is over already: {}", after.outcome));
    } else {
        after = client.run_cancel(&id).await?;
        say(&format!("run {id} is being cancelled"));
        if !args.no_wait {
            after = steps::until_over(&client, &id, Wait::Quietly).await?;
            say(&format!("run {id} is torn down: {}", after.outcome));
        }
    }
    if args.json {
        print_json(&after)?;
    }
    Ok(Ending::Done)
}
