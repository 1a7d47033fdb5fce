//! `livery schema`

use crate::failure::Ending;
use crate::ui::out;
use std::io::Write;

/// Print JSON Schemas, for editors.
#[derive(Debug, clap::Args)]
pub struct SchemaArgs {
    #[command(subcommand)]
    command: SchemaCommand,
}

#[derive(Debug, clap::Subcommand)]
enum SchemaCommand {
    /// The schema of job files
    ///
    /// Put `# yaml-language-server: $schema=job.schema.json` on a job file's first line.
    Job,
}

/// Runs the command.
pub fn run(args: &SchemaArgs) -> anyhow::Result<Ending> {
    let SchemaCommand::Job = args.command;
    let mut out = out();
    out.write_all(livery_jobfile::schema().trim_end().as_bytes())?;
    out.write_all(b"\n")?;
    out.flush()?;
    Ok(Ending::Done)
}
