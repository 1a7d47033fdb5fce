//! Numbers into lines.

use std::fmt::Write as _;
use std::time::Duration;

/// The times of one competitor.
#[derive(Debug, Clone, Default)]
pub(crate) struct Samples {
    name: String,
    times: Vec<Duration>,
}

impl Samples {
    /// Begins with no times.
    pub(crate) fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            times: Vec::new(),
        }
    }

    /// Adds one time.
    pub(crate) fn push(&mut self, time: Duration) {
        self.times.push(time);
        self.times.sort_unstable();
    }

    /// Returns the median.
    pub(crate) fn median(&self) -> Duration {
        self.percentile(50)
    }

    /// Returns the time below which `percent` of all times lie, by nearest rank.
    pub(crate) fn percentile(&self, percent: usize) -> Duration {
        let rank = (self.times.len() * percent).div_ceil(100).max(1);
        self.times.get(rank - 1).copied().unwrap_or_default()
    }
}

/// Returns a table of ours and theirs, with the ratio of the medians: how many times longer theirs
/// took.
pub(crate) fn table(title: &str, ours: &Samples, theirs: &[&Samples]) -> String {
    let mut text = format!("{title} ({} rounds)\n", ours.times.len());
    let median = ours.percentile(50);
    line(&mut text, ours, None);
    for samples in theirs {
        let ratio = samples.percentile(50).as_secs_f64() / median.as_secs_f64();
        line(&mut text, samples, Some(ratio));
    }
    text
}

fn line(text: &mut String, samples: &Samples, ratio: Option<f64>) {
    let spread = format!(
        "{} to {}",
        show(samples.percentile(10)),
        show(samples.percentile(90))
    );
    let ratio = ratio.map_or_else(String::new, |ratio| format!("{ratio:.1}x"));
    let median = show(samples.percentile(50));
    // Writing to a String cannot fail.
    let _ = writeln!(
        text,
        "  {:<28} {median:>10}   {spread:<24} {ratio:>8}",
        samples.name
    );
}

fn show(time: Duration) -> String {
    let millis = time.as_secs_f64() * 1e3;
    match millis {
        _ if millis >= 10_000.0 => format!("{:.1} s", millis / 1e3),
        _ if millis >= 100.0 => format!("{millis:.0} ms"),
        _ => format!("{millis:.1} ms"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(name: &str, millis: &[u64]) -> Samples {
        let mut samples = Samples::new(name);
        for &time in millis {
            samples.push(Duration::from_millis(time));
        }
        samples
    }

    #[test]
    pub(crate) fn percentiles_are_of_the_nearest_rank() {
        let ten = samples("a", &[10, 9, 8, 7, 6, 5, 4, 3, 2, 1]);
        assert_eq!(ten.percentile(10), Duration::from_millis(1));
        assert_eq!(ten.percentile(50), Duration::from_millis(5));
        assert_eq!(ten.percentile(90), Duration::from_millis(9));
        assert_eq!(samples("a", &[7]).percentile(10), Duration::from_millis(7));
    }

    #[test]
    fn the_ratio_says_how_many_times_longer_theirs_took() {
        let text = table(
            "title",
            &samples("ours", &[20, 20]),
            &[&samples("theirs", &[50, 50])],
        );
        assert!(text.contains("title (2 rounds)"), "{text}");
        assert!(text.lines().nth(2).unwrap().ends_with("2.5x"), "{text}");
    }

    #[test]
    fn times_are_shown_in_a_fitting_unit() {
        assert_eq!(show(Duration::from_micros(12_345)), "12.3 ms");
        assert_eq!(show(Duration::from_millis(1234)), "1234 ms");
        assert_eq!(show(Duration::from_millis(12_345)), "12.3 s");
    }
}
