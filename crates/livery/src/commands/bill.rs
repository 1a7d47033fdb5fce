//! `livery bill`

use super::bill_table;
use crate::connect;
use crate::failure::{Ending, Failure};
use crate::settings::Settings;
use crate::ui::{out, print_json};
use futures_util::StreamExt;
use livery_api::Client;
use livery_api::dto::{Statement, StatementBy, StatementQuery};
use livery_units::Day;
use std::io::Write;

/// Show what was charged and paid in: a statement per day and pod.
///
/// Days and months are those of UTC. What was charged counts for the day on which the time that it is
/// for ended. Without a period it is this month's.
#[derive(Debug, clap::Args)]
pub struct BillArgs {
    /// A whole month, such as 2026-11
    #[arg(long, value_name = "MONTH", value_parser = month, conflicts_with_all = ["from", "to"])]
    month: Option<Month>,
    /// The first day, such as 2026-11-05
    #[arg(long, value_name = "DAY")]
    from: Option<Day>,
    /// The last day [default: today]
    #[arg(long, value_name = "DAY")]
    to: Option<Day>,
    /// Add up what each day, or each pod, has cost
    #[arg(long, value_name = "day|pod", value_parser = by)]
    by: Option<StatementBy>,
    /// Print CSV: charges are negative, payments positive
    #[arg(long, conflicts_with = "json")]
    csv: bool,
    /// Show what hosts and suppliers have earned in all instead; for the control plane's owner
    #[arg(long, conflicts_with_all = ["month", "from", "to", "by", "csv", "account"])]
    earnings: bool,
    /// Another account, by name or id; for the control plane's owner
    #[arg(long, value_name = "ACCOUNT")]
    account: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// A month of the calendar, by its first and last day.
#[derive(Debug, Clone, Copy)]
struct Month {
    first: Day,
    last: Day,
}

fn month(text: &str) -> Result<Month, String> {
    let first = format!("{text}-01").parse::<Day>();
    let first = first.map_err(|_| format!("`{text}` is not a month (write it as 2026-11)"))?;
    let last = first.month_end();
    Ok(Month { first, last })
}

fn by(text: &str) -> Result<StatementBy, String> {
    match text {
        "day" => Ok(StatementBy::Day),
        "pod" => Ok(StatementBy::Pod),
        other => Err(format!("`{other}` is neither day nor pod")),
    }
}

/// Runs the command.
pub async fn run(args: BillArgs, settings: &Settings) -> anyhow::Result<Ending> {
    let client = connect::client(settings).await?;
    if args.earnings {
        let earnings = client.earnings().await?;
        match args.json {
            true => print_json(&earnings.earned)?,
            false => bill_table::earnings(&earnings).print()?,
        }
        return Ok(Ending::Done);
    }
    let query = query(&args)?;
    let account = args.account.as_deref();
    if args.csv {
        print_csv(&client, account, &query).await?;
        return Ok(Ending::Done);
    }
    let statement = whole(&client, account, query).await?;
    if args.json {
        print_json(&statement)?;
        return Ok(Ending::Done);
    }
    bill_table::payments(&statement, &mut out())?;
    bill_table::lines(&statement, args.by.unwrap_or_default()).print()?;
    bill_table::totals(&statement).print()?;
    Ok(Ending::Done)
}

fn query(args: &BillArgs) -> anyhow::Result<StatementQuery> {
    let (from, to) = match args.month {
        Some(month) => (Some(month.first), Some(month.last)),
        None => (args.from, args.to),
    };
    if let (Some(from), Some(to)) = (from, to)
        && to < from
    {
        let words = format!("the last day, {to}, is before the first, {from}");
        return Err(Failure::mistake(words).into());
    }
    Ok(StatementQuery {
        from,
        to,
        by: args.by.unwrap_or_default(),
        ..StatementQuery::default()
    })
}

/// Asks for page after page.
async fn whole(
    client: &Client,
    account: Option<&str>,
    query: StatementQuery,
) -> anyhow::Result<Statement> {
    let mut whole = client.statement(account, &query).await?;
    while let Some(after) = whole.next.take() {
        let after = Some(after);
        let query = StatementQuery {
            after,
            ..query.clone()
        };
        let page = client.statement(account, &query).await?;
        whole.lines.extend(page.lines);
        whole.next = page.next;
    }
    Ok(whole)
}

async fn print_csv(
    client: &Client,
    account: Option<&str>,
    query: &StatementQuery,
) -> anyhow::Result<()> {
    let mut pieces = client.statement_csv(account, query).await?;
    let mut out = out();
    while let Some(piece) = pieces.next().await {
        out.write_all(&piece?)?;
    }
    out.flush()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_has_its_days_and_no_other_text_is_one() {
        let february = month("2028-02").unwrap();
        let days = (february.first.to_string(), february.last.to_string());
        assert_eq!(days, ("2028-02-01".to_owned(), "2028-02-29".to_owned()));
        for text in ["2026", "2026-13", "2026-11-01", "november"] {
            assert!(month(text).is_err(), "{text}");
        }
    }
}
