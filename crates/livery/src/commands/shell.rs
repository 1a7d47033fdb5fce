//! `livery shell`

use super::exec::hand_on_term;
use crate::connect;
use crate::failure::{Ending, Failure};
use crate::session::{self, Input};
use crate::settings::Settings;
use crate::terminal;
use livery_api::dto::ExecSpec;
use std::collections::BTreeMap;

/// Open a shell in a pod, on a terminal of its own.
#[derive(Debug, clap::Args)]
pub struct ShellArgs {
    /// The pod's id, or its name
    pod: String,
    /// Where to begin
    #[arg(short, long, value_name = "DIR")]
    workdir: Option<String>,
}

/// The user's shell there, or the best one that the image has.
const BEST_SHELL: &str =
    "if command -v bash >/dev/null 2>&1; then exec bash -l; else exec sh -l; fi";

/// Runs the command.
pub async fn run(args: ShellArgs, settings: &Settings) -> anyhow::Result<Ending> {
    if !terminal::is_interactive() {
        let hint = format!("use `livery exec {} -- sh` for a shell on a pipe", args.pod);
        return Err(
            Failure::mistake("a shell needs a terminal, and this is none")
                .hint(hint)
                .into(),
        );
    }
    let mut env = BTreeMap::new();
    hand_on_term(&mut env);
    let spec = ExecSpec {
        argv: ["/bin/sh", "-c", BEST_SHELL].map(str::to_owned).to_vec(),
        env,
        workdir: args.workdir,
        tty: Some(terminal::window()),
    };
    let client = connect::client(settings).await?;
    session::run(&client, &args.pod, &spec, Input::Stdin).await
}
