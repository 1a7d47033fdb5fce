//! `livery run`

use super::run_explain::{self, Asking};
use super::run_limits::RunLimitArgs;
use super::{inquiry, run_show};
use crate::attached::{self, Followed, Left, Start, Submitted};
use crate::bounded;
use crate::connect;
use crate::failure::{Ending, Failure};
use crate::settings::Settings;
use crate::signals::{self, Signals};
use crate::transfer::{download, upload};
use crate::ui::{out, print_json, say, warn};
use anyhow::Context;
use livery_api::Client;
use livery_api::dto::{Run, Submission};
use livery_domain::job::Job;
use livery_domain::run::Outcome;
use livery_jobfile::{JobFile, LocalBase, Overrides, SIZE_MAX, render_all};
use livery_units::{Bytes, Span, counted};
use std::io::Write;
use std::path::{Path, PathBuf};

/// Take a job file through its eight steps: choose, launch, validate, deploy, transfer, train,
/// pull, teardown.
///
/// The job's own output is on standard output, a line per step on standard error. Results are
/// brought to ./results/NAME. The first Ctrl-C cancels the run and waits for its teardown; the
/// second leaves, and the teardown goes on. When the control plane does not answer, the command says
/// that the run is not known to be cancelled and exits with 125. SIGTERM and SIGHUP (a terminal that
/// is closed) end only this command: the run goes on, as `livery logs RUN -f` shows.
///
/// `livery run show RUN` shows a run. (For a job file named `show`, write ./show.)
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct RunArgs {
    #[command(subcommand)]
    command: Option<RunCommand>,
    /// The job file; `-` for standard input
    #[arg(required = true, value_name = "JOB")]
    job: Option<PathBuf>,
    /// Return once the run is accepted; it goes on without this terminal
    #[arg(short, long)]
    detach: bool,
    /// Environment variable; without a value, the caller's own
    #[arg(short, long = "env", value_name = "K[=V]")]
    envs: Vec<String>,
    /// Secret, handed to the job as an environment variable and printed nowhere
    #[arg(long = "secret", value_name = "K[=V]")]
    secrets: Vec<String>,
    /// Name instead of the job file's
    #[arg(short, long)]
    name: Option<String>,
    /// A network volume (`livery volume`), by name or id, which stays when the run is over: at
    /// /workspace instead of the volume disk, or beside it at PATH
    #[arg(long, visible_alias = "volume", value_name = "NAME[:PATH]")]
    network_volume: Option<String>,
    #[command(flatten)]
    limits: RunLimitArgs,
    /// How long it is expected to take, for the estimate: hours, or a duration such as 30m
    #[arg(long, value_name = "HOURS", value_parser = inquiry::hours)]
    hours: Option<Span>,
    /// Where results go [default: ./results/NAME]
    #[arg(long, value_name = "DIR")]
    results: Option<PathBuf>,
    /// Show how the offers stand to the job, and launch nothing
    #[arg(long)]
    explain: bool,
    /// Ask no question
    #[arg(short, long)]
    yes: bool,
    /// Print the run as JSON: when it is accepted with --detach, else when it is over
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Subcommand)]
enum RunCommand {
    Show(run_show::RunShowArgs),
}

/// Runs the command.
pub async fn run(args: RunArgs, settings: &Settings) -> anyhow::Result<Ending> {
    if let Some(RunCommand::Show(show)) = args.command {
        return run_show::run(show, settings).await;
    }
    // The command line's own rules say that there is a file when there is no subcommand.
    let path = args.job.clone().unwrap_or_else(|| PathBuf::from("-"));
    let local = read(&path, &args)?;
    let client = connect::client(settings).await?;
    if args.explain {
        return run_explain::explain(&client, &local.submission).await;
    }
    // Before anything is asked or sent.
    client.run_check(&local.submission).await?;
    let asking = match args.yes {
        true => Asking::Never,
        false => Asking::AtATerminal,
    };
    if !run_explain::agreed(&client, &local.submission, args.hours, asking).await? {
        say("nothing was launched");
        return Ok(Ending::Done);
    }
    let submission = send_files(&client, local).await?;
    let mut signals = Signals::catch()?;
    let (run, start) = match attached::submit(&client, &submission, &mut signals).await? {
        Submitted::Accepted(run, start) => (run, start),
        Submitted::Left(left) => return Ok(ending(left)),
    };
    if args.detach && start == Start::Following {
        say(&format!("run {} ({})", run.id, run.name));
        say(&format!(
            "it goes on without this terminal; `livery logs -f {}` follows it",
            run.id
        ));
        return accepted(&run, &args);
    }
    let id = run.id.as_str();
    match attached::follow(&client, id, settings, &mut signals, start).await? {
        Followed::Left(left) => Ok(ending(left)),
        Followed::ToTheEnd(run) => finish(&client, &run, &args).await,
    }
}

/// The exit code of a command whose run goes on without it, as far as is known.
const GOES_ON: u8 = 125;

/// Returns how the command ends when its user left it.
fn ending(left: Left) -> Ending {
    match left {
        Left::Cancelled => Ending::BadNews,
        Left::GoesOn => Ending::Code(GOES_ON),
        Left::Signalled(signal) => Ending::Code(signals::exit_code(signal)),
    }
}

/// A job that was read here, with the files it names.
struct Local {
    job: Job,
    base: LocalBase,
    submission: Submission,
}

/// Reads the job file; every mistake in it is told before anything else happens.
fn read(path: &Path, args: &RunArgs) -> anyhow::Result<Local> {
    let cannot = |why: std::io::Error| {
        Failure::mistake(format!(
            "cannot read the job file {}: {why}",
            path.display()
        ))
        .hint("`livery run JOB` takes a YAML file; `livery run show RUN` shows a run")
    };
    let (bytes, base_dir) = if path == Path::new("-") {
        (
            bounded::all(std::io::stdin(), SIZE_MAX).map_err(cannot)?,
            std::env::current_dir()?,
        )
    } else {
        let full = std::path::absolute(path)?;
        let dir = full.parent().unwrap_or(Path::new("/")).to_owned();
        (bounded::read(path, SIZE_MAX).map_err(cannot)?, dir)
    };
    let file_name = path.display().to_string();
    let text = livery_jobfile::decode(&bytes, &file_name).map_err(|wrong| mistakes(&wrong))?;
    let file = JobFile::read(text, &file_name).map_err(|wrong| mistakes(&wrong))?;
    let base = LocalBase {
        dir: base_dir,
        home: std::env::var_os("HOME").map(PathBuf::from),
    };
    file.check_paths(&base).map_err(|wrong| mistakes(&wrong))?;
    let overrides = overrides(args)?;
    let submission = Submission {
        job_text: text.to_owned(),
        job_file: file_name,
        name: args.name.clone(),
        envs: overrides.envs().clone(),
        secrets: exposed(&overrides),
        limits: overrides.limits().into(),
        volume: overrides.volume().map(ToString::to_string),
        ..Submission::default()
    };
    let job = file
        .complete(&overrides)
        .map_err(|wrong| mistakes(&wrong))?;
    Ok(Local {
        job,
        base,
        submission,
    })
}

fn mistakes(wrong: &[livery_jobfile::Diagnostic]) -> Failure {
    let rendered = render_all(wrong);
    say(&rendered);
    let count = match wrong.len() {
        1 => "1 mistake".to_owned(),
        several => format!("{several} mistakes"),
    };
    Failure::mistake(format!("the job file has {count}; nothing was launched"))
}

fn overrides(args: &RunArgs) -> anyhow::Result<Overrides> {
    let mut overrides = Overrides::default();
    let mistake = |why: livery_jobfile::OverrideError| Failure::mistake(why.to_string());
    if let Some(name) = &args.name {
        overrides.set_name(name).map_err(mistake)?;
    }
    for text in &args.envs {
        overrides
            .add_env(text, crate::assignment::here)
            .map_err(mistake)?;
    }
    for text in &args.secrets {
        overrides
            .add_secret(text, crate::assignment::here)
            .map_err(mistake)?;
    }
    if let Some(text) = &args.network_volume {
        overrides.add_volume(text).map_err(mistake)?;
    }
    args.limits.apply(&mut overrides)?;
    Ok(overrides)
}

/// Secrets leave this process only here, in the submission.
fn exposed(overrides: &Overrides) -> std::collections::BTreeMap<String, String> {
    let secrets = overrides.secrets().iter();
    secrets
        .map(|(name, value)| (name.clone(), value.expose().clone()))
        .collect()
}

/// Reads the trees that the job names and sends what the control plane lacks of them.
async fn send_files(client: &Client, local: Local) -> anyhow::Result<Submission> {
    let Local {
        job,
        base,
        mut submission,
    } = local;
    let mut told = Told::default();
    if let Some(workdir) = &job.workdir {
        let dir = base.resolve(workdir);
        let read = upload::LocalTree::workdir(dir.clone()).await;
        let tree = read.with_context(|| format!("cannot read the workdir {}", dir.display()))?;
        submission.workdir = Some(tree.root());
        told.add(client, tree, "workdir").await?;
    }
    for mount in &job.file_mounts {
        let dest = mount.dest.as_str();
        let tree = upload::read_mount(&base.resolve(&mount.source), dest).await?;
        submission
            .mounts
            .insert(dest.to_owned(), tree.root().to_string());
        told.add(client, tree, "file_mounts").await?;
    }
    if told.files > 0 {
        say(&told.line());
    }
    Ok(submission)
}

/// What was read and sent, for one line to the user.
#[derive(Default)]
struct Told {
    files: u64,
    bytes: u64,
    sent: u64,
}

impl Told {
    async fn add(
        &mut self,
        client: &Client,
        tree: upload::LocalTree,
        what: &'static str,
    ) -> anyhow::Result<()> {
        self.files += tree.files();
        self.bytes += tree.bytes();
        self.sent += upload::send(client, tree, what).await?.bytes;
        Ok(())
    }

    fn line(&self) -> String {
        let [bytes, sent] = [self.bytes, self.sent].map(Bytes::new);
        let files = counted(self.files, "file", "files");
        format!("{files} ({bytes}), {sent} of them sent")
    }
}

fn accepted(run: &Run, args: &RunArgs) -> anyhow::Result<Ending> {
    if args.json {
        print_json(run)?;
        return Ok(Ending::Done);
    }
    let mut out = out();
    writeln!(out, "{}", run.id)?;
    out.flush()?;
    Ok(Ending::Done)
}

/// Brings the results home and says how the run ended.
async fn finish(client: &Client, run: &Run, args: &RunArgs) -> anyhow::Result<Ending> {
    let mut failed_download = None;
    if let Some(manifest) = run.results {
        match download::results(client, run, manifest, args.results.clone()).await {
            Ok((home, dir)) => say(&format!("results: {home} in {}", dir.display())),
            Err(error) => {
                warn(&format!(
                    "`livery results {}` tries again to bring them home",
                    run.id
                ));
                failed_download = Some(error);
            }
        }
    }
    if args.json {
        print_json(run)?;
    }
    if let Some(error) = failed_download {
        return Err(error);
    }
    let reason = run.reason.as_deref().unwrap_or("no reason was given");
    let code = run
        .exit_code
        .map_or(String::new(), |code| format!(" (exit code {code})"));
    match run.outcome {
        Outcome::Succeeded => return Ok(Ending::Done),
        Outcome::Cancelled => say("the run was cancelled"),
        Outcome::OverBudget => say(&format!("the run was stopped: {reason}")),
        Outcome::Failed | Outcome::Pending => say(&format!("the run failed{code}: {reason}")),
    }
    Ok(Ending::BadNews)
}
