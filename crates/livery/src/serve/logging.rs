//! What `serve` and `host` log, on standard error.

use tracing_subscriber::EnvFilter;

/// Begins to log; LIVERY_LOG says how much.
pub fn init() {
    let wanted = std::env::var("LIVERY_LOG").unwrap_or_default();
    let filter = match EnvFilter::try_new(&wanted) {
        Ok(filter) if !wanted.trim().is_empty() => filter,
        Ok(_) | Err(_) => EnvFilter::new("info,h2=warn,hyper=warn,sqlx=warn"),
    };
    let style = crate::ui::style::Style::stderr();
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(style == crate::ui::style::Style::Coloured)
        .init();
}
