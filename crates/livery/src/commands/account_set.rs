//! `livery account set`

use super::account::table;
use crate::failure::Failure;
use crate::ui::print_json;
use livery_api::Client;
use livery_api::dto::{AccountChange, AmountOrNone, AutoPay, IdleRule, SizeOrNone};
use livery_domain::pod::IdleAction;
use livery_units::{Money, Span};

/// Change what is settled for an account.
///
/// What is not given stays as it is. Limits are per calendar day and month in UTC: a launch that would
/// pass one is refused, and pods are stopped when it is reached. A limit that the control plane's owner
/// sets for another account cannot be lifted by its user; the lower of both holds.
#[derive(Debug, clap::Args)]
pub struct AccountSetArgs {
    /// Its name or id; your own when left out
    account: Option<String>,
    /// The most that it may spend in a day, in dollars, or `none`
    #[arg(long, value_name = "AMOUNT")]
    limit_day: Option<AmountOrNone>,
    /// The most that it may spend in a month, in dollars, or `none`
    #[arg(long, value_name = "AMOUNT")]
    limit_month: Option<AmountOrNone>,
    /// Warn when less than this is left, or `none`
    #[arg(long, value_name = "AMOUNT")]
    low_balance: Option<AmountOrNone>,
    /// How long volumes are kept without credit, such as 7d; for the control plane's owner
    #[arg(long, value_name = "SPAN")]
    grace: Option<Span>,
    /// Top it up by this much, as invoiced, whenever little is left; `off` to stop that
    #[arg(long, value_name = "AMOUNT", value_parser = amount_or_off)]
    auto_pay: Option<AmountOrOff>,
    /// Little for --auto-pay is less than this [default: 5]
    #[arg(long, value_name = "AMOUNT", requires = "auto_pay")]
    auto_pay_below: Option<Money>,
    /// The most that auto-pay may come to in a month, or `none` to forbid it; for the control plane's
    /// owner
    #[arg(long, value_name = "AMOUNT")]
    auto_pay_cap: Option<AmountOrNone>,
    /// How much it may keep at the control plane in files of jobs and results, such as 200GB, or `none`;
    /// for the control plane's owner
    #[arg(long, value_name = "SIZE")]
    content_quota: Option<SizeOrNone>,
    /// What happens to pods that nobody has used for this long, such as 30m; `off` for nothing
    #[arg(long, value_name = "SPAN", value_parser = span_or_off)]
    idle_after: Option<SpanOrOff>,
    /// What happens to them: remind, stop or terminate [default: stop]
    #[arg(long, value_name = "ACTION", requires = "idle_after")]
    idle_action: Option<IdleAction>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy)]
enum AmountOrOff {
    Off,
    Amount(Money),
}

#[derive(Debug, Clone, Copy)]
enum SpanOrOff {
    Off,
    Span(Span),
}

fn amount_or_off(text: &str) -> Result<AmountOrOff, String> {
    match text {
        "off" => Ok(AmountOrOff::Off),
        text => {
            let amount = text.parse().map_err(|error| format!("{error}"));
            amount.map(AmountOrOff::Amount)
        }
    }
}

fn span_or_off(text: &str) -> Result<SpanOrOff, String> {
    match text {
        "off" => Ok(SpanOrOff::Off),
        text => {
            let span = text.parse().map_err(|error| format!("{error}"));
            span.map(SpanOrOff::Span)
        }
    }
}

/// Below which balance auto-pay tops up unless its user says so.
const BELOW: Money = Money::from_nanos(5_000_000_000);

/// Runs the command.
pub async fn run(args: AccountSetArgs, client: &Client) -> anyhow::Result<()> {
    let change = change(&args);
    if change == AccountChange::default() {
        let words = "nothing to change was given";
        return Err(Failure::mistake(words)
            .hint("`livery account set --help` lists what can be settled")
            .into());
    }
    let account = client.account_settle(args.account.as_deref(), &change);
    let account = account.await?;
    match args.json {
        true => print_json(&account)?,
        false => table(&account).print()?,
    }
    Ok(())
}

fn change(args: &AccountSetArgs) -> AccountChange {
    AccountChange {
        limit_day: args.limit_day,
        limit_month: args.limit_month,
        low_balance: args.low_balance,
        grace_ms: args.grace.map(Span::millis),
        auto_pay: args.auto_pay.map(|wanted| match wanted {
            AmountOrOff::Off => AutoPay::Off,
            AmountOrOff::Amount(amount) => AutoPay::On {
                amount,
                below: args.auto_pay_below.unwrap_or(BELOW),
            },
        }),
        auto_pay_cap: args.auto_pay_cap,
        content_quota: args.content_quota,
        idle: args.idle_after.map(|after| match after {
            SpanOrOff::Off => IdleRule::Off,
            SpanOrOff::Span(after) => IdleRule::On {
                after_ms: after.millis(),
                action: args.idle_action.unwrap_or(IdleAction::Stop),
            },
        }),
    }
}
