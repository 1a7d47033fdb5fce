//! `livery buy-or-rent`

use crate::connect;
use crate::failure::{Ending, Failure};
use crate::settings::Settings;
use crate::ui::{dollars, out, print_json, say};
use livery_api::dto::{Inquiry, QuoteLine, WantedGpus};
use livery_domain::market::{BuyOrRent, Cheaper, Power, Purchase, Usage, buy_or_rent};
use livery_units::Money;
use serde::Serialize;
use std::io::Write;

/// Work out after how many hours of use buying a GPU is cheaper than renting it.
///
/// The rent is --rent, or else the lowest price on demand of --gpu.
#[derive(Debug, clap::Args)]
#[command(group(clap::ArgGroup::new("whose-rent").required(true).args(["rent", "gpu"])))]
pub struct BuyOrRentArgs {
    /// What the GPU costs
    #[arg(long, value_name = "DOLLARS")]
    price: Money,
    /// What it is sold for in the end
    #[arg(long, value_name = "DOLLARS", default_value = "0")]
    resale: Money,
    /// What its power costs in a month, however much it is used
    #[arg(long, value_name = "DOLLARS", conflicts_with = "power_watts")]
    power_monthly: Option<Money>,
    /// What the machine draws while it is used
    #[arg(long, value_name = "WATTS", requires = "per_kwh")]
    power_watts: Option<u32>,
    /// What a kilowatt-hour costs
    #[arg(long, value_name = "DOLLARS", requires = "power_watts")]
    per_kwh: Option<Money>,
    /// Hours of use in a month
    #[arg(long, value_name = "HOURS", value_parser = clap::value_parser!(u32).range(1..=744))]
    hours_per_month: u32,
    /// For how many months both ways are compared
    #[arg(long, value_name = "MONTHS", default_value = "24", value_parser = clap::value_parser!(u32).range(1..=1200))]
    months: u32,
    /// What renting costs in an hour
    #[arg(long, value_name = "DOLLARS")]
    rent: Option<Money>,
    /// The GPU whose lowest price is the rent, such as "RTX 4090"
    #[arg(long, value_name = "GPU", value_parser = super::inquiry::wanted)]
    gpu: Option<WantedGpus>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Printed<'a> {
    rent_hourly: String,
    /// The price that is the rent, when none was given.
    rent_of: Option<&'a QuoteLine>,
    break_even_hours: Option<u64>,
    break_even_months: Option<String>,
    power_monthly: String,
    months: u32,
    buying: String,
    renting: String,
    cheaper: &'static str,
}

/// Runs the command.
pub async fn run(args: BuyOrRentArgs, settings: &Settings) -> anyhow::Result<Ending> {
    check(&args)?;
    let rent = rent(&args, settings).await?;
    let purchase = Purchase {
        price: args.price,
        resale: args.resale,
        power: match (args.power_watts, args.per_kwh) {
            (Some(watts), Some(per_kwh)) => Power::Metered { watts, per_kwh },
            (_, _) => Power::PerMonth(args.power_monthly.unwrap_or(Money::ZERO)),
        },
        months: args.months,
    };
    let usage = Usage {
        hours_per_month: args.hours_per_month,
        rent_hourly: rent.hourly,
    };
    let found = buy_or_rent(&purchase, &usage);
    let found = found.map_err(|why| Failure::mistake(why.to_string()))?;
    if args.json {
        print_json(&printed(&found, &rent, args.months))?;
    } else {
        if let Some(line) = &rent.of {
            say(&asked(line));
        }
        print(&found, rent.hourly, args.months)?;
    }
    Ok(Ending::Done)
}

/// Nobody is paid for buying, for power or for renting.
fn check(args: &BuyOrRentArgs) -> Result<(), Failure> {
    for (flag, amount) in [
        ("--price", Some(args.price)),
        ("--resale", Some(args.resale)),
        ("--power-monthly", args.power_monthly),
        ("--per-kwh", args.per_kwh),
        ("--rent", args.rent),
    ] {
        if amount.is_some_and(Money::is_negative) {
            return Err(Failure::mistake(format!(
                "{flag}: an amount is not negative"
            )));
        }
    }
    Ok(())
}

/// What renting costs in an hour, and whose price that is when it was not given.
struct Rent {
    hourly: Money,
    of: Option<QuoteLine>,
}

/// Returns the rent that was given, or else the lowest that somebody asks for the GPU.
async fn rent(args: &BuyOrRentArgs, settings: &Settings) -> anyhow::Result<Rent> {
    if let Some(hourly) = args.rent {
        return Ok(Rent { hourly, of: None });
    }
    let question = Inquiry {
        gpus: args.gpu.iter().cloned().collect(),
        ..Inquiry::default()
    };
    let client = connect::client(settings).await?;
    let answer = client.compare(&question).await?;
    // What is free here is bought already.
    let priced = answer
        .lines
        .into_iter()
        .filter(|line| line.price.hourly > Money::ZERO);
    let lowest = priced.min_by_key(|line| line.price.hourly);
    let line = lowest.ok_or_else(|| {
        Failure::mistake("nobody rents that GPU out").hint("give the rent with `--rent`")
    })?;
    Ok(Rent {
        hourly: line.price.hourly,
        of: Some(line),
    })
}

/// Says whose price the rent is, and how sure it is.
fn asked(line: &QuoteLine) -> String {
    let price = dollars::price(&line.price, line.price_high.as_ref());
    let lower = match line.price_high {
        Some(_) => ", and the lower end is the rent",
        None => "",
    };
    let day = match line.as_of {
        Some(day) if line.dated => format!(" (dated {day})"),
        Some(day) => format!(" (of {day})"),
        None => String::new(),
    };
    format!("rent: {} asks {price}{lower}{day}", line.title)
}

fn months(tenths: u64) -> String {
    format!("{}.{}", tenths / 10, tenths % 10)
}

fn printed<'a>(found: &BuyOrRent, rent: &'a Rent, over: u32) -> Printed<'a> {
    let plain = |amount: Money| amount.to_string().replace('$', "");
    Printed {
        rent_hourly: plain(rent.hourly),
        rent_of: rent.of.as_ref(),
        break_even_hours: found.break_even.map(|at| at.hours),
        break_even_months: found.break_even.map(|at| months(at.months_tenths)),
        power_monthly: plain(found.power_monthly),
        months: over,
        buying: plain(found.buying),
        renting: plain(found.renting),
        cheaper: cheaper(found.cheaper),
    }
}

const fn cheaper(which: Cheaper) -> &'static str {
    match which {
        Cheaper::Buying => "buying",
        Cheaper::Renting => "renting",
    }
}

fn print(found: &BuyOrRent, rent: Money, over: u32) -> std::io::Result<()> {
    let mut out = out();
    match found.break_even {
        Some(at) => writeln!(
            out,
            "buying pays after {} hours of use, {} months, against a rent of {rent}/h",
            at.hours,
            months(at.months_tenths)
        )?,
        None => writeln!(
            out,
            "buying never pays: power alone costs {} a month, and renting {}/h is no more",
            found.power_monthly.shown(),
            rent.shown()
        )?,
    }
    writeln!(
        out,
        "over {over} months buying costs {} and renting {}: {} is cheaper",
        found.buying.shown(),
        found.renting.shown(),
        cheaper(found.cheaper)
    )?;
    out.flush()
}
