//! How answers about prices are printed: as JSON, and as tables with what is to be said about them.

use crate::failure::Ending;
use crate::ui::table::Table;
use crate::ui::{dollars, listing, print_json, say};
use livery_api::dto::{Answer, Cost, Inquiry, QuoteLine, Standing};
use livery_units::{Money, Span};
use serde::Serialize;
use std::collections::BTreeMap;

/// What `--json` prints: each provider's total beside the lines, and the least that the work costs
/// with those who do not publish every price that it takes.
#[derive(Serialize)]
struct Printed<'a> {
    totals: BTreeMap<&'a str, String>,
    at_least: BTreeMap<&'a str, String>,
    #[serde(flatten)]
    answer: &'a Answer,
}

/// Prints an answer as JSON. A provider with several lines has its cheapest total.
pub fn print_as_json(answer: &Answer) -> anyhow::Result<Ending> {
    let totals = self::totals(answer, |cost| cost.unknown.is_empty());
    let mut at_least = self::totals(answer, |cost| !cost.unknown.is_empty());
    at_least.retain(|title, _| !totals.contains_key(title));
    print_json(&Printed {
        totals,
        at_least,
        answer,
    })?;
    Ok(Ending::Done)
}

fn totals(answer: &Answer, counts: impl Fn(&Cost) -> bool) -> BTreeMap<&str, String> {
    let mut totals: BTreeMap<&str, Money> = BTreeMap::new();
    for line in &answer.lines {
        let Some(cost) = line.cost.as_ref().filter(|cost| counts(cost)) else {
            continue;
        };
        let total = totals.entry(&line.title).or_insert(cost.total);
        *total = cost.total.min(*total);
    }
    let text = |(title, total): (_, Money)| (title, total.to_string().replace('$', ""));
    totals.into_iter().map(text).collect()
}

/// Prints the costs side by side, with what each is made of.
pub fn print_costs(answer: &Answer, question: &Inquiry) -> std::io::Result<()> {
    let has_parts = answer.lines.iter().filter_map(|line| line.cost.as_ref());
    let has_parts = has_parts
        .into_iter()
        .any(|cost| cost.storage > Money::ZERO || cost.transfer > Money::ZERO);
    let mut table = match has_parts {
        false => Table::new(["PROVIDER", "GPUS", "SALE", "PRICE", "TOTAL", "SAVINGS", ""]),
        true => Table::new([
            "PROVIDER", "GPUS", "SALE", "PRICE", "MACHINE", "STORAGE", "TRANSFER", "TOTAL",
            "SAVINGS", "",
        ]),
    };
    for line in &answer.lines {
        let [provider, gpus, sale, price] = head(line);
        let (total, saving) = (total(line), saving(line));
        let Some(cost) = line.cost.as_ref().filter(|_| has_parts) else {
            match has_parts {
                false => table.row([provider, gpus, sale, price, total, saving, remarks(line)]),
                true => {
                    let dash = || "-".to_owned();
                    let row = [
                        provider,
                        gpus,
                        sale,
                        price,
                        dash(),
                        dash(),
                        dash(),
                        total,
                        saving,
                    ];
                    let [a, b, c, d, e, f, g, h, i] = row;
                    table.row([a, b, c, d, e, f, g, h, i, remarks(line)]);
                }
            }
            continue;
        };
        let [machine, storage, transfer] = parts(cost);
        let note = remarks(line);
        table.row([
            provider, gpus, sale, price, machine, storage, transfer, total, saving, note,
        ]);
    }
    table.print()?;
    say(&summary(question));
    closing(answer, question);
    Ok(())
}

/// Prints what the three lengths of session cost.
pub fn print_sessions(answer: &Answer, question: &Inquiry) -> std::io::Result<()> {
    let mut table = Table::new([
        "PROVIDER",
        "GPUS",
        "SALE",
        "PRICE",
        "QUICK (5 MIN)",
        "STANDARD (30 MIN)",
        "THOROUGH (2 H)",
        "",
    ]);
    for line in &answer.lines {
        let [provider, gpus, sale, price] = head(line);
        let costs = line
            .sessions
            .map(|costs| [costs.quick, costs.standard, costs.thorough].map(Money::shown));
        let [quick, standard, thorough] = costs.unwrap_or_else(|| ["-"; 3].map(str::to_owned));
        let note = remarks(line);
        table.row([provider, gpus, sale, price, quick, standard, thorough, note]);
    }
    table.print()?;
    closing(answer, question);
    Ok(())
}

fn head(line: &QuoteLine) -> [String; 4] {
    let gpus = match &line.gpus {
        Some(_) => listing::gpus(line.gpus.as_ref()),
        None => line.machine.clone(),
    };
    let price = dollars::price(&line.price, line.price_high.as_ref());
    [line.title.clone(), gpus, line.sale.to_string(), price]
}

fn parts(cost: &Cost) -> [String; 3] {
    [cost.compute, cost.storage, cost.transfer].map(Money::shown)
}

fn total(line: &QuoteLine) -> String {
    match &line.cost {
        None => "-".to_owned(),
        Some(cost) if cost.unknown.is_empty() => cost.total.shown(),
        Some(cost) => format!("at least {}", cost.total.shown()),
    }
}

fn saving(line: &QuoteLine) -> String {
    match line.saving_percent {
        None | Some(0) => "-".to_owned(),
        Some(percent) => format!("{percent}%"),
    }
}

/// Everything about a line that is not a figure of its own.
fn remarks(line: &QuoteLine) -> String {
    let mut all = Vec::new();
    if line.cheapest {
        all.push("cheapest".to_owned());
    }
    if line.fastest {
        all.push("fastest".to_owned());
    }
    if line.gpu_only {
        all.push("the GPU alone: its machine costs extra".to_owned());
    }
    if let Some(cost) = &line.cost {
        if let (Some(milli), Some(lost)) = (cost.interruptions_milli, cost.lost_ms) {
            let lost = Span::from_millis(lost);
            let count = format!("{}.{:03}", milli / 1_000, milli % 1_000);
            all.push(format!("{count} interruptions expected, {lost} lost"));
        }
        all.extend(cost.unknown.iter().map(|what| format!("{what} unknown")));
    }
    all.extend(line.problem.clone());
    if let Some(on_demand) = line.on_demand_total {
        all.push(format!("{} on demand", on_demand.shown()));
    }
    if let Some(range) = &line.lower_range {
        let price = dollars::price(&range.price, range.price_high.as_ref());
        all.push(format!("{} at {price} ({})", range.machine, range.tier));
    }
    if line.standing == Standing::Silent {
        all.push("does not answer".to_owned());
    }
    match line.as_of {
        Some(day) if line.dated => all.push(format!("dated {day}")),
        Some(day) => all.push(format!("of {day}")),
        None => {}
    }
    if let Some(cost) = &line.cost {
        match cost.terms_as_of {
            Some(day) if cost.terms_dated => all.push(format!("storage and transfer dated {day}")),
            Some(day) => all.push(format!("storage and transfer of {day}")),
            None => {}
        }
    }
    all.join(", ")
}

fn summary(question: &Inquiry) -> String {
    let each = Span::from_millis(question.each_ms);
    let hours = |millis: u64| {
        let tenths = millis / 360_000;
        match (tenths % 10, millis % 360_000) {
            (0, 0) => format!("{} h", tenths / 10),
            (tenth, 0) => format!("{}.{tenth} h", tenths / 10),
            _ => Span::from_millis(millis).to_string(),
        }
    };
    match question.sessions {
        1 => format!("for {}", hours(each.millis())),
        several => {
            let total = each.millis().saturating_mul(u64::from(several));
            format!(
                "for {several} times {}: {}",
                hours(each.millis()),
                hours(total)
            )
        }
    }
}

fn closing(answer: &Answer, question: &Inquiry) {
    for sentence in &answer.unsold {
        say(sentence);
    }
    let lines = || answer.lines.iter().filter(|line| line.cost.is_some());
    let has_saving = lines().any(|line| line.saving_percent.is_some());
    if let Some(against) = question.against.as_ref().filter(|_| !has_saving) {
        say(&format!(
            "no savings against {against}: it is not among those who sell this, or a price of its is unknown"
        ));
    }
    if lines().any(|line| {
        line.cost
            .as_ref()
            .is_some_and(|cost| !cost.unknown.is_empty())
    }) {
        say(
            "`at least` leaves out what a provider publishes no price of, so that line is never the cheapest",
        );
    }
    let is_known = lines().any(|line| line.tflops.is_some());
    if is_known && !lines().any(|line| line.fastest) {
        say(
            "nobody publishes the throughput of some of these GPUs, so none is marked as the fastest",
        );
    }
    for silent in &answer.silent {
        say(&format!("{} does not answer: {}", silent.title, silent.why));
    }
    let has_dated =
        |line: &QuoteLine| line.dated || line.cost.as_ref().is_some_and(|cost| cost.terms_dated);
    if answer.lines.iter().any(has_dated) {
        say(
            "dated prices are older than 30 days; `livery catalog update --from FILE|URL` takes newer ones",
        );
    }
}
