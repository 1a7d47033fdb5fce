//! `livery offers --all` and `--fields`, and reading a filter before anybody is asked.

use crate::failure::{Ending, Failure};
use crate::ui::table::Table;
use crate::ui::{dollars, listing, say};
use livery_api::Client;
use livery_api::dto::{MarketQuery, MarketRow, MarketRows, Standing, Untold};
use livery_domain::market::{FIELDS, Filter, FilterErrors, Order};

/// A filter and an order that make sense.
#[derive(Debug, Default)]
pub struct Asked {
    /// The filter.
    pub filter: Option<String>,
    /// The order.
    pub order: Option<String>,
}

impl Asked {
    /// Reads both; mistakes are shown with carets at their places. Conditions may come as one
    /// argument or as several.
    pub fn read(filter: &[String], order: Option<&str>) -> Result<Self, Failure> {
        let filter = Some(filter.join(" ")).filter(|text| !text.trim().is_empty());
        if let Some(text) = &filter {
            Filter::parse(text).map_err(|wrong| mistake("FILTER", &wrong))?;
        }
        if let Some(text) = order {
            Order::parse(text).map_err(|wrong| mistake("--order", &wrong))?;
        }
        let order = order.map(str::to_owned);
        Ok(Self { filter, order })
    }
}

/// Makes the failure that shows what is wrong with a filter or an order.
pub fn mistake(place: &str, wrong: &FilterErrors) -> Failure {
    Failure::mistake(format!("{place} has a mistake\n{wrong}"))
        .hint("`livery offers --fields` lists the fields")
}

/// Lists the fields of the filter language.
pub fn print_fields() -> std::io::Result<Ending> {
    let mut table = Table::new(["FIELD", "ALSO", "WHAT IT IS"]);
    for info in FIELDS {
        table.row([
            info.name.to_owned(),
            info.also.join(" "),
            info.about.to_owned(),
        ]);
    }
    table.print()?;
    Ok(Ending::Done)
}

/// Asks for offers and catalogue rows of everybody.
pub async fn rows(client: &Client, asked: Asked) -> anyhow::Result<MarketRows> {
    let question = MarketQuery {
        filter: asked.filter,
        order: asked.order,
    };
    Ok(client.market(&question).await?)
}

/// Says what the filter could not check: whatever does not tell is left out.
pub fn say_untold(untold: &Untold) {
    if untold.rows == 0 {
        return;
    }
    let fields = untold.fields.iter();
    let fields: Vec<String> = fields
        .map(|untold| format!("`{}` ({})", untold.field, untold.rows))
        .collect();
    say(&format!(
        "left out: {} that may match and do not tell {}",
        untold.rows,
        fields.join(", ")
    ));
}

/// Prints offers and catalogue rows.
pub fn print_rows(rows: &[MarketRow]) -> std::io::Result<()> {
    let mut table = Table::new([
        "PROVIDER", "MACHINE", "GPUS", "VRAM", "VCPU", "MEMORY", "REGION", "TIER", "SALE", "PRICE",
        "STANDING",
    ]);
    for row in rows {
        table.row(cells(row));
    }
    table.print()
}

fn cells(row: &MarketRow) -> [String; 11] {
    let unknown = || "-".to_owned();
    let machine = match &row.offer {
        Some(offer) => offer.to_string(),
        None => row.machine.clone(),
    };
    let vram = row.gpus.as_ref().map(|gpus| gpus.vram.to_string());
    let region = Some(row.region.clone()).filter(|region| !region.is_empty());
    [
        row.title.clone(),
        machine,
        listing::gpus(row.gpus.as_ref()),
        vram.unwrap_or_else(unknown),
        row.vcpu_milli.map_or_else(unknown, listing::vcpu),
        row.memory.map_or_else(unknown, |size| size.to_string()),
        region.unwrap_or_else(unknown),
        row.tier.to_string(),
        row.sale.to_string(),
        dollars::price(&row.price, row.price_high.as_ref()),
        standing(row),
    ]
}

fn standing(row: &MarketRow) -> String {
    let what = match row.standing {
        Standing::Rentable => return "rentable now".to_owned(),
        Standing::Silent => "does not answer",
        Standing::Listed => "not set up here",
    };
    let day = row.as_of.map_or(String::new(), |day| format!(", {day}"));
    let dated = if row.dated { " (dated)" } else { "" };
    format!("{what}{day}{dated}")
}
