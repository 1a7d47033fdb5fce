//! A progress bar for bytes: a bar with rate and time left on a terminal, plain lines elsewhere.

use super::say;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use livery_units::Bytes;
use std::io::IsTerminal;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// How often a plain line is printed.
const LINE_EVERY: Duration = Duration::from_secs(5);

/// Progress of a transfer; may be shared by threads.
pub struct Progress {
    what: &'static str,
    bar: ProgressBar,
    plain: Option<Mutex<Instant>>,
}

impl Progress {
    /// Begins to show progress towards so many bytes.
    pub fn new(what: &'static str, bytes: u64) -> Self {
        let is_terminal = std::io::stderr().is_terminal();
        let target = if is_terminal {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        };
        let bar = ProgressBar::with_draw_target(Some(bytes), target);
        let template = "{msg} {wide_bar} {bytes}/{total_bytes} {bytes_per_sec} {eta} left";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.set_message(what);
        Self {
            what,
            bar,
            plain: (!is_terminal).then(|| Mutex::new(Instant::now())),
        }
    }

    /// Notes that more bytes are through.
    pub fn add(&self, bytes: u64) {
        self.bar.inc(bytes);
        let Some(last) = &self.plain else { return };
        let Ok(mut last) = last.lock() else { return };
        if last.elapsed() >= LINE_EVERY {
            *last = Instant::now();
            say(&self.line());
        }
    }

    fn line(&self) -> String {
        let size = |bytes: u64| Bytes::new(bytes);
        let elapsed = self.bar.elapsed().as_millis().max(1);
        let rate = u128::from(self.bar.position()) * 1_000 / elapsed;
        let rate = u64::try_from(rate).unwrap_or(u64::MAX);
        let total = self.bar.length().unwrap_or(0);
        let left = total.saturating_sub(self.bar.position()) / rate.max(1);
        format!(
            "{}: {} of {}, {}/s, {left}s left",
            self.what,
            size(self.bar.position()),
            size(total),
            size(rate)
        )
    }

    /// Takes the bar away.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
