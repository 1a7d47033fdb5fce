//! The command line: which command there is, and how it is run.

use crate::closing;
use crate::commands as cmd;
use crate::config::Setting;
use crate::env_vars;
use crate::failure::{Ending, finish};
use crate::settings::{Globals, Settings};
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use livery_units::text::printable;
use std::borrow::Cow;
use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;

const AFTER_HELP: &str =
    "`livery COMMAND --help` explains a command. `livery doctor` checks this machine.";

/// Rent a GPU from anyone, rent yours out to anyone, and never pay for one you forgot.
#[derive(Debug, Parser)]
#[command(
    name = "livery",
    version,
    disable_help_subcommand = true,
    max_term_width = 100
)]
pub struct Cli {
    #[command(flatten)]
    globals: Globals,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Run(cmd::run::RunArgs),
    Runs(cmd::runs::RunsArgs),
    Logs(cmd::logs::LogsArgs),
    Results(cmd::results::ResultsArgs),
    Cancel(cmd::cancel::CancelArgs),
    Pods(cmd::pods::PodsArgs),
    Pod(cmd::pod::PodArgs),
    Exec(cmd::exec::ExecArgs),
    Shell(cmd::shell::ShellArgs),
    Forward(cmd::forward::ForwardArgs),
    Offers(cmd::offers::OffersArgs),
    Volume(cmd::volume::VolumeArgs),
    Volumes(cmd::volume::ListArgs),
    Gpus(cmd::gpus::GpusArgs),
    Compare(cmd::compare::CompareArgs),
    Estimate(cmd::estimate::EstimateArgs),
    BuyOrRent(cmd::buy_or_rent::BuyOrRentArgs),
    Advise(cmd::advise::AdviseArgs),
    Catalog(cmd::catalog::CatalogArgs),
    Reminders(cmd::reminders::RemindersArgs),
    Registry(cmd::registry::RegistryArgs),
    Orphans(cmd::orphans::OrphansArgs),
    Panic(cmd::panic::PanicArgs),
    Serve(cmd::serve::ServeArgs),
    Host(cmd::host::HostArgs),
    Config(cmd::config::ConfigArgs),
    Doctor(cmd::doctor::DoctorArgs),
    Balance(cmd::balance::BalanceArgs),
    Bill(cmd::bill::BillArgs),
    Spend(cmd::spend::SpendArgs),
    Redeem(cmd::redeem::RedeemArgs),
    Account(cmd::account::AccountArgs),
    Voucher(cmd::voucher::VoucherArgs),
    Token(cmd::token::TokenArgs),
    Schema(cmd::schema::SchemaArgs),
    Completions(cmd::completions::CompletionsArgs),
    Debug(cmd::debug::DebugArgs),
    Version(cmd::version::VersionArgs),
}

/// Reads the command line, runs the command and returns the exit code.
pub fn main() -> ExitCode {
    let parsed = description().try_get_matches();
    let cli = match parsed.and_then(|matches| Cli::from_arg_matches(&matches)) {
        Ok(cli) => cli,
        Err(error) => {
            let code = if error.use_stderr() { 2 } else { 0 };
            // Help into a closed pipe is no error either.
            let _ = match printable(&error.render().to_string()) {
                Cow::Borrowed(_) => error.print(),
                // It quotes a word that would steer the terminal.
                Cow::Owned(shown) => std::io::stderr().write_all(shown.as_bytes()),
            };
            return ExitCode::from(code);
        }
    };
    let code = finish(dispatch(cli));
    closing::say_it();
    code
}

/// Returns the whole command line's description, with the environment variables that it heeds.
pub fn description() -> clap::Command {
    // Those of the tests are of no use to a user.
    let used = env_vars::ALL.iter().filter(|var| {
        !["_TEST_", "_SOAK_"]
            .iter()
            .any(|ours| var.name.contains(ours))
    });
    let lines = used.map(|var| format!("  {:<21} {}", var.name, var.doc));
    let lines: Vec<String> = lines.collect();
    let help = format!(
        "Environment variables:\n{}\n\n{AFTER_HELP}",
        lines.join("\n")
    );
    Cli::command().after_help(AFTER_HELP).after_long_help(help)
}

/// Returns the settings among the flags of a command line of `serve` or `host`, the program's name
/// included; none when it is no such line.
pub fn settings_of(line: &[OsString]) -> Option<Vec<Setting>> {
    let matches = description().try_get_matches_from(line).ok()?;
    match Cli::from_arg_matches(&matches).ok()?.command {
        Command::Serve(args) => Some(args.settings().to_vec()),
        Command::Host(args) => Some(args.settings().to_vec()),
        _ => None,
    }
}

fn dispatch(cli: Cli) -> anyhow::Result<Ending> {
    let settings = Settings::new(&cli.globals)?;
    match cli.command {
        Command::Serve(args) => cmd::serve::run(args, &settings),
        Command::Host(args) => cmd::host::run(args, &settings),
        Command::Config(args) => cmd::config::run(args, &settings),
        Command::Schema(args) => cmd::schema::run(&args),
        Command::Completions(args) => cmd::completions::run(&args),
        Command::Doctor(args) => cmd::doctor::run(&args, &settings),
        Command::Run(args) => on_one_thread(cmd::run::run(args, &settings)),
        Command::Runs(args) => on_one_thread(cmd::runs::run(args, &settings)),
        Command::Logs(args) => on_one_thread(cmd::logs::run(args, &settings)),
        Command::Results(args) => on_one_thread(cmd::results::run(args, &settings)),
        Command::Cancel(args) => on_one_thread(cmd::cancel::run(args, &settings)),
        Command::Pods(args) => on_one_thread(cmd::pods::run(args, &settings)),
        Command::Pod(args) => on_one_thread(cmd::pod::run(args, &settings)),
        Command::Exec(args) => on_one_thread(cmd::exec::run(args, &settings)),
        Command::Shell(args) => on_one_thread(cmd::shell::run(args, &settings)),
        Command::Forward(args) => on_one_thread(cmd::forward::run(args, &settings)),
        Command::Offers(args) => on_one_thread(cmd::offers::run(args, &settings)),
        Command::Volume(args) => on_one_thread(cmd::volume::run(args, &settings)),
        Command::Volumes(args) => on_one_thread(cmd::volume::run_list(args, &settings)),
        Command::Gpus(args) => on_one_thread(cmd::gpus::run(args, &settings)),
        Command::Compare(args) => on_one_thread(cmd::compare::run(args, &settings)),
        Command::Estimate(args) => on_one_thread(cmd::estimate::run(args, &settings)),
        Command::BuyOrRent(args) => on_one_thread(cmd::buy_or_rent::run(args, &settings)),
        Command::Advise(args) => on_one_thread(cmd::advise::run(args, &settings)),
        Command::Catalog(args) => on_one_thread(cmd::catalog::run(args, &settings)),
        Command::Reminders(args) => on_one_thread(cmd::reminders::run(args, &settings)),
        Command::Registry(args) => on_one_thread(cmd::registry::run(args, &settings)),
        Command::Orphans(args) => on_one_thread(cmd::orphans::run(args, &settings)),
        Command::Panic(args) => on_one_thread(cmd::panic::run(args, &settings)),
        Command::Balance(args) => on_one_thread(cmd::balance::run(args, &settings)),
        Command::Bill(args) => on_one_thread(cmd::bill::run(args, &settings)),
        Command::Spend(args) => on_one_thread(cmd::spend::run(args, &settings)),
        Command::Redeem(args) => on_one_thread(cmd::redeem::run(args, &settings)),
        Command::Account(args) => on_one_thread(cmd::account::run(args, &settings)),
        Command::Voucher(args) => on_one_thread(cmd::voucher::run(args, &settings)),
        Command::Token(args) => on_one_thread(cmd::token::run(args, &settings)),
        Command::Debug(args) => on_one_thread(cmd::debug::run(args, &settings)),
        Command::Version(args) => on_one_thread(cmd::version::run(args, &settings)),
    }
}

/// A command that asks and prints needs no pool of threads, and starting one takes longer than
/// most answers.
pub fn on_one_thread<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let result = runtime.block_on(async {
        let result = work.await;
        closing::ask().await;
        result
    });
    // A read of standard input may be under way for ever; it must not hold the process.
    runtime.shutdown_background();
    result
}
