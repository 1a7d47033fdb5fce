//! `livery doctor`

use crate::cli::on_one_thread;
use crate::connect;
use crate::doctor::{self, Finding, Health};
use crate::failure::Ending;
use crate::settings::Settings;
use crate::ui::print_json;
use crate::ui::style::Style;
use std::io::Write;

/// Check what this machine can and cannot do as a host, with the command that mends each.
///
/// The advice is for the user who asks: root, one with sudo, or one without. The exit code is 1 when that
/// user cannot run pods here.
#[derive(Debug, clap::Args)]
pub struct DoctorArgs {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub fn run(args: &DoctorArgs, settings: &Settings) -> anyhow::Result<Ending> {
    let findings = doctor::examine(settings);
    if args.json {
        print_json(&findings)?;
    } else {
        print(&findings)?;
    }
    on_one_thread(async {
        connect::close_with_existing(settings);
        Ok(())
    })?;
    let is_bad = findings.iter().any(|finding| finding.health == Health::Bad);
    Ok(if is_bad {
        Ending::BadNews
    } else {
        Ending::Done
    })
}

fn print(findings: &[Finding]) -> std::io::Result<()> {
    let style = Style::stdout();
    let mut out = crate::ui::out();
    for finding in findings {
        let mark = match finding.health {
            Health::Good => style.good("✓"),
            Health::Limited => style.warn("!"),
            Health::Bad => style.bad("✗"),
        };
        writeln!(out, "{mark} {:<16} {}", finding.name, finding.found)?;
        if let Some(mend) = &finding.mend {
            writeln!(out, "  {:<16} {} {mend}", "", style.info("mend:"))?;
        }
    }
    let count = |health| {
        findings
            .iter()
            .filter(|finding| finding.health == health)
            .count()
    };
    writeln!(out)?;
    match (count(Health::Bad), count(Health::Limited)) {
        (0, 0) => writeln!(out, "pods can run here")?,
        (0, 1) => writeln!(out, "pods can run here, with one limit")?,
        (0, limited) => writeln!(out, "pods can run here, with {limited} limits")?,
        (1, _) => writeln!(out, "you cannot run pods here: one thing is in the way")?,
        (bad, _) => writeln!(out, "you cannot run pods here: {bad} things are in the way")?,
    }
    out.flush()
}
