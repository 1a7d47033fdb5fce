//! `livery gpus`

use super::names;
use crate::connect;
use crate::failure::Ending;
use crate::settings::Settings;
use crate::ui::table::Table;
use crate::ui::{print_json, say};
use livery_api::dto::{GpuType, Seller};
use livery_domain::gpu::GpuModel;

/// List every type of GPU: its memory, who has it, and from what price.
///
/// Prices are of one GPU in an hour; `(of 8x)` is one of eight that are rented together.
#[derive(Debug, clap::Args)]
pub struct GpusArgs {
    /// Only those that a request for this name would be content with
    #[arg(value_name = "NAME")]
    name: Option<String>,
    /// Only those that somebody sells
    #[arg(long)]
    sold: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub async fn run(args: GpusArgs, settings: &Settings) -> anyhow::Result<Ending> {
    let client = connect::client(settings).await?;
    let mut gpus = client.gpus().await?.gpus;
    if let Some(name) = &args.name {
        let all: Vec<String> = gpus.iter().map(|gpu| gpu.name.clone()).collect();
        gpus.retain(|gpu| is_called(gpu, name));
        if gpus.is_empty() {
            let wanted = GpuModel::parse(name);
            let all = all.iter().map(String::as_str);
            say(&names::unknown("type of GPU", wanted.as_str(), all));
        }
    }
    if args.sold {
        gpus.retain(|gpu| !gpu.sellers.is_empty());
    }
    if args.json {
        print_json(&gpus)?;
        return Ok(Ending::Done);
    }
    let mut table = Table::new([
        "GPU",
        "VRAM",
        "ARCHITECTURE",
        "CUDA",
        "TFLOPS",
        "FROM",
        "WHO HAS IT",
    ]);
    for gpu in &gpus {
        let unknown = || "-".to_owned();
        let from = gpu.sellers.first();
        let sellers: Vec<String> = gpu.sellers.iter().map(seller).collect();
        table.row([
            gpu.name.clone(),
            gpu.vram.to_string(),
            gpu.architecture.clone(),
            gpu.compute_capability.clone().unwrap_or_else(unknown),
            gpu.tflops.clone().unwrap_or_else(unknown),
            from.map_or_else(unknown, |seller| format!("{}/h", price(seller))),
            sellers.join(", "),
        ]);
    }
    table.print()?;
    if gpus
        .iter()
        .flat_map(|gpu| &gpu.sellers)
        .any(|seller| seller.dated)
    {
        say("* older than 30 days; `livery offers --all` shows each figure with its day");
    }
    Ok(Ending::Done)
}

fn is_called(gpu: &GpuType, name: &str) -> bool {
    let wanted = GpuModel::parse(name);
    let names = std::iter::once(&gpu.name).chain(&gpu.aliases);
    let mut models = names.map(|name| GpuModel::parse(name));
    GpuModel::parse(&gpu.name).satisfies(&wanted) || models.any(|model| model == wanted)
}

fn seller(seller: &Seller) -> String {
    let mark = match (seller.rentable, seller.dated) {
        (true, _) => " (rentable)",
        (false, true) => "*",
        (false, false) => "",
    };
    format!("{} {}{mark}", seller.title, price(seller))
}

/// Writes what one GPU costs: a range as it is, and beside what is sold several at a time, how many.
fn price(seller: &Seller) -> String {
    let mut text = seller.from.shown();
    if let Some(end) = seller.up_to {
        text.push_str(&format!("-{}", end.shown()));
    }
    if seller.count > 1 {
        text.push_str(&format!(" (of {}x)", seller.count));
    }
    text
}
