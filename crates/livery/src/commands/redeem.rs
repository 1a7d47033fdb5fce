//! `livery redeem`

use crate::connect;
use crate::failure::Ending;
use crate::settings::Settings;
use crate::ui::{print_json, say};
use livery_api::dto::Redeem;
use std::io::Read;

/// Redeem a voucher's code: your account is topped up by its worth.
#[derive(Debug, clap::Args)]
pub struct RedeemArgs {
    /// The code; `-` reads it from standard input, where other users of the machine do not see it
    #[arg(value_name = "CODE", allow_hyphen_values = true)]
    code: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Longest text that is read as a code.
const CODE_BYTES_MAX: u64 = 1_000;

/// Runs the command.
pub async fn run(args: RedeemArgs, settings: &Settings) -> anyhow::Result<Ending> {
    let code = match args.code.as_str() {
        "-" => {
            let mut code = String::new();
            std::io::stdin()
                .take(CODE_BYTES_MAX)
                .read_to_string(&mut code)?;
            code
        }
        _ => args.code,
    };
    let client = connect::client(settings).await?;
    let redeemed = client.redeem(&Redeem { code }).await?;
    if args.json {
        print_json(&redeemed)?;
        return Ok(Ending::Done);
    }
    say(&format!(
        "account {} is topped up by {} and has {}",
        redeemed.account.name,
        redeemed.amount.shown(),
        redeemed.account.balance.shown()
    ));
    Ok(Ending::Done)
}
