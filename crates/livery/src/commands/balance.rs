//! `livery balance`

use super::money;
use crate::connect;
use crate::failure::Ending;
use crate::settings::Settings;
use crate::ui::table::Table;
use crate::ui::{listing, print_json};
use livery_api::dto::{AutoPay, Balance, CreditKind};
use livery_units::{Money, Timestamp};

/// Show what there is to spend, what is being spent, and how long it lasts.
#[derive(Debug, clap::Args)]
pub struct BalanceArgs {
    /// Another account, by name or id; for the control plane's owner
    #[arg(long, value_name = "ACCOUNT")]
    account: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub async fn run(args: BalanceArgs, settings: &Settings) -> anyhow::Result<Ending> {
    let client = connect::client(settings).await?;
    let balance = client.balance(args.account.as_deref()).await?;
    if args.json {
        print_json(&balance)?;
        return Ok(Ending::Done);
    }
    table(&balance, listing::now()).print()?;
    Ok(Ending::Done)
}

fn table(balance: &Balance, now: Timestamp) -> Table {
    let account = &balance.account;
    let settings = &account.settings;
    let mut table = Table::bare();
    let mut row = |what: &str, text: String| table.row([what.to_owned(), text]);
    let credit = match account.credit {
        CreditKind::Prepaid => "prepaid",
        CreditKind::Owner => "may owe",
    };
    row(
        "account",
        format!("{} ({}, {credit})", account.name, account.id),
    );
    row("available", available(balance));
    row("spending", listing::hourly(balance.hourly));
    row("lasts", lasts(balance, now));
    let limits = settings.limits_in_force();
    let limits = [
        ("today", balance.spent_day, limits.day),
        ("this month", balance.spent_month, limits.month),
    ];
    for (what, spent, limit) in limits {
        row(what, money::of_limit(spent, limit));
    }
    row("standing", standing(balance));
    let warned = settings.low_balance.map(Money::shown);
    let warned = warned.map_or("off".to_owned(), |below| format!("below {below}"));
    row("warning", warned);
    row("auto-pay", auto_pay(balance));
    table
}

fn available(balance: &Balance) -> String {
    let held = balance.account.held;
    let held = if held == Money::ZERO {
        String::new()
    } else {
        format!(", of which {} is held for what runs", held.shown())
    };
    format!("{}{held}", balance.left.shown())
}

fn lasts(balance: &Balance, now: Timestamp) -> String {
    match balance.empty_at {
        Some(at) => format!("{}, until {}", at.since(now), listing::date(at)),
        None => "-".to_owned(),
    }
}

fn standing(balance: &Balance) -> String {
    let Some(since) = balance.account.out_since else {
        return "good".to_owned();
    };
    let kept = match balance.deletion {
        Some(at) => format!("; volumes are kept until {}", listing::date(at)),
        None => String::new(),
    };
    format!("no credit since {}{kept}", listing::date(since))
}

fn auto_pay(balance: &Balance) -> String {
    let settings = &balance.account.settings;
    match (settings.auto_pay, settings.auto_pay_cap) {
        (AutoPay::Off, None) => "off".to_owned(),
        (AutoPay::Off, Some(cap)) => format!("off; allowed up to {} a month", cap.shown()),
        (AutoPay::On { amount, below }, cap) => format!(
            "{} whenever less than {} is left: {} this month",
            amount.shown(),
            below.shown(),
            money::of_limit(balance.auto_paid, cap)
        ),
    }
}
