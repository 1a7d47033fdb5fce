//! `livery token`

use crate::connect;
use crate::failure::Ending;
use crate::settings::Settings;
use crate::ui::table::Table;
use crate::ui::{listing, out, print_json, say};
use livery_api::dto::NewToken;
use std::io::Write;

/// Make, list and revoke the tokens that callers over TCP need.
#[derive(Debug, clap::Args)]
pub struct TokenArgs {
    #[command(subcommand)]
    command: TokenCommand,
}

#[derive(Debug, clap::Subcommand)]
enum TokenCommand {
    /// Make a token and print it; it is shown only now
    Create {
        /// What it is for
        label: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// List the tokens
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Make a token worthless
    Revoke {
        /// The token's id, as `livery token list` shows it
        id: String,
    },
}

/// Runs the command.
pub async fn run(args: TokenArgs, settings: &Settings) -> anyhow::Result<Ending> {
    let client = connect::client(settings).await?;
    match args.command {
        TokenCommand::Create { label, json } => {
            let made = client.token_create(&NewToken { label }).await?;
            if json {
                print_json(&made)?;
                return Ok(Ending::Done);
            }
            say(&format!(
                "token {}: keep it, it is not shown again",
                made.info.id
            ));
            let mut out = out();
            writeln!(out, "{}", made.token)?;
            out.flush()?;
        }
        TokenCommand::List { json } => {
            let tokens = client.tokens().await?.tokens;
            if json {
                print_json(&tokens)?;
                return Ok(Ending::Done);
            }
            let now = listing::now();
            let mut table = Table::new(["ID", "LABEL", "ACCOUNT", "CREATED"]);
            for token in tokens {
                let created = listing::ago(token.created, now);
                table.row([token.id, token.label, token.account, created]);
            }
            table.print()?;
        }
        TokenCommand::Revoke { id } => {
            client.token_revoke(&id).await?;
            say(&format!("token {id} is revoked"));
        }
    }
    Ok(Ending::Done)
}
