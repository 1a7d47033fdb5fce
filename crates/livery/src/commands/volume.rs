//! `livery volume`

use crate::connect;
use crate::failure::{Ending, Failure};
use crate::settings::Settings;
use crate::ui::reasons::Reasons;
use crate::ui::table::Table;
use crate::ui::{listing, out, print_json, say};
use livery_api::Client;
use livery_api::dto::{NewVolume, Volume, VolumeSize, Which};
use livery_domain::volume::VolumePhase;
use livery_units::{Bytes, Span};
use std::io::Write;
use std::time::Instant;

/// Make, list, enlarge and delete network volumes: storage that outlives pods.
///
/// A pod that is made with `livery pod create --network-volume NAME` sees it at /workspace. One pod
/// at a time has it, and the volume stays when that pod is terminated.
#[derive(Debug, clap::Args)]
pub struct VolumeArgs {
    #[command(subcommand)]
    command: VolumeCommand,
}

#[derive(Debug, clap::Subcommand)]
enum VolumeCommand {
    Create(CreateArgs),
    List(ListArgs),
    Show(ShowArgs),
    Resize(ResizeArgs),
    Delete(DeleteArgs),
}

/// Make a network volume, and print its id once it is there.
#[derive(Debug, clap::Args)]
struct CreateArgs {
    /// Its name; unique among your volumes
    name: String,
    /// Its size, such as 50GB; it can grow later
    #[arg(long, value_name = "SIZE")]
    size: Bytes,
    /// The host to make it on, by id or name [default: the cheapest that has room]
    #[arg(long, value_name = "HOST")]
    host: Option<String>,
    #[command(flatten)]
    waiting: Waiting,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// List the network volumes, newest first.
#[derive(Debug, clap::Args)]
pub struct ListArgs {
    /// Those that are gone too
    #[arg(short, long)]
    all: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Show a network volume.
#[derive(Debug, clap::Args)]
struct ShowArgs {
    /// The volume's name or id
    volume: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Make a network volume larger; it cannot become smaller.
#[derive(Debug, clap::Args)]
struct ResizeArgs {
    /// The volume's name or id
    volume: String,
    /// Its new size, such as 100GB
    size: Bytes,
    #[command(flatten)]
    waiting: Waiting,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Delete a network volume and everything on it.
#[derive(Debug, clap::Args)]
struct DeleteArgs {
    /// The volume's name or id
    volume: String,
    #[command(flatten)]
    waiting: Waiting,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Whether and how a command waits.
#[derive(Debug, Clone, clap::Args)]
struct Waiting {
    /// Return at once
    #[arg(long)]
    no_wait: bool,
    /// How long to wait at most
    #[arg(
        long,
        value_name = "SPAN",
        default_value = "5m",
        conflicts_with = "no_wait"
    )]
    wait: Span,
}

/// Runs the command.
pub async fn run(args: VolumeArgs, settings: &Settings) -> anyhow::Result<Ending> {
    let client = connect::client(settings).await?;
    match args.command {
        VolumeCommand::Create(args) => create(&client, args).await,
        VolumeCommand::List(args) => list(&client, &args).await,
        VolumeCommand::Show(args) => show(&client, &args).await,
        VolumeCommand::Resize(args) => resize(&client, &args).await,
        VolumeCommand::Delete(args) => delete(&client, &args).await,
    }
}

/// Runs `livery volumes`.
pub async fn run_list(args: ListArgs, settings: &Settings) -> anyhow::Result<Ending> {
    list(&connect::client(settings).await?, &args).await
}

async fn create(client: &Client, args: CreateArgs) -> anyhow::Result<Ending> {
    let wanted = NewVolume {
        name: args.name,
        size: args.size,
        host: args.host,
    };
    let volume = client.volume_create(&wanted).await?;
    let volume = settle(client, volume, &args.waiting, VolumePhase::Ready).await?;
    if args.json {
        print_json(&volume)?;
        return Ok(Ending::Done);
    }
    let price = listing::price(&volume.price);
    say(&format!(
        "network volume {} of {} on {} at {price}",
        volume.name, volume.size, volume.host
    ));
    let mut out = out();
    writeln!(out, "{}", volume.id)?;
    out.flush()?;
    Ok(Ending::Done)
}

async fn list(client: &Client, args: &ListArgs) -> anyhow::Result<Ending> {
    let which = if args.all { Which::All } else { Which::Live };
    let list = client.volumes(which).await?;
    if args.json {
        print_json(&list.volumes)?;
        return Ok(Ending::Done);
    }
    let mut table = Table::new([
        "NAME", "ID", "PHASE", "SIZE", "PRICE", "HOST", "POD", "CREATED",
    ]);
    let now = listing::now();
    for volume in &list.volumes {
        table.row([
            volume.name.clone(),
            volume.id.to_string(),
            volume.phase.to_string(),
            volume.size.to_string(),
            listing::price(&volume.price),
            volume.host.clone(),
            pod(volume),
            listing::ago(volume.created, now),
        ]);
    }
    table.print()?;
    for volume in list.volumes.iter().filter(|one| one.ended.is_none()) {
        if let Some(reason) = &volume.reason {
            say(&format!("{}: {reason}", volume.name));
        }
    }
    Ok(Ending::Done)
}

async fn show(client: &Client, args: &ShowArgs) -> anyhow::Result<Ending> {
    let volume = client.volume(&args.volume).await?;
    if args.json {
        print_json(&volume)?;
        return Ok(Ending::Done);
    }
    let mut table = Table::bare();
    table.row(["id".into(), volume.id.to_string()]);
    table.row(["name".into(), volume.name.clone()]);
    table.row(["phase".into(), volume.phase.to_string()]);
    if let Some(reason) = &volume.reason {
        table.row(["reason".into(), reason.clone()]);
    }
    table.row(["size".into(), volume.size.to_string()]);
    table.row(["price".into(), listing::price(&volume.price)]);
    table.row(["host".into(), volume.host.clone()]);
    table.row(["pod".into(), pod(&volume)]);
    table.row(["created".into(), listing::date(volume.created)]);
    if let Some(ended) = volume.ended {
        table.row(["ended".into(), listing::date(ended)]);
    }
    table.print()?;
    Ok(Ending::Done)
}

async fn resize(client: &Client, args: &ResizeArgs) -> anyhow::Result<Ending> {
    let wanted = VolumeSize { size: args.size };
    let volume = client.volume_resize(&args.volume, &wanted).await?;
    let volume = settle(client, volume, &args.waiting, VolumePhase::Ready).await?;
    if args.json {
        print_json(&volume)?;
        return Ok(Ending::Done);
    }
    let price = listing::price(&volume.price);
    say(&format!(
        "network volume {} has {} at {price}",
        volume.name, volume.size
    ));
    Ok(Ending::Done)
}

async fn delete(client: &Client, args: &DeleteArgs) -> anyhow::Result<Ending> {
    let volume = client.volume_delete(&args.volume).await?;
    let volume = settle(client, volume, &args.waiting, VolumePhase::Deleted).await?;
    if args.json {
        print_json(&volume)?;
        return Ok(Ending::Done);
    }
    say(&format!(
        "network volume {} is {}",
        volume.name, volume.phase
    ));
    Ok(Ending::Done)
}

fn pod(volume: &Volume) -> String {
    let pod = volume.pod.as_ref();
    pod.map_or("-".to_owned(), ToString::to_string)
}

/// Waits, if the user wants that, until a volume is in the phase it is on the way to.
async fn settle(
    client: &Client,
    volume: Volume,
    waiting: &Waiting,
    wanted: VolumePhase,
) -> anyhow::Result<Volume> {
    if waiting.no_wait {
        return Ok(volume);
    }
    let began = Instant::now();
    let (id, name, size) = (volume.id.to_string(), volume.name, volume.size);
    let mut reasons = Reasons::besides(volume.reason);
    loop {
        let left = waiting.wait.to_std().saturating_sub(began.elapsed());
        let volume = client.volume_wait(&id, reasons.wait_ms(left)).await?;
        let phase = volume.phase;
        let reason = volume.reason.clone();
        let because = reason.map_or(String::new(), |reason| format!(": {reason}"));
        if phase == wanted && volume.size >= size {
            return Ok(volume);
        }
        match phase {
            VolumePhase::Ready if phase == wanted => {
                let message = format!("network volume {name} stays at {}{because}", volume.size);
                return Err(Failure::failed(message).into());
            }
            VolumePhase::Ready | VolumePhase::Missing | VolumePhase::Deleted => {
                let message = format!("network volume {name} is {phase}{because}");
                return Err(Failure::failed(message).into());
            }
            VolumePhase::Creating | VolumePhase::Growing | VolumePhase::Deleting => {}
        }
        reasons.tell(&format!("network volume {name} is {phase}"), volume.reason);
        if left.is_zero() {
            let message = format!(
                "network volume {name} is {phase} after {}{because}",
                waiting.wait
            );
            let hint = format!("`livery volume show {name}` shows how it goes on");
            return Err(Failure::failed(message).hint(hint).into());
        }
    }
}
