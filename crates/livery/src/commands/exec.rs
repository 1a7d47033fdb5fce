//! `livery exec`

use crate::connect;
use crate::failure::Ending;
use crate::session::{self, Input};
use crate::settings::Settings;
use crate::terminal;
use livery_api::dto::ExecSpec;
use std::collections::BTreeMap;

/// Run a command in a pod; its exit code is this command's.
///
/// Standard input, output and error are the command's. When a user sits at this terminal, the
/// command gets one too.
///
/// A signal for this command (INT, TERM, HUP) goes to the one in the pod. A second signal ends this
/// command with 128 and its number, as does one that is not answered within ten seconds; with a
/// terminal, the first. What runs in the pod is then hung up.
#[derive(Debug, clap::Args)]
pub struct ExecArgs {
    /// The pod's id, or its name
    pod: String,
    /// Give the command a terminal, also when this is none
    #[arg(short, long, overrides_with = "no_tty")]
    tty: bool,
    /// Give the command no terminal
    #[arg(short = 'T', long)]
    no_tty: bool,
    /// Read nothing from standard input
    #[arg(short, long)]
    no_stdin: bool,
    /// Environment variable; without a value, the caller's own
    #[arg(short, long = "env", value_name = "K[=V]")]
    envs: Vec<String>,
    /// Where to run it
    #[arg(short, long, value_name = "DIR")]
    workdir: Option<String>,
    /// The command and its arguments
    #[arg(
        required = true,
        trailing_var_arg = true,
        allow_hyphen_values = true,
        value_name = "CMD"
    )]
    command: Vec<String>,
}

/// Runs the command.
pub async fn run(args: ExecArgs, settings: &Settings) -> anyhow::Result<Ending> {
    let mut env = BTreeMap::new();
    for text in &args.envs {
        let (name, value) = crate::assignment::read(text, "--env")?;
        env.insert(name, value);
    }
    let wants_tty = !args.no_tty && !args.no_stdin && (args.tty || terminal::is_interactive());
    if wants_tty {
        hand_on_term(&mut env);
    }
    let spec = ExecSpec {
        argv: args.command,
        env,
        workdir: args.workdir,
        tty: wants_tty.then(terminal::window),
    };
    let input = if args.no_stdin {
        Input::Nothing
    } else {
        Input::Stdin
    };
    let client = connect::client(settings).await?;
    session::run(&client, &args.pod, &spec, input).await
}

/// Programs draw for the terminal that the user sits at.
pub fn hand_on_term(env: &mut BTreeMap<String, String>) {
    let term = std::env::var("TERM").unwrap_or_else(|_| "xterm-256color".to_owned());
    env.entry("TERM".to_owned()).or_insert(term);
}
