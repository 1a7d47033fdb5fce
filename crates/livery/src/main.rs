//! The livery binary: commands for users, `serve` for the control plane, `host` for the host agent.

mod assignment;
mod attached;
mod bounded;
mod cli;
mod closing;
mod commands;
mod config;
mod connect;
mod doctor;
mod env_vars;
mod failure;
mod serve;
mod session;
mod settings;
mod signals;
mod terminal;
mod transfer;
mod ui;

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1).peekable();
    // A pod's shim forks, and only a process of one thread may: it comes before everything else.
    if arguments.next_if(|first| first == "shim").is_some() {
        serve::process::keep_private();
        std::process::exit(livery_runtime::shim::main(arguments));
    }
    cli::main()
}
