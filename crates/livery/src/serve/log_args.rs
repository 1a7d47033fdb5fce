//! How much of the output of tasks is kept.

use livery_units::Bytes;

/// How much of the output of tasks is kept: a host keeps it while its pod is there, a control plane for
/// its runs.
#[derive(Debug, Clone, clap::Args)]
pub struct LogArgs {
    /// How much of the end of its output is kept of each task, here and on the host: cut at the front
    #[arg(long, value_name = "SIZE", default_value = "64MiB", value_parser = log_limit)]
    log_limit: Bytes,
}

impl LogArgs {
    /// Returns how much is kept of each task's output.
    pub fn limit(&self) -> Bytes {
        self.log_limit
    }
}

/// A log of less would be cut all the time, and one line could be all that is left of it.
fn log_limit(text: &str) -> Result<Bytes, String> {
    const LEAST: Bytes = Bytes::mib(1);
    match text.parse::<Bytes>() {
        Ok(limit) if limit < LEAST => Err(format!("at least {LEAST} are kept")),
        Ok(limit) => Ok(limit),
        Err(error) => Err(error.to_string()),
    }
}
