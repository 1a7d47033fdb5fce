//! What `livery compare` and `livery estimate` share: the work in flags, and the answer in a table.

use super::offers_all::mistake;
use crate::failure::Failure;
use livery_api::dto::{Inquiry, WantedGpus};
use livery_domain::market::{Filter, Sale};
use livery_units::{Bytes, Span};

/// The work, and whose prices are looked at.
#[derive(Debug, clap::Args)]
pub struct WorkArgs {
    /// How long one session or experiment takes: hours, or a duration such as 30m
    #[arg(long, value_name = "HOURS", value_parser = hours)]
    pub hours: Option<Span>,
    /// How many sessions or experiments
    #[arg(long, value_name = "N", default_value = "1", value_parser = clap::value_parser!(u32).range(1..))]
    experiments: u32,
    /// Disk beside what comes with the machine
    #[arg(long, value_name = "SIZE")]
    storage: Option<Bytes>,
    /// A network volume
    #[arg(long, value_name = "SIZE")]
    volume: Option<Bytes>,
    /// How long disk and network volume are kept: the disk with the machine stopped [default: the
    /// volume as long as the work takes]
    #[arg(long, value_name = "DURATION")]
    keep: Option<Span>,
    /// What goes to the machine
    #[arg(long, value_name = "SIZE")]
    transfer_in: Option<Bytes>,
    /// What comes back
    #[arg(long, value_name = "SIZE")]
    transfer_out: Option<Bytes>,
    /// How often the work is saved, for spot machines
    #[arg(long, value_name = "DURATION")]
    checkpoint: Option<Span>,
    /// Also spot machines, with the interruptions to be expected
    #[arg(long)]
    spot: bool,
    /// Also machines that are sold by the month
    #[arg(long)]
    monthly: bool,
    /// Also serverless workers, for as long as they work
    #[arg(long)]
    serverless: bool,
    /// Only what this lets through; as in `livery offers`
    #[arg(long, value_name = "FILTER")]
    filter: Option<String>,
    /// Only figures whose source has this in it
    #[arg(long, value_name = "TEXT")]
    source: Option<String>,
    /// Whose cost the savings are against [default: the dearest]
    #[arg(long, value_name = "PROVIDER")]
    against: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// What a job says where the flags say nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct FromJob {
    /// How long it takes at most.
    pub hours: Option<Span>,
    /// Its disks.
    pub disk: Option<Bytes>,
    /// How often it saves its work.
    pub checkpoint: Option<Span>,
    /// Whether it wants spot machines.
    pub spot: bool,
}

/// Reads `500`, `0.5` or `1h30m`; a bare number is in hours.
pub fn hours(text: &str) -> Result<Span, String> {
    // Only a bare number: in `1h30` nothing says that 30 are minutes.
    let is_bare = text
        .bytes()
        .all(|byte| byte.is_ascii_digit() || byte == b'.');
    let unit = if is_bare { "h" } else { "" };
    match format!("{text}{unit}").parse::<Span>() {
        Ok(Span::ZERO) => Err("it takes some time".to_owned()),
        Ok(span) => Ok(span),
        Err(_) => Err(format!(
            "`{text}` is no number of hours (write 500, 0.5 or 1h30m)"
        )),
    }
}

/// Reads `A100 40GB`, `A100:8`, `aws:V100` or `aws:A100:8`.
pub fn wanted(text: &str) -> Result<WantedGpus, String> {
    let is_number =
        |part: &&str| part.bytes().all(|byte| byte.is_ascii_digit()) && !part.is_empty();
    let (rest, count) = match text.rsplit_once(':').filter(|(_, count)| is_number(count)) {
        Some((rest, count)) => (rest, count.parse().map_err(|why| format!("{why}"))?),
        None => (text, 1),
    };
    let (supplier, model) = match rest.split_once(':') {
        Some((supplier, model)) => (Some(supplier.trim().to_owned()), model),
        None => (None, rest),
    };
    let model = model.trim().to_owned();
    if model.is_empty() || count == 0 {
        return Err(format!(
            "`{text}` names no GPU (write \"A100 40GB\", A100:8 or aws:V100)"
        ));
    }
    Ok(WantedGpus {
        supplier,
        model,
        count,
    })
}

impl WorkArgs {
    /// Makes the question, for an hour when nothing says how long.
    pub fn question(&self, gpus: Vec<WantedGpus>, job: FromJob) -> Result<Inquiry, Failure> {
        if let Some(text) = &self.filter {
            Filter::parse(text).map_err(|wrong| mistake("--filter", &wrong))?;
        }
        let each = self.hours.or(job.hours).unwrap_or(Span::from_secs(3_600));
        let total = each.millis().saturating_mul(u64::from(self.experiments));
        let sales = [
            (Sale::OnDemand, true),
            (Sale::Spot, self.spot || job.spot),
            (Sale::Monthly, self.monthly),
            (Sale::Serverless, self.serverless),
        ];
        let sales = sales.into_iter().filter(|(_, is_asked)| *is_asked);
        Ok(Inquiry {
            gpus,
            job: None,
            sales: sales.map(|(sale, _)| sale.to_string()).collect(),
            source: self.source.clone(),
            filter: self.filter.clone(),
            against: self.against.clone(),
            sessions: self.experiments,
            each_ms: each.millis(),
            disk: self.storage.or(job.disk).unwrap_or(Bytes::ZERO),
            disk_kept_ms: self.keep.map_or(0, Span::millis),
            volume: self.volume.unwrap_or(Bytes::ZERO),
            volume_kept_ms: self.keep.map_or(total, Span::millis),
            transfer_in: self.transfer_in.unwrap_or(Bytes::ZERO),
            transfer_out: self.transfer_out.unwrap_or(Bytes::ZERO),
            checkpoint_ms: self.checkpoint.or(job.checkpoint).map(Span::millis),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gpus_are_read_with_their_provider_and_count() {
        for (text, supplier, model, count) in [
            ("A100 40GB", None, "A100 40GB", 1),
            ("A100:8", None, "A100", 8),
            ("aws:V100", Some("aws"), "V100", 1),
            ("aws:A100 80GB:8", Some("aws"), "A100 80GB", 8),
        ] {
            let found = wanted(text).unwrap();
            assert_eq!(found.supplier.as_deref(), supplier, "{text}");
            assert_eq!(
                (found.model.as_str(), found.count),
                (model, count),
                "{text}"
            );
        }
        for text in ["", ":8", "A100:0", "aws:", "A100:99999999999"] {
            assert!(wanted(text).is_err(), "{text}");
        }
    }

    #[test]
    fn hours_are_numbers_or_durations() {
        for (text, secs) in [
            ("500", 1_800_000),
            ("0.5", 1_800),
            ("30m", 1_800),
            ("1h30m", 5_400),
        ] {
            assert_eq!(hours(text).unwrap(), Span::from_secs(secs), "{text}");
        }
        for text in ["", "0", "soon", "-1", ".", "1h30", "90m30", "1.5.5"] {
            assert!(hours(text).is_err(), "{text}");
        }
    }
}
