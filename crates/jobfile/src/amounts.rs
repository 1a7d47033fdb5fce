//! Texts that stand for amounts: sizes, counts, money, durations, GPUs, ports.
//!
//! Every function takes the text as the user wrote it and knows its own limits.

use crate::code::Code;
use crate::keys::GPU_COUNT_MAX;
use livery_domain::gpu::GpuModel;
use livery_domain::job::{Accelerators, Bound};
use livery_units::{Bytes, Money, Span};
use std::ops::RangeInclusive;

/// What is wrong with a text, without its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Trouble {
    pub(crate) code: Code,
    pub(crate) message: String,
    pub(crate) hint: String,
}

impl Trouble {
    pub(crate) fn bad(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            code: Code::BadValue,
            message: message.into(),
            hint: hint.into(),
        }
    }

    pub(crate) fn range(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            code: Code::OutOfRange,
            message: message.into(),
            hint: hint.into(),
        }
    }
}

/// From a tenth of a CPU to twice the largest machine that is rented out today.
const VCPU_MILLI: RangeInclusive<u32> = 100..=4_096_000;

/// What a pod needs to start at all, to twice the largest machine that is rented out today.
pub(crate) const MEMORY: RangeInclusive<u64> = 16 << 20..=64 << 40;

/// What an empty file system needs, to more than any one machine has.
pub(crate) const DISK: RangeInclusive<u64> = 64 << 20..=1 << 50;

/// To well above the memory of any GPU.
pub(crate) const VRAM: RangeInclusive<u64> = 1 << 30..=4 << 40;

/// A million dollars: more is a slip of the finger.
const MONEY_MAX: Money = Money::from_nanos(1_000_000 * 1_000_000_000);

/// A year.
const DURATION_MAX: Span = Span::from_secs(365 * 86_400);

/// More than this is a firewall's job.
pub(crate) const PORTS_MAX: usize = 1_024;

/// Reads `4`, `4+` or `0.5` as thousandths of a CPU.
pub(crate) fn cpus(text: &str) -> Result<Bound<u32>, Trouble> {
    let hint = "write how many: `4` for exactly four, `4+` for at least four; from 0.1 to 4096";
    let out_of_range =
        || Trouble::range(format!("`{text}` is not a possible number of CPUs"), hint);
    bound(text, |amount| {
        let milli = match thousandths(amount) {
            Thousandths::Some(milli) => milli,
            Thousandths::Negative | Thousandths::TooMany => return Err(out_of_range()),
            Thousandths::NotANumber => {
                return Err(Trouble::bad(
                    format!("`{text}` is not a number of CPUs"),
                    hint,
                ));
            }
        };
        let milli = u32::try_from(milli)
            .ok()
            .filter(|milli| VCPU_MILLI.contains(milli));
        milli.ok_or_else(out_of_range)
    })
}

/// Reads `16`, `16+`, `32GB+` or `512MB`.
pub(crate) fn memory(text: &str) -> Result<Bound<Bytes>, Trouble> {
    bound(text, |amount| size(amount, "memory", MEMORY))
}

/// Reads `24GB`, `512MB` or a bare number of GB.
pub(crate) fn size(text: &str, what: &str, limits: RangeInclusive<u64>) -> Result<Bytes, Trouble> {
    let (min, max) = (Bytes::new(*limits.start()), Bytes::new(*limits.end()));
    let hint = format!("write a size such as 24GB or 512MB; from {min} to {max}");
    if text.ends_with('+') {
        let message = format!("`{text}`: `+` (at least) is for `cpus` and `memory` only");
        return Err(Trouble::bad(message, hint));
    }
    match text.parse::<Bytes>() {
        Ok(size) if limits.contains(&size.get()) => Ok(size),
        Ok(_) => Err(Trouble::range(
            format!("{text} of {what} is beyond the limits"),
            hint,
        )),
        Err(_) if is_size_beyond_counting(text) => Err(Trouble::range(
            format!("{text} of {what} is beyond the limits"),
            hint,
        )),
        Err(error) => Err(Trouble::bad(error.to_string(), hint)),
    }
}

/// Reads an amount in dollars: `5`, `0.60`, `$2.50`.
pub(crate) fn money(text: &str) -> Result<Money, Trouble> {
    let hint = "write dollars, such as 0.60 or $12; more than 0 and at most 1000000";
    match text.parse::<Money>() {
        Ok(money) if money > Money::ZERO && money <= MONEY_MAX => Ok(money),
        Ok(money) => Err(Trouble::range(
            format!("{money} is not a possible limit"),
            hint,
        )),
        Err(error) => Err(Trouble::bad(error.to_string(), hint)),
    }
}

/// Reads hours (`8`, `0.5`) or a duration (`1h30m`).
pub(crate) fn hours(text: &str) -> Result<Span, Trouble> {
    let hint =
        "write hours such as 8 or 0.5, or a duration such as 1h30m; from 1 second to 365 days";
    match thousandths(text) {
        Thousandths::Some(milli) => {
            let millis = milli.checked_mul(3_600).map(Span::from_millis);
            in_duration_limits(millis, text, hint)
        }
        Thousandths::Negative | Thousandths::TooMany => in_duration_limits(None, text, hint),
        Thousandths::NotANumber => duration(text),
    }
}

/// Reads a duration: `90s`, `10m`, `1h30m`.
pub(crate) fn duration(text: &str) -> Result<Span, Trouble> {
    let hint = "write a duration such as 90s, 10m or 1h30m; from 1 second to 365 days";
    match text.parse::<Span>() {
        Ok(span) => in_duration_limits(Some(span), text, hint),
        Err(error) => Err(Trouble::bad(error.to_string(), hint)),
    }
}

/// Reads `RTX4090`, `RTX4090:2` or `A100-80GB:8`.
pub(crate) fn accelerators(text: &str) -> Result<Accelerators, Trouble> {
    let hint =
        format!("write a model and how many of it, such as RTX4090:1; from 1 to {GPU_COUNT_MAX}");
    let (model, count) = match text.split_once(':') {
        Some((model, count)) => (model.trim(), count.trim()),
        None => (text.trim(), "1"),
    };
    let known = |c: char| c.is_ascii_alphanumeric() || matches!(c, ' ' | '-' | '_' | '.' | '+');
    let has_letter = model.chars().any(|c| c.is_ascii_alphabetic());
    if !has_letter || !model.chars().all(known) || model.len() > 64 {
        let message = format!("`{}` is not a GPU model", crate::tree::brief(text));
        return Err(Trouble::bad(message, hint));
    }
    match count.parse::<u32>() {
        Ok(count) if (1..=GPU_COUNT_MAX).contains(&i64::from(count)) => Ok(Accelerators {
            model: GpuModel::parse(model),
            count,
        }),
        Ok(_) => Err(Trouble::range(
            format!("{count} is not a possible number of GPUs"),
            hint,
        )),
        Err(_) if thousandths(count) != Thousandths::NotANumber => {
            let message =
                format!("{count} is not a possible number of GPUs; parts of one are not rented");
            Err(Trouble::range(message, hint))
        }
        Err(_) => Err(Trouble::bad(
            format!("`{count}` is not a number of GPUs"),
            hint,
        )),
    }
}

/// Reads `8080` or `8080-8090`.
pub(crate) fn ports(text: &str) -> Result<Vec<u16>, Trouble> {
    let hint = "write a port such as 8080 or a range such as 8080-8090; from 1 to 65535";
    let bad = || Trouble::bad(format!("`{text}` is not a port"), hint);
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let number = |text: &str| text.trim().parse::<u64>().map_err(|_| bad());
    let (first, last) = (number(first)?, number(last)?);
    let port = |number: u64| {
        let port = u16::try_from(number).ok().filter(|port| *port > 0);
        port.ok_or_else(|| Trouble::range(format!("{number} is not a possible port"), hint))
    };
    let (first, last) = (port(first)?, port(last)?);
    if first > last {
        return Err(Trouble::bad(
            format!("the range `{text}` ends before it begins"),
            hint,
        ));
    }
    if usize::from(last - first) >= PORTS_MAX {
        let message = format!("`{text}` are more than {PORTS_MAX} ports");
        return Err(Trouble::range(
            message,
            "name the ports that the job serves",
        ));
    }
    Ok((first..=last).collect())
}

fn bound<T>(text: &str, read: impl Fn(&str) -> Result<T, Trouble>) -> Result<Bound<T>, Trouble> {
    match text.trim().strip_suffix('+') {
        Some(amount) => read(amount.trim()).map(Bound::AtLeast),
        None => read(text.trim()).map(Bound::Exactly),
    }
}

fn in_duration_limits(span: Option<Span>, text: &str, hint: &str) -> Result<Span, Trouble> {
    let possible = Span::from_secs(1)..=DURATION_MAX;
    let span = span.filter(|span| possible.contains(span));
    span.ok_or_else(|| Trouble::range(format!("`{text}` is not a possible duration"), hint))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Thousandths {
    Some(u64),
    Negative,
    TooMany,
    NotANumber,
}

/// Reads a decimal number with at most three decimals, without going through binary fractions.
fn thousandths(text: &str) -> Thousandths {
    let (is_negative, unsigned) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (whole, decimals) = unsigned.split_once('.').unwrap_or((unsigned, "0"));
    let digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
    if !digits(whole) || !digits(decimals) || decimals.trim_end_matches('0').len() > 3 {
        return Thousandths::NotANumber;
    }
    if is_negative {
        return Thousandths::Negative;
    }
    let decimals = decimals.trim_end_matches('0');
    let milli = format!("{whole}{decimals:0<3}").parse();
    milli.map_or(Thousandths::TooMany, Thousandths::Some)
}

/// Whether a text is a size in so large a unit, or of so many digits, that bytes are not counted
/// so far; or a negative one.
fn is_size_beyond_counting(text: &str) -> bool {
    let lower = text.trim().to_ascii_lowercase();
    let number = lower.trim_start_matches('-');
    let unit = number.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
    let has_digits = unit.len() < number.len();
    let known = ["b", "k", "m", "g", "t", "p", "e", "z", "y"];
    let unit = unit.trim().trim_end_matches("ib").trim_end_matches('b');
    has_digits && (unit.is_empty() || known.contains(&unit.trim_end_matches('i')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_as_users_write_them() {
        assert_eq!(cpus("4"), Ok(Bound::Exactly(4_000)));
        assert_eq!(cpus("4+"), Ok(Bound::AtLeast(4_000)));
        assert_eq!(cpus("0.5"), Ok(Bound::Exactly(500)));
        assert_eq!(memory("16+"), Ok(Bound::AtLeast(Bytes::gib(16))));
        assert_eq!(memory("32GB+"), Ok(Bound::AtLeast(Bytes::gib(32))));
        assert_eq!(memory("512MB"), Ok(Bound::Exactly(Bytes::mib(512))));
        assert_eq!(money("$2.50"), Ok(Money::from_nanos(2_500_000_000)));
        assert_eq!(hours("0.5"), Ok(Span::from_secs(1_800)));
        assert_eq!(hours("1h30m"), Ok(Span::from_secs(5_400)));
        assert_eq!(duration("90s"), Ok(Span::from_secs(90)));
        assert_eq!(ports("8080-8082"), Ok(vec![8080, 8081, 8082]));
        let gpus = accelerators("A100-80GB:8").unwrap();
        assert_eq!(gpus.to_string(), "8x A100 80GB");
        assert_eq!(accelerators("rtx4090").unwrap().to_string(), "1x RTX 4090");
    }

    #[test]
    fn what_is_impossible_is_told_from_what_is_unreadable() {
        let code = |result: Result<(), Trouble>| result.unwrap_err().code;
        for text in [
            "0",
            "-4",
            "1000000",
            "99999999999999999999999",
            "0.01",
            "0+",
        ] {
            assert_eq!(code(cpus(text).map(drop)), Code::OutOfRange, "{text}");
        }
        for text in ["", "+", "four", "4++", "1e3", "4x", "0.1234"] {
            assert_eq!(code(cpus(text).map(drop)), Code::BadValue, "{text}");
        }
        for text in [
            "10PB",
            "-1GB",
            "0",
            "99999999999999999999GB",
            "1KB",
            "5 PiB+",
        ] {
            assert_eq!(code(memory(text).map(drop)), Code::OutOfRange, "{text}");
        }
        for text in ["", "lots", "GB", "16 bananas"] {
            assert_eq!(code(memory(text).map(drop)), Code::BadValue, "{text}");
        }
        for text in ["0", "-5", "1000001"] {
            assert_eq!(code(money(text).map(drop)), Code::OutOfRange, "{text}");
        }
        for text in ["0", "-1", "9000", "99999999999999999999", "0.0001h"] {
            assert!(hours(text).is_err(), "{text}");
        }
        for text in ["0", "65536", "1-65535", "70000-70001"] {
            assert_eq!(code(ports(text).map(drop)), Code::OutOfRange, "{text}");
        }
        for text in ["http", "80-", "90-80", "1-2-3"] {
            assert_eq!(code(ports(text).map(drop)), Code::BadValue, "{text}");
        }
        for text in ["A100:0", "A100:65", "A100:0.5", "A100:-1"] {
            assert_eq!(
                code(accelerators(text).map(drop)),
                Code::OutOfRange,
                "{text}"
            );
        }
        for text in ["", ":1", "4090", "A100:many", "A100/x"] {
            assert_eq!(code(accelerators(text).map(drop)), Code::BadValue, "{text}");
        }
    }
}
