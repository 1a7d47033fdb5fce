//! How amounts, times and things look in listings.

use livery_api::dto::{Gpus, Offer, Pod, Price};
use livery_units::{Day, Money, Span, Timestamp};
use std::time::{SystemTime, UNIX_EPOCH};

/// Returns the present time.
pub fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let millis = since.unwrap_or_default().as_millis();
    Timestamp::from_millis(i64::try_from(millis).unwrap_or(i64::MAX))
}

/// Returns how long ago something was: `3m ago`.
pub fn ago(at: Timestamp, now: Timestamp) -> String {
    format!("{} ago", rough(now.since(at)))
}

/// Returns the largest unit of a stretch of time: `3m`.
pub fn rough(span: Span) -> String {
    let secs = span.secs();
    match secs {
        0..60 => format!("{secs}s"),
        60..3_600 => format!("{}m", secs / 60),
        3_600..86_400 => format!("{}h", secs / 3_600),
        86_400.. => format!("{}d", secs / 86_400),
    }
}

/// Returns an absolute time in UTC: `2025-06-01 12:30:05 UTC`.
pub fn date(at: Timestamp) -> String {
    let (day, (hour, minute, second)) = (Day::of(at), at.time_of_day());
    format!("{day} {hour:02}:{minute:02}:{second:02} UTC")
}

/// Returns virtual CPUs: `2` or `0.5`.
pub fn vcpu(milli: u32) -> String {
    let text = format!("{}.{:03}", milli / 1_000, milli % 1_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Returns GPUs, simulated ones marked: `2x RTX 4090 (simulated)`.
pub fn gpus(gpus: Option<&Gpus>) -> String {
    match gpus {
        None => "-".to_owned(),
        Some(gpus) => {
            let mark = if gpus.simulated { " (simulated)" } else { "" };
            format!("{}x {}{mark}", gpus.count, gpus.model)
        }
    }
}

/// Returns a price per hour.
pub fn price(price: &Price) -> String {
    hourly(price.hourly)
}

/// Returns what something costs an hour.
pub fn hourly(hourly: Money) -> String {
    format!("{}/h", hourly.shown())
}

/// Returns the memory of an offer's GPUs.
pub fn vram(offer: &Offer) -> String {
    let vram = offer.gpus.as_ref().map(|gpus| gpus.vram.to_string());
    vram.unwrap_or_else(|| "-".to_owned())
}

/// Returns for how long a pod has been up.
pub fn up(pod: &Pod, now: Timestamp) -> String {
    match pod.started {
        None => "-".to_owned(),
        Some(started) => rough(pod.ended.unwrap_or(now).since(started)),
    }
}

/// Returns for how long nobody has used a pod.
pub fn idle(pod: &Pod, now: Timestamp) -> String {
    match pod.idle_since {
        None => "-".to_owned(),
        Some(since) => rough(now.since(since)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_right_around_leap_days_and_before_1970() {
        for (secs, text) in [
            (0, "1970-01-01 00:00:00 UTC"),
            (951_782_400, "2000-02-29 00:00:00 UTC"),
            (1_748_781_005, "2025-06-01 12:30:05 UTC"),
            (-1, "1969-12-31 23:59:59 UTC"),
        ] {
            assert_eq!(date(Timestamp::from_millis(secs * 1_000)), text);
        }
    }

    #[test]
    fn cpus_are_printed_without_needless_digits() {
        let shown: Vec<String> = [2_000, 500, 1_250, 100_000].map(vcpu).to_vec();
        assert_eq!(shown, ["2", "0.5", "1.25", "100"]);
    }
}
