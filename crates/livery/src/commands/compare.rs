//! `livery compare`

use super::answered;
use super::inquiry::{self, FromJob, WorkArgs};
use crate::connect;
use crate::failure::Ending;
use crate::settings::Settings;
use livery_api::dto::WantedGpus;

/// Compare what work on a GPU costs with every provider that has it.
///
/// Each provider is there once, with the machine on which the work is cheapest. A live offer of a
/// provider that is set up here wins over the catalogue; a single published figure counts before a
/// range, and a newer figure before an older one. Figures older than 30 days are shown as dated.
#[derive(Debug, clap::Args)]
pub struct CompareArgs {
    /// The GPU, such as "A100 40GB", A100:8 for eight in one machine, aws:V100 for one provider's;
    /// may be given several times
    #[arg(long = "gpu", value_name = "GPU", required = true, value_parser = inquiry::wanted)]
    gpus: Vec<WantedGpus>,
    #[command(flatten)]
    work: WorkArgs,
}

/// Runs the command.
pub async fn run(args: CompareArgs, settings: &Settings) -> anyhow::Result<Ending> {
    let question = args.work.question(args.gpus, FromJob::default())?;
    let client = connect::client(settings).await?;
    let answer = client.compare(&question).await?;
    if args.work.json {
        return answered::print_as_json(&answer);
    }
    answered::print_costs(&answer, &question)?;
    Ok(Ending::Done)
}
