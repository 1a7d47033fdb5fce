//! `livery token`

use crate::connect;
use crate::failure::Ending;
use crate::settings::Settings;
use crate::ui::table::Table;
use crate::ui::{listing, out, print_json, say, warn};
use livery_api::dto::{NewToken, Token, TokenCreated, TokenRotation};
use livery_units::{Span, Timestamp};
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
        /// The account that it acts for, by name or id [default: your own]
        #[arg(long, value_name = "ACCOUNT")]
        account: Option<String>,
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
    /// Make a new token in the place of one, and print it; it is shown only now
    Rotate {
        /// The old token's id, as `livery token list` shows it
        id: String,
        /// For how long the old one may still be used, such as 1h
        #[arg(long, value_name = "SPAN", default_value = "24h")]
        grace: Span,
        /// End the old one at once
        #[arg(long, conflicts_with = "grace")]
        now: bool,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// End a token
    Revoke {
        /// The token's id, as `livery token list` shows it
        id: String,
    },
}

/// Runs the command.
pub async fn run(args: TokenArgs, settings: &Settings) -> anyhow::Result<Ending> {
    let client = connect::client(settings).await?;
    match args.command {
        TokenCommand::Create {
            label,
            account,
            json,
        } => {
            let made = client.token_create(&NewToken { label, account }).await?;
            let words = format!("token {}: keep it, it is not shown again", made.info.id);
            match json {
                true => print_json(&made)?,
                false => show(&made, &words)?,
            }
        }
        TokenCommand::List { json } => {
            let tokens = client.tokens().await?.tokens;
            if json {
                print_json(&tokens)?;
                return Ok(Ending::Done);
            }
            list(tokens).print()?;
        }
        TokenCommand::Rotate {
            id,
            grace,
            now,
            json,
        } => {
            let grace = if now { Span::ZERO } else { grace };
            let rotation = TokenRotation {
                grace_ms: grace.millis(),
            };
            let made = client.token_rotate(&id, &rotation).await?;
            let until = match grace {
                Span::ZERO => "has ended".to_owned(),
                grace => format!("can be used for {grace} more"),
            };
            let words = format!(
                "token {}: keep it, it is not shown again; token {id} {until}",
                made.info.id
            );
            match json {
                true => print_json(&made)?,
                false => show(&made, &words)?,
            }
        }
        TokenCommand::Revoke { id } => {
            let revoked = client.token_revoke(&id).await?;
            say(&format!("token {id} is revoked"));
            if revoked.left == 0 {
                let account = &revoked.token.account_name;
                warn(&format!(
                    "it was the last token of account {account}, which cannot be reached over TCP \
                     now; `livery token create LABEL --account {account}` makes another"
                ));
            }
        }
    }
    Ok(Ending::Done)
}

fn list(tokens: Vec<Token>) -> Table {
    let now = listing::now();
    let ago = |at: Option<Timestamp>| at.map_or("-".to_owned(), |at| listing::ago(at, now));
    let mut table = Table::new(["ID", "LABEL", "ACCOUNT", "CREATED", "USED", "EXPIRES"]);
    for token in tokens {
        let expires = token.expires.map_or("-".to_owned(), listing::date);
        table.row([
            token.id,
            token.label,
            token.account_name,
            listing::ago(token.created, now),
            ago(token.used),
            expires,
        ]);
    }
    table
}

/// Prints a token that was made: the only time that it is shown.
fn show(made: &TokenCreated, words: &str) -> anyhow::Result<()> {
    say(words);
    let mut out = out();
    writeln!(out, "{}", made.token)?;
    out.flush()?;
    Ok(())
}
