//! Between what travels about prices and what the engine takes and gives.

use crate::convert;
use crate::error::Refusal;
use livery_api::dto;
use livery_catalogue::TypicalRange;
use livery_domain::market::{Catalogue, Line, Sale, SpotRisk, Unknown, Work, is_dated};
use livery_domain::offer::{Pricing, SupplierName};
use livery_domain::placement::{GpuNeed, Need};
use livery_engine::{
    Answer, CatalogueOrigin, Catalogued, Engine, Entry, Error, GpuOnSale, Inquiry, Market, Stance,
    Wanted,
};
use livery_units::{Span, Timestamp};

/// Most GPUs that one question names.
const GPUS_MAX: usize = 100;

pub(super) fn gpu(on_sale: GpuOnSale) -> dto::GpuType {
    let gpu = on_sale.gpu;
    let capability = gpu.compute_capability;
    let usable = gpu.usable();
    let mut aliases: Vec<String> = gpu.aliases.into_iter().map(|alias| alias.name).collect();
    aliases.dedup();
    let seller = |seller: livery_engine::Seller| dto::Seller {
        rentable: seller.standing == livery_domain::market::Standing::Rentable,
        supplier: seller.supplier.to_string(),
        title: seller.title,
        from: seller.from,
        up_to: seller.up_to,
        count: seller.count,
        dated: seller.is_dated,
    };
    dto::GpuType {
        name: gpu.model.to_string(),
        aliases,
        vram: gpu.vram,
        usable,
        architecture: gpu.architecture,
        compute_capability: capability.map(|(major, minor)| format!("{major}.{minor}")),
        tflops: gpu.tflops.map(|tflops| tflops.to_string()),
        source: gpu.source,
        as_of: gpu.as_of,
        sellers: on_sale.sellers.into_iter().map(seller).collect(),
    }
}

pub(super) fn row(market: &Market, entry: &Entry) -> dto::MarketRow {
    let row = &entry.row;
    let listing = entry.listing();
    dto::MarketRow {
        supplier: row.supplier.to_string(),
        title: market.title(&row.supplier),
        offer: match &entry.stance {
            Stance::Live(offer) => Some(offer.id.clone()),
            Stance::Silent(_) | Stance::NotEnabled(_) => None,
        },
        machine: row.machine.clone(),
        gpus: entry.gpus().cloned().map(Into::into),
        vcpu_milli: row.vcpu_milli,
        memory: row.memory,
        disk: row.disk,
        region: row.region.clone(),
        tier: row.tier,
        sale: row.sale,
        price: row.price.into(),
        price_high: listing.and_then(|row| row.price_high).map(Into::into),
        reliability_permille: row.reliability_permille,
        standing: standing(entry),
        source: listing.map(|row| row.source.clone()),
        as_of: listing.map(|row| row.as_of),
        dated: entry.is_dated(market.asked),
    }
}

fn standing(entry: &Entry) -> dto::Standing {
    match entry.stance {
        Stance::Live(_) => dto::Standing::Rentable,
        Stance::Silent(_) => dto::Standing::Silent,
        Stance::NotEnabled(_) => dto::Standing::Listed,
    }
}

pub(super) fn inquiry(
    engine: &Engine,
    market: &Market,
    question: dto::Inquiry,
) -> Result<Inquiry, Refusal> {
    let sales = question.sales.iter().map(|sale| sale.parse::<Sale>());
    let sales: Result<Vec<Sale>, _> = sales.collect();
    let mut sales = sales.map_err(|why| Refusal::bad_request(&format!("sales: {why}")))?;
    if sales.is_empty() {
        sales.push(Sale::OnDemand);
    }
    let search = super::search(question.filter.as_deref(), None)?;
    let work = Work {
        disk: question.disk,
        disk_kept: Span::from_millis(question.disk_kept_ms),
        volume: question.volume,
        volume_kept: Span::from_millis(question.volume_kept_ms),
        transfer_in: question.transfer_in,
        transfer_out: question.transfer_out,
        checkpoint: question.checkpoint_ms.map(Span::from_millis),
        ..Work::sessions(question.sessions, Span::from_millis(question.each_ms))
    };
    Ok(Inquiry {
        wanted: wanted(engine, market, question.gpus, question.job)?,
        sales,
        source: question.source,
        filter: search.filter,
        against: supplier(market, question.against)?,
        work,
    })
}

fn supplier(market: &Market, name: Option<String>) -> Result<Option<SupplierName>, Refusal> {
    let found = name.map(|name| market.supplier(&name)).transpose();
    Ok(found.map_err(Error::from)?)
}

fn wanted(
    engine: &Engine,
    market: &Market,
    gpus: Vec<dto::WantedGpus>,
    job: Option<dto::Submission>,
) -> Result<Vec<Wanted>, Refusal> {
    if gpus.len() > GPUS_MAX {
        return Err(Refusal::bad_request("gpus: a hundred at most"));
    }
    if let Some(job) = job {
        return Ok(vec![engine.wanted(&convert::submission(job)?)?]);
    }
    if gpus.is_empty() {
        let any = Need {
            gpus: GpuNeed::Any(1),
            pricing: Pricing::OnDemand,
            ..Need::default()
        };
        return Ok(vec![Wanted {
            supplier: None,
            needs: vec![any],
            words: "a machine with one GPU".to_owned(),
        }]);
    }
    let one = |gpus: dto::WantedGpus| {
        let wanted = Wanted::gpu(market, &gpus.model, gpus.count.max(1)).map_err(Error::from)?;
        Ok(Wanted {
            supplier: supplier(market, gpus.supplier)?,
            ..wanted
        })
    };
    gpus.into_iter().map(one).collect()
}

pub(super) fn answer(market: &Market, answer: Answer) -> dto::Answer {
    let comparison = answer.comparison;
    let marks = (comparison.cheapest, comparison.fastest);
    let on_demand: Vec<_> = (0..comparison.lines.len())
        .map(|at| comparison.on_demand_beside(at).and_then(Line::total))
        .collect();
    let sessions = answer.sessions.into_iter().map(|costs| {
        costs.map(|[quick, standard, thorough]| dto::SessionCosts {
            quick,
            standard,
            thorough,
        })
    });
    let ranges = answer.ranges.iter();
    let ranges = ranges.map(|range| range.as_ref().map(|entry| row(market, entry)));
    let parts = comparison.lines.into_iter().zip(answer.entries).zip(ranges);
    let lines = parts.zip(sessions).zip(on_demand).enumerate();
    let lines = lines.map(
        |(at, ((((line, entry), lower_range), sessions), on_demand))| {
            let is_spot = line.quote.sale == Sale::Spot;
            dto::QuoteLine {
                lower_range,
                sessions,
                on_demand_total: on_demand.filter(|_| is_spot),
                cheapest: marks.0 == Some(at),
                fastest: marks.1 == Some(at),
                ..quote_line(line, &entry, market.asked)
            }
        },
    );
    let silent = answer.silent.into_iter();
    dto::Answer {
        lines: lines.collect(),
        unsold: answer.unsold,
        silent: silent
            .map(|(title, why)| dto::SilentSupplier { title, why })
            .collect(),
    }
}

fn quote_line(line: Line, entry: &Entry, now: Timestamp) -> dto::QuoteLine {
    let quote = line.quote;
    let listing = entry.listing();
    let (cost, problem) = match line.estimate {
        Ok(estimate) => (Some(cost(estimate, now)), None),
        Err(why) => (None, Some(why.to_string())),
    };
    dto::QuoteLine {
        supplier: quote.supplier.to_string(),
        title: quote.title,
        machine: quote.machine,
        gpus: quote.gpus.map(Into::into),
        region: quote.region,
        tier: quote.tier,
        sale: quote.sale,
        price: quote.price.into(),
        price_high: listing.and_then(|row| row.price_high).map(Into::into),
        tflops: quote.tflops.map(|tflops| tflops.to_string()),
        cost,
        problem,
        saving_percent: line.saving_percent,
        lower_range: None,
        sessions: None,
        on_demand_total: None,
        cheapest: false,
        fastest: false,
        gpu_only: quote.covers == livery_domain::market::Covers::Accelerator,
        standing: standing(entry),
        source: listing.map(|row| row.source.clone()),
        as_of: listing.map(|row| row.as_of),
        dated: entry.is_dated(now),
    }
}

fn cost(estimate: livery_domain::market::Estimate, now: Timestamp) -> dto::Cost {
    let terms_as_of = estimate.terms_as_of;
    let milli = |spot: SpotRisk| spot.interruptions_milli;
    let unknown = estimate.unknown.into_iter().map(unpublished);
    dto::Cost {
        compute: estimate.compute,
        storage: estimate.storage,
        transfer: estimate.transfer,
        total: estimate.total,
        hourly: estimate.hourly,
        running_ms: estimate.running.millis(),
        billed_ms: estimate.billed.millis(),
        interruptions_milli: estimate.spot.map(milli),
        lost_ms: estimate.spot.map(|spot| spot.lost.millis()),
        unknown: unknown.map(str::to_owned).collect(),
        terms_as_of,
        terms_dated: terms_as_of.is_some_and(|day| is_dated(day, now)),
    }
}

fn unpublished(what: Unknown) -> &'static str {
    match what {
        Unknown::Storage => "storage",
        Unknown::KeptStorage => "storage while stopped",
        Unknown::Volume => "network volumes",
        Unknown::Ingress => "transfer in",
        Unknown::Egress => "transfer out",
        Unknown::Interruptions => "interruptions",
    }
}

pub(super) fn catalogue(catalogued: &Catalogued, now: Timestamp) -> dto::Catalogue {
    let list = &catalogued.list;
    let known = &list.catalogue;
    let providers = known.terms.iter().map(|terms| {
        let rows: Vec<_> = known
            .listings
            .iter()
            .filter(|row| row.supplier == terms.supplier)
            .collect();
        let of_it = list.ranges.iter();
        let of_it = of_it.filter(|range| range.supplier == terms.supplier);
        let hourly = |range: &TypicalRange| dto::HourlyRange {
            low: range.low.per_hour(),
            high: range.high.per_hour(),
        };
        let of_tier = |range: &TypicalRange| {
            let tier = range.tier?;
            Some(dto::TierRange {
                tier,
                range: hourly(range),
            })
        };
        dto::Provider {
            name: terms.supplier.to_string(),
            title: terms.title.clone(),
            prices: rows.len(),
            dated: rows.iter().filter(|row| row.is_dated(now)).count(),
            newest: rows.iter().map(|row| row.as_of).max(),
            range: of_it.clone().find(|range| range.tier.is_none()).map(hourly),
            tier_ranges: of_it.filter_map(of_tier).collect(),
            storage_running: terms.storage_running.map(Into::into),
            storage_stopped: terms.storage_stopped.map(Into::into),
            network_volume: terms.network_volume.map(Into::into),
            egress: terms.egress,
            minimum_top_up: terms.minimum_top_up,
            increment_ms: terms.increment.millis(),
            interruptions_per_million_hours: terms
                .interruptions
                .map(|interruptions| interruptions.per_million_hours),
            source: terms.source.clone(),
            as_of: terms.as_of,
            terms_dated: is_dated(terms.as_of, now),
        }
    });
    dto::Catalogue {
        released: known.released,
        built_in: catalogued.origin == CatalogueOrigin::BuiltIn,
        sha256: catalogued.checksum.to_string(),
        newer_built_in: catalogued.newer_built_in(),
        unreadable: catalogued.unreadable.clone(),
        gpus: Catalogue::clone(known).gpus.len(),
        providers: providers.collect(),
    }
}
