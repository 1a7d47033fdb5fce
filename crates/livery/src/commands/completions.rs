//! `livery completions`

use crate::cli;
use crate::failure::Ending;
use crate::ui::out;
use std::io::Write;

/// Print the completions of a shell.
///
/// For bash: `livery completions bash > ~/.local/share/bash-completion/completions/livery`
#[derive(Debug, clap::Args)]
pub struct CompletionsArgs {
    /// The shell
    shell: clap_complete::Shell,
}

/// Runs the command.
pub fn run(args: &CompletionsArgs) -> anyhow::Result<Ending> {
    let mut text = Vec::new();
    clap_complete::generate(args.shell, &mut cli::description(), "livery", &mut text);
    let mut out = out();
    out.write_all(&text)?;
    out.flush()?;
    Ok(Ending::Done)
}
