//! `livery version`

use crate::connect;
use crate::failure::Ending;
use crate::settings::Settings;
use crate::ui::table::Table;
use crate::ui::{print_json, say};
use livery_api::{Error, PROTOCOL};
use serde::Serialize;

/// Print the version of this program, and of the control plane when one answers.
#[derive(Debug, clap::Args)]
pub struct VersionArgs {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Versions {
    version: &'static str,
    protocol: u32,
    server: Option<livery_api::dto::Version>,
}

/// Runs the command. It never starts a control plane: who asks for versions wants to know, not to
/// change.
pub async fn run(args: VersionArgs, settings: &Settings) -> anyhow::Result<Ending> {
    let client = connect::existing(settings);
    let server = match client.version().await {
        Ok(version) => Some(version),
        Err(Error::NoServer { .. }) if settings.server.is_none() => None,
        Err(error) => return Err(error.into()),
    };
    let versions = Versions {
        version: env!("CARGO_PKG_VERSION"),
        protocol: PROTOCOL,
        server,
    };
    if args.json {
        print_json(&versions)?;
        return Ok(Ending::Done);
    }
    let mut table = Table::bare();
    let line = |version: &str, protocol: u32| format!("{version} (API {protocol})");
    table.row(["livery".into(), line(versions.version, PROTOCOL)]);
    match &versions.server {
        Some(server) => {
            table.row([
                "control plane".into(),
                line(&server.version, server.protocol),
            ]);
        }
        None => say("no control plane runs here"),
    }
    table.print()?;
    Ok(Ending::Done)
}
