//! `livery offers`

use super::{names, offers_all};
use crate::connect;
use crate::failure::Ending;
use crate::settings::Settings;
use crate::ui::table::Table;
use crate::ui::{listing, print_json, say};
use livery_api::dto::{Misfit, Offer, OfferQuery, OfferSort};
use livery_domain::offer::{Pricing, Tier};
use livery_units::{Bytes, Money};

/// List what can be rented now, the cheapest first.
///
/// FILTER is a list of conditions that must all hold, as in `vastai search offers`:
/// `gpu_ram>=24 reliability>0.95 price<0.5 region=EU`. Operators are = != < <= > >= in notin;
/// lists stand in brackets, `_` stands for a blank in a GPU's name. `livery offers --fields` lists
/// the fields.
#[derive(Debug, clap::Args)]
pub struct OffersArgs {
    /// Conditions that must all hold, such as `gpu_ram>=24 price<0.5`
    #[arg(value_name = "FILTER")]
    filter: Vec<String>,
    /// GPU model, in any spelling; `none` for machines without
    #[arg(long, value_name = "MODEL")]
    gpu: Option<String>,
    /// Number of GPUs, exactly
    #[arg(long, value_name = "N")]
    count: Option<u32>,
    /// Memory of each GPU, at least
    #[arg(long, value_name = "SIZE")]
    min_vram: Option<Bytes>,
    /// Virtual CPUs, at least
    #[arg(long, value_name = "N")]
    min_cpus: Option<u32>,
    /// Memory, at least
    #[arg(long, value_name = "SIZE")]
    min_memory: Option<Bytes>,
    /// Disk, at least
    #[arg(long, value_name = "SIZE")]
    min_disk: Option<Bytes>,
    /// Dollars per hour, at most
    #[arg(long, value_name = "DOLLARS")]
    max_price: Option<Money>,
    /// Only this tier: secure, community or local
    #[arg(long)]
    tier: Option<Tier>,
    /// Only this supplier; may be given several times
    #[arg(long = "supplier", value_name = "NAME")]
    suppliers: Vec<String>,
    /// Spot offers, which may be taken away, instead of those on demand
    #[arg(long)]
    spot: bool,
    /// In which order
    #[arg(long, value_enum, default_value = "price")]
    sort: Sort,
    /// Fields to sort by in place of --sort, such as `price,-gpu_ram`; `-` turns one round
    #[arg(
        long,
        value_name = "FIELDS",
        allow_hyphen_values = true,
        conflicts_with = "sort"
    )]
    order: Option<String>,
    /// Also the catalogue's prices of providers that are not set up here; takes FILTER and --order
    #[arg(long, conflicts_with_all = [
        "gpu", "count", "min_vram", "min_cpus", "min_memory", "min_disk", "max_price", "tier",
        "suppliers", "spot", "sort", "explain",
    ])]
    all: bool,
    /// List the fields of FILTER and --order
    #[arg(long)]
    fields: bool,
    /// Also those that do not fit, with the reason
    #[arg(long)]
    explain: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Sort {
    /// The cheapest first
    Price,
    /// The most GPU memory first
    Vram,
    /// The most memory first
    Memory,
    /// The most virtual CPUs first
    Vcpu,
}

impl From<Sort> for OfferSort {
    fn from(sort: Sort) -> Self {
        match sort {
            Sort::Price => Self::Price,
            Sort::Vram => Self::Vram,
            Sort::Memory => Self::Memory,
            Sort::Vcpu => Self::Vcpu,
        }
    }
}

/// Runs the command.
pub async fn run(args: OffersArgs, settings: &Settings) -> anyhow::Result<Ending> {
    if args.fields {
        return Ok(offers_all::print_fields()?);
    }
    let asked = offers_all::Asked::read(&args.filter, args.order.as_deref())?;
    let client = connect::client(settings).await?;
    if args.all {
        let filter = asked.filter.clone();
        let found = offers_all::rows(&client, asked).await?;
        match args.json {
            true => print_json(&found.rows)?,
            false => offers_all::print_rows(&found.rows)?,
        }
        offers_all::say_untold(&found.untold);
        if found.rows.is_empty() {
            say("nothing matches");
            names::say_unknown(&client, filter.as_deref()).await;
        }
        return Ok(Ending::Done);
    }
    let explain = args.explain;
    let json = args.json;
    let filter = asked.filter.clone();
    let answer = client.offers(&question(args, asked)).await?;
    offers_all::say_untold(&answer.untold);
    if answer.offers.is_empty() {
        names::say_unknown(&client, filter.as_deref()).await;
    }
    if json {
        if explain {
            print_json(&answer)?;
        } else {
            print_json(&answer.offers)?;
        }
        return Ok(Ending::Done);
    }
    let misfits = if explain {
        answer.misfits.as_slice()
    } else {
        &[]
    };
    print_offers(&answer.offers, misfits)?;
    if answer.offers.is_empty() && !explain && !answer.misfits.is_empty() {
        let count = answer.misfits.len();
        say(&format!(
            "no offer fits; `--explain` shows why the other {count} do not"
        ));
    } else if answer.offers.is_empty() && answer.misfits.is_empty() {
        say(
            "nothing is on offer now: all of it is taken (`livery pods`), or no host is connected \
             (`livery doctor` checks this machine)",
        );
    }
    Ok(Ending::Done)
}

fn question(args: OffersArgs, asked: offers_all::Asked) -> OfferQuery {
    let spot = args.spot.then_some(Pricing::Spot);
    OfferQuery {
        gpu: args.gpu,
        count: args.count,
        min_vram: args.min_vram,
        min_vcpu_milli: args.min_cpus.map(|cpus| cpus.saturating_mul(1_000)),
        min_memory: args.min_memory,
        min_disk: args.min_disk,
        max_price: args.max_price,
        tier: args.tier,
        pricing: spot,
        suppliers: Some(args.suppliers.join(",")).filter(|names| !names.is_empty()),
        sort: args.sort.into(),
        filter: asked.filter,
        order: asked.order,
    }
}

/// Prints offers, and below them those that do not fit with the reason.
pub fn print_offers(offers: &[Offer], misfits: &[Misfit]) -> std::io::Result<()> {
    let fits = offers.iter().map(|offer| (offer, "fits"));
    let others = misfits
        .iter()
        .map(|misfit| (&misfit.offer, misfit.why.as_str()));
    if misfits.is_empty() {
        let mut table = Table::new(COLUMNS);
        fits.for_each(|(offer, _)| table.row(cells(offer)));
        return table.print();
    }
    let [a, b, c, d, e, f, g, h, i] = COLUMNS;
    let mut table = Table::new([a, b, c, d, e, f, g, h, i, "FIT"]);
    for (offer, why) in fits.chain(others) {
        let [a, b, c, d, e, f, g, h, i] = cells(offer);
        table.row([a, b, c, d, e, f, g, h, i, why.to_owned()]);
    }
    table.print()
}

const COLUMNS: [&str; 9] = [
    "OFFER", "SUPPLIER", "GPUS", "VRAM", "VCPU", "MEMORY", "DISK", "TIER", "PRICE",
];

fn cells(offer: &Offer) -> [String; 9] {
    [
        offer.id.to_string(),
        offer.supplier.clone(),
        listing::gpus(offer.gpus.as_ref()),
        listing::vram(offer),
        listing::vcpu(offer.vcpu_milli),
        offer.memory.to_string(),
        offer.disk.to_string(),
        offer.tier.to_string(),
        listing::price(&offer.price),
    ]
}
