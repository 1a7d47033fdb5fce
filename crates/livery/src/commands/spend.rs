//! `livery spend`

use super::money;
use crate::connect;
use crate::failure::Ending;
use crate::settings::Settings;
use crate::ui::table::Table;
use crate::ui::{listing, print_json};
use livery_api::dto::{Spend, SpendQuery, Spending, SpentOn};
use livery_units::Money;

/// Show what is being spent now, and on what.
///
/// Days and months are those of UTC.
#[derive(Debug, clap::Args)]
pub struct SpendArgs {
    /// With everything that cost something today, ended ones too
    #[arg(long, conflicts_with = "month")]
    today: bool,
    /// With everything that cost something this month, ended ones too
    #[arg(long)]
    month: bool,
    /// Another account, by name or id; for the control plane's owner
    #[arg(long, value_name = "ACCOUNT")]
    account: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub async fn run(args: SpendArgs, settings: &Settings) -> anyhow::Result<Ending> {
    let client = connect::client(settings).await?;
    let on = match (args.today, args.month) {
        (true, _) => SpentOn::Today,
        (false, true) => SpentOn::Month,
        (false, false) => SpentOn::Living,
    };
    let query = SpendQuery { on };
    let spend = client.spend(args.account.as_deref(), &query).await?;
    if args.json {
        print_json(&spend)?;
        return Ok(Ending::Done);
    }
    things(&spend).print()?;
    totals(&spend).print()?;
    Ok(Ending::Done)
}

fn things(spend: &Spend) -> Table {
    let mut table = Table::new([
        "ID",
        "NAME",
        "STATE",
        "RATE",
        "SO FAR",
        "TODAY",
        "THIS MONTH",
    ]);
    for thing in &spend.things {
        table.row([
            thing.id.clone(),
            thing.name.clone(),
            thing.state.clone(),
            listing::hourly(thing.hourly),
            thing.so_far.shown(),
            thing.today.shown(),
            thing.month.shown(),
        ]);
    }
    let sum = |of: fn(&Spending) -> Money| spend.things.iter().map(of).sum::<Money>().shown();
    table.row([
        "total".to_owned(),
        String::new(),
        String::new(),
        listing::hourly(spend.balance.hourly),
        sum(|thing| thing.so_far),
        sum(|thing| thing.today),
        sum(|thing| thing.month),
    ]);
    table
}

/// What the account has spent with everything, against its limits.
fn totals(spend: &Spend) -> Table {
    let (balance, settings) = (&spend.balance, &spend.balance.account.settings);
    let mut table = Table::bare();
    let limits = settings.limits_in_force();
    let limits = [
        ("today", balance.spent_day, limits.day),
        ("this month", balance.spent_month, limits.month),
    ];
    for (what, spent, limit) in limits {
        table.row([what.to_owned(), money::of_limit(spent, limit)]);
    }
    table.row(["available".to_owned(), balance.left.shown()]);
    table
}
