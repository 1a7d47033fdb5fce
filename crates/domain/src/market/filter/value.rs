//! Values as people write them, read into whole numbers and names, and printed again.

use super::field::{Field, Kind, closest};
use crate::gpu::GpuModel;
use crate::market::{Sale, Tflops, region};
use crate::offer::Tier;
use livery_units::{Bytes, Money};

/// A value: numbers of every kind are whole numbers of that kind's smallest unit.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Value {
    /// Of a field whose kind is no text.
    Number(i64),
    /// Of a field whose kind is a text, in the one spelling that is compared.
    Text(String),
}

impl Value {
    /// Returns it, if it is a text.
    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Number(_) => None,
            Self::Text(text) => Some(text),
        }
    }
}

/// Why a value is none, and what to write instead.
pub(super) struct BadValue {
    pub message: String,
    pub hint: String,
}

const TIERS: [Tier; 3] = [Tier::Secure, Tier::Community, Tier::Local];
const SALES: [Sale; 4] = [Sale::OnDemand, Sale::Spot, Sale::Monthly, Sale::Serverless];

/// Millionths in one: shares are kept finer than anybody publishes them.
const ONE: u64 = 1_000_000;

/// Reads a value of that field.
pub(super) fn read(field: Field, text: &str) -> Result<Value, BadValue> {
    // Whoever quotes a quote means neither.
    let text = text.replace(['"', '\''], " ");
    let text = text.trim();
    let kind = field.info().kind;
    if text.is_empty() {
        return Err(BadValue {
            message: format!("the value of `{}` is empty", field.name()),
            hint: format!("write {}", example(kind)),
        });
    }
    let value = if kind.is_text() {
        Some(Value::Text(spelled(kind, text))).filter(|value| *value != Value::Text(String::new()))
    } else {
        number(kind, text).map(Value::Number)
    };
    value.ok_or_else(|| bad(field, kind, text))
}

fn bad(field: Field, kind: Kind, text: &str) -> BadValue {
    let message = format!("`{text}` is not {}", expected(kind));
    let lower = text.to_lowercase();
    let words: Vec<&str> = match kind {
        Kind::Tier => TIERS.iter().map(|tier| tier.as_str()).collect(),
        Kind::Sale => SALES.iter().map(|sale| sale.as_str()).collect(),
        _ => Vec::new(),
    };
    let hint = match closest(&lower, words.iter().copied()) {
        Some(word) => format!("did you mean `{word}`?"),
        None => format!("`{}` takes {}", field.name(), example(kind)),
    };
    BadValue { message, hint }
}

/// Returns the one spelling of a text that is compared; offers' own texts go through it too.
pub(crate) fn spelled(kind: Kind, text: &str) -> String {
    match kind {
        Kind::Model => GpuModel::parse(text).as_str().to_owned(),
        Kind::Region => region::words(text),
        Kind::Supplier => match plain(text).as_str() {
            "vast.ai" => "vast".to_owned(),
            "lambda labs" | "lambdalabs" | "lambda cloud" => "lambda".to_owned(),
            name => name.to_owned(),
        },
        _ => plain(text),
    }
}

/// Returns whether two spellings are of one supplier's name.
pub fn is_same_supplier(one: &str, other: &str) -> bool {
    spelled(Kind::Supplier, one) == spelled(Kind::Supplier, other)
}

fn plain(text: &str) -> String {
    let lower = text.to_lowercase().replace('_', " ");
    let words: Vec<&str> = lower.split_whitespace().collect();
    words.join(" ")
}

fn number(kind: Kind, text: &str) -> Option<i64> {
    let lower = text.to_lowercase();
    match kind {
        Kind::Count => lower.parse::<u32>().ok().map(i64::from),
        Kind::Size => signed(with_zero(&lower).parse::<Bytes>().ok()?.get()),
        Kind::Cores => signed(decimal(&lower, 3)?),
        Kind::Hourly => money(&lower, &["/hour", "/hr", "/h"]),
        Kind::Monthly => money(&lower, &["/gb/month", "/month", "/mo"]),
        Kind::PerGb => money(&lower, &["/gb"]),
        Kind::Share => signed(share(&lower)?),
        Kind::Capability => capability(&lower),
        Kind::Version => {
            let (major, minor) = version(&lower)?;
            Some(major * 100 + minor)
        }
        Kind::Throughput => lower.parse::<Tflops>().ok().map(|t| i64::from(t.tenths())),
        Kind::Flag => match lower.as_str() {
            "true" | "yes" | "1" => Some(1),
            "false" | "no" | "0" => Some(0),
            _ => None,
        },
        Kind::Tier => match lower.as_str() {
            "datacenter" | "datacentre" => Some(Tier::Secure as i64),
            word => word.parse::<Tier>().ok().map(|tier| tier as i64),
        },
        Kind::Sale => match lower.as_str() {
            "ondemand" | "on demand" | "on_demand" => Some(Sale::OnDemand as i64),
            "bid" | "interruptible" => Some(Sale::Spot as i64),
            "reserved" => Some(Sale::Monthly as i64),
            word => word.parse::<Sale>().ok().map(|sale| sale as i64),
        },
        Kind::Model | Kind::Region | Kind::Supplier | Kind::Text => None,
    }
}

/// Prints a value so that it is read as the same.
pub(super) fn print(kind: Kind, value: &Value) -> String {
    match value {
        Value::Text(text) => quoted(kind, text),
        Value::Number(number) => print_number(kind, *number),
    }
}

fn quoted(kind: Kind, text: &str) -> String {
    let underscored = match kind {
        Kind::Model | Kind::Region | Kind::Text => text.replace(' ', "_"),
        _ => text.to_owned(),
    };
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    match underscored.chars().all(is_plain) && !text.eq_ignore_ascii_case("any") {
        true => underscored,
        false => format!("\"{text}\""),
    }
}

fn print_number(kind: Kind, number: i64) -> String {
    let unsigned = number.unsigned_abs();
    match kind {
        Kind::Size => {
            let units = [
                (1_u64 << 30, ""),
                (1 << 20, "MB"),
                (1 << 10, "KB"),
                (1, "B"),
            ];
            let exact = units
                .iter()
                .find(|(unit, _)| unsigned.is_multiple_of(*unit));
            exact.map_or_else(String::new, |(unit, name)| {
                format!("{}{name}", unsigned / unit)
            })
        }
        Kind::Cores => trimmed(unsigned, 3),
        Kind::Share => trimmed(unsigned, 6),
        Kind::Throughput => trimmed(unsigned, 1),
        Kind::Hourly | Kind::Monthly | Kind::PerGb => {
            Money::from_nanos(number).to_string().replace('$', "")
        }
        Kind::Capability => format!("{}.{}", number / 10, number % 10),
        Kind::Version => format!("{}.{}", number / 100, number % 100),
        Kind::Flag => (number == 1).to_string(),
        Kind::Tier => TIERS
            .iter()
            .find(|tier| **tier as i64 == number)
            .map_or("", |t| t.as_str())
            .to_owned(),
        Kind::Sale => SALES
            .iter()
            .find(|sale| **sale as i64 == number)
            .map_or("", |s| s.as_str())
            .to_owned(),
        Kind::Count | Kind::Model | Kind::Region | Kind::Supplier | Kind::Text => {
            number.to_string()
        }
    }
}

fn trimmed(number: u64, places: u32) -> String {
    let one = 10_u64.pow(places);
    let width = places as usize;
    let text = format!("{}.{:0width$}", number / one, number % one);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn expected(kind: Kind) -> &'static str {
    match kind {
        Kind::Count => "a whole number",
        Kind::Size => "a size",
        Kind::Cores => "a number of CPUs",
        Kind::Hourly | Kind::Monthly | Kind::PerGb => "an amount in dollars",
        Kind::Share => "a share between 0 and 1",
        Kind::Capability => "a compute capability",
        Kind::Version => "a version",
        Kind::Throughput => "a throughput in TFLOPS",
        Kind::Flag => "a yes or a no",
        Kind::Tier => "a tier",
        Kind::Sale => "a way of sale",
        Kind::Model | Kind::Region | Kind::Supplier | Kind::Text => "a name",
    }
}

fn example(kind: Kind) -> &'static str {
    match kind {
        Kind::Count => "a number such as 1 or 8",
        Kind::Size => "GB, such as 24, 24GB or 1.5TB",
        Kind::Cores => "CPUs, such as 8 or 0.5",
        Kind::Hourly => "dollars per hour, such as 0.5 or $0.5",
        Kind::Monthly => "dollars per GB and month, such as 0.07",
        Kind::PerGb => "dollars per GB, such as 0.09",
        Kind::Share => "0.95 or 95%",
        Kind::Capability => "8.6, or 860 as Vast.ai writes it",
        Kind::Version => "two numbers, such as 12.4",
        Kind::Throughput => "TFLOPS, such as 312 or 82.6",
        Kind::Flag => "true or false",
        Kind::Tier => "secure, community or local",
        Kind::Sale => "on-demand, spot, monthly or serverless",
        Kind::Model => "a GPU, such as RTX_4090 or \"A100 80GB\"",
        Kind::Region => "a place, such as EU, US-TX or europe-west4",
        Kind::Supplier => "a supplier, such as runpod",
        Kind::Text => "a name",
    }
}

fn signed(number: u64) -> Option<i64> {
    i64::try_from(number).ok()
}

/// Nobody who writes `.95` means anything else.
fn with_zero(text: &str) -> String {
    match text.starts_with('.') {
        true => format!("0{text}"),
        false => text.to_owned(),
    }
}

fn decimal(text: &str, places: u32) -> Option<u64> {
    let text = with_zero(text);
    let (whole, part) = text.split_once('.').unwrap_or((&text, "0"));
    let is_digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
    let width = places as usize;
    if !is_digits(whole) || !is_digits(part) || part.len() > width {
        return None;
    }
    let part: u64 = format!("{part:0<width$}").parse().ok()?;
    whole
        .parse::<u64>()
        .ok()?
        .checked_mul(10_u64.pow(places))?
        .checked_add(part)
}

fn money(text: &str, units: &[&str]) -> Option<i64> {
    let amount = units
        .iter()
        .find_map(|unit| text.strip_suffix(unit))
        .unwrap_or(text);
    let amount = amount.trim_end();
    let (sign, digits) = amount
        .strip_prefix('-')
        .map_or(("", amount), |digits| ("-", digits));
    let digits = digits.strip_prefix('$').unwrap_or(digits);
    let money: Money = format!("{sign}{}", with_zero(digits)).parse().ok()?;
    Some(money.nanos())
}

fn share(text: &str) -> Option<u64> {
    let millionths = match text.strip_suffix('%') {
        Some(percent) => decimal(percent.trim_end(), 4)?,
        None => decimal(text, 6)?,
    };
    (millionths <= ONE).then_some(millionths)
}

/// Reads `8.6` as people write it, `86` as compilers do, and `860` as Vast.ai does.
fn capability(text: &str) -> Option<i64> {
    if text.contains('.') {
        let (major, minor) = version(text)?;
        return (minor < 10).then_some(major * 10 + minor);
    }
    let number = i64::from(text.parse::<u16>().ok()?);
    match number {
        0..=20 => Some(number * 10),
        21..200 => Some(number),
        _ => Some(number / 10),
    }
}

fn version(text: &str) -> Option<(i64, i64)> {
    let (major, minor) = text.split_once('.').unwrap_or((text, "0"));
    let minor = minor.parse::<u16>().ok().filter(|minor| *minor < 100)?;
    Some((i64::from(major.parse::<u16>().ok()?), i64::from(minor)))
}
