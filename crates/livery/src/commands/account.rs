//! `livery account`

use super::account_set;
use super::money::limit;
use crate::connect;
use crate::failure::Ending;
use crate::settings::Settings;
use crate::ui::table::Table;
use crate::ui::{listing, out, print_json, say};
use livery_api::dto::{
    Account, AccountCreated, AutoPay, CreditKind, Grant, IdleRule, NewAccount, PostedKind,
};
use livery_units::{Money, Span};
use std::io::Write;

/// Make, list, top up and settle the accounts that pay.
#[derive(Debug, clap::Args)]
pub struct AccountArgs {
    #[command(subcommand)]
    command: AccountCommand,
}

#[derive(Debug, clap::Subcommand)]
enum AccountCommand {
    /// List all accounts; for the control plane's owner
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Make a prepaid account, and print its token, which is shown only now
    Create {
        /// Its name
        name: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Show an account and what is settled for it
    Show {
        /// Its name or id; your own when left out
        account: Option<String>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Top an account up by $10 or more; for the control plane's owner
    Grant {
        /// Its name or id
        account: String,
        /// How much, in dollars
        amount: Money,
        /// Names the payment, such as an invoice: the same payment counts once
        #[arg(long, value_name = "TEXT")]
        reference: Option<String>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    Set(account_set::AccountSetArgs),
}

/// Runs the command.
pub async fn run(args: AccountArgs, settings: &Settings) -> anyhow::Result<Ending> {
    let client = connect::client(settings).await?;
    match args.command {
        AccountCommand::List { json } => {
            let accounts = client.accounts().await?.accounts;
            match json {
                true => print_json(&accounts)?,
                false => list(&accounts).print()?,
            }
        }
        AccountCommand::Create { name, json } => {
            let made = client.account_create(&NewAccount { name }).await?;
            match json {
                true => print_json(&made)?,
                false => show_created(&made)?,
            }
        }
        AccountCommand::Show { account, json } => {
            let account = client.account(account.as_deref()).await?;
            match json {
                true => print_json(&account)?,
                false => table(&account).print()?,
            }
        }
        AccountCommand::Grant {
            account,
            amount,
            reference,
            json,
        } => {
            let grant = Grant { amount, reference };
            let granted = client.account_grant(&account, &grant).await?;
            if json {
                print_json(&granted)?;
                return Ok(Ending::Done);
            }
            let (name, balance) = (&granted.account.name, granted.account.balance);
            match granted.posted {
                PostedKind::New => say(&format!(
                    "account {name} is topped up by {} and has {}",
                    amount.shown(),
                    balance.shown()
                )),
                PostedKind::Before => say(&format!(
                    "that payment was counted before: nothing is changed, and account {name} has {}",
                    balance.shown()
                )),
            }
        }
        AccountCommand::Set(args) => account_set::run(args, &client).await?,
    }
    Ok(Ending::Done)
}

fn list(accounts: &[Account]) -> Table {
    let now = listing::now();
    let mut table = Table::new([
        "ID", "NAME", "CREDIT", "BALANCE", "HELD", "STANDING", "CREATED",
    ]);
    for account in accounts {
        table.row([
            account.id.to_string(),
            account.name.clone(),
            credit(account).to_owned(),
            account.balance.shown(),
            account.held.shown(),
            standing(account),
            listing::ago(account.created, now),
        ]);
    }
    table
}

fn show_created(made: &AccountCreated) -> anyhow::Result<()> {
    let (name, id) = (&made.account.name, &made.account.id);
    say(&format!(
        "account {name} ({id}) is made; its token, to be given to its user, is not shown again:"
    ));
    let mut out = out();
    writeln!(out, "{}", made.token.token)?;
    out.flush()?;
    Ok(())
}

/// Makes the table of an account and what is settled for it.
pub fn table(account: &Account) -> Table {
    let settings = &account.settings;
    let or = |amount: Option<Money>, none: &str| amount.map_or(none.to_owned(), Money::shown);
    let mut table = Table::bare();
    for (what, text) in [
        ("id", account.id.to_string()),
        ("name", account.name.clone()),
        ("created", listing::date(account.created)),
        ("credit", credit(account).to_owned()),
        ("standing", standing(account)),
        ("balance", account.balance.shown()),
        ("held", account.held.shown()),
        (
            "limit per day",
            limit(settings.limit_day, settings.owner_limit_day),
        ),
        (
            "limit per month",
            limit(settings.limit_month, settings.owner_limit_month),
        ),
        ("low balance", or(settings.low_balance, "never warned")),
        (
            "grace period",
            Span::from_millis(settings.grace_ms).to_string(),
        ),
        ("auto-pay", auto_pay(settings.auto_pay)),
        ("auto-pay cap", or(settings.auto_pay_cap, "not allowed")),
        ("idle pods", idle(settings.idle)),
        ("files kept", kept(account)),
    ] {
        table.row([what.to_owned(), text]);
    }
    table
}

fn credit(account: &Account) -> &'static str {
    match account.credit {
        CreditKind::Prepaid => "prepaid",
        CreditKind::Owner => "may owe",
    }
}

fn standing(account: &Account) -> String {
    match account.out_since {
        None => "good".to_owned(),
        Some(since) => format!("no credit since {}", listing::date(since)),
    }
}

fn auto_pay(auto_pay: AutoPay) -> String {
    match auto_pay {
        AutoPay::Off => "off".to_owned(),
        AutoPay::On { amount, below } => {
            format!(
                "{} whenever less than {} is left",
                amount.shown(),
                below.shown()
            )
        }
    }
}

fn kept(account: &Account) -> String {
    match account.settings.content_quota {
        None => format!("{} (no quota)", account.content),
        Some(quota) => format!("{} of {quota}", account.content),
    }
}

fn idle(rule: IdleRule) -> String {
    match rule {
        IdleRule::Off => "nothing".to_owned(),
        IdleRule::On { after_ms, action } => {
            format!("{action} after {}", Span::from_millis(after_ms))
        }
    }
}
