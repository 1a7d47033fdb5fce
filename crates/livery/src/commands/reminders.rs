//! `livery reminders`

use super::reminders_add::{self, AddArgs};
use super::reminders_settle::{self, SettingCommand};
use crate::connect;
use crate::failure::Ending;
use crate::settings::Settings;
use crate::ui::table::Table;
use crate::ui::{listing, print_json, say};
use livery_api::Client;
use livery_api::dto::{Channel, Delivery, Reminder, ReminderQuery, Shown};
use livery_domain::reminder::DeliveryState;
use livery_units::Timestamp;

/// What you are told so that no pod is forgotten, and where: Slack, Discord, ntfy, webhooks, mail,
/// the desktop.
///
/// Without a subcommand it lists what you were told, and how each delivery stands. A running pod is
/// told of when it starts, after 1, 2, 4 and 8 hours, and then daily; budgets at 50, 80 and 100 %.
/// Whatever cannot be delivered is shown by the next command.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct RemindersArgs {
    #[command(subcommand)]
    command: Option<RemindersCommand>,
    /// How many to list
    #[arg(long, value_name = "N", default_value_t = 20)]
    limit: u32,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Subcommand)]
enum RemindersCommand {
    /// List the channels that reminders are carried to
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    Add(Box<AddArgs>),
    /// Remove channels
    Remove {
        /// Their names
        #[arg(value_name = "CHANNEL", required = true)]
        channels: Vec<String>,
    },
    /// Send a test to a channel now, and say what its receiver answered
    Test {
        /// The channel's name
        channel: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    #[command(flatten)]
    Settle(SettingCommand),
}

/// Runs the command.
pub async fn run(args: RemindersArgs, settings: &Settings) -> anyhow::Result<Ending> {
    let client = connect::client(settings).await?;
    match args.command {
        None => {
            let query = ReminderQuery { limit: args.limit };
            let reminders = client.reminders(&query).await?.reminders;
            match args.json {
                true => print_json(&reminders)?,
                false => print(&reminders)?,
            }
            tick_off(&client, &reminders).await?;
        }
        Some(RemindersCommand::List { json }) => {
            let channels = client.channels().await?.channels;
            match json {
                true => print_json(&channels)?,
                false => print_channels(channels)?,
            }
        }
        Some(RemindersCommand::Add(add)) => reminders_add::run(*add, &client).await?,
        Some(RemindersCommand::Remove { channels }) => {
            for channel in &channels {
                client.channel_remove(channel).await?;
                say(&format!("channel {channel} is removed"));
            }
        }
        Some(RemindersCommand::Test { channel, json }) => {
            let tested = client.channel_test(&channel).await?;
            match json {
                true => print_json(&tested)?,
                false => say(&format!("channel {channel} took it: {}", tested.answer)),
            }
        }
        Some(RemindersCommand::Settle(command)) => {
            reminders_settle::run(command, &client).await?;
        }
    }
    Ok(Ending::Done)
}

/// What is listed needs not be shown once more below the list.
async fn tick_off(client: &Client, reminders: &[Reminder]) -> anyhow::Result<()> {
    let unshown = reminders.iter().filter(|one| one.shown.is_none());
    let keys: Vec<String> = unshown.map(|one| one.key.clone()).collect();
    if !keys.is_empty() {
        client.reminders_shown(&Shown { keys }).await?;
    }
    Ok(())
}

fn print(reminders: &[Reminder]) -> std::io::Result<()> {
    if reminders.is_empty() {
        say(
            "no reminders yet; `livery reminders add` says where they are to go beside this terminal",
        );
        return Ok(());
    }
    let now = listing::now();
    let mut table = Table::new(["WHEN", "KIND", "CHANNELS", "MESSAGE"]);
    for reminder in reminders {
        table.row([
            listing::ago(reminder.at, now),
            reminder.kind.to_string(),
            deliveries(&reminder.deliveries, now),
            reminder.message.clone(),
        ]);
    }
    table.print()
}

/// Says how the deliveries stand: `slack: sent; mail: failed after 9 tries: …`.
fn deliveries(deliveries: &[Delivery], now: Timestamp) -> String {
    let all: Vec<String> = deliveries.iter().map(|one| delivery(one, now)).collect();
    match all.is_empty() {
        true => "-".to_owned(),
        false => all.join("; "),
    }
}

fn delivery(delivery: &Delivery, now: Timestamp) -> String {
    let (channel, attempts) = (&delivery.channel, delivery.attempts);
    let problem = delivery.problem.as_deref().unwrap_or("no reason was given");
    match delivery.state {
        DeliveryState::Sent => format!("{channel}: sent"),
        DeliveryState::Due if delivery.problem.is_none() => format!("{channel}: on its way"),
        DeliveryState::Due => {
            let wait = delivery.next_try.map_or(now, |next| next).since(now);
            let wait = listing::rough(wait);
            format!("{channel}: again in {wait}, tried {attempts}x: {problem}")
        }
        DeliveryState::Failed => format!("{channel}: failed, tried {attempts}x: {problem}"),
    }
}

fn print_channels(channels: Vec<Channel>) -> std::io::Result<()> {
    if channels.is_empty() {
        say("no channels: reminders are shown by the next command only");
        return Ok(());
    }
    let now = listing::now();
    let mut table = Table::new(["CHANNEL", "KIND", "LEADS TO", "ADDED"]);
    for channel in channels {
        let added = listing::ago(channel.created, now);
        let kind = channel.kind.to_string();
        table.row([channel.name, kind, channel.leads_to, added]);
    }
    table.print()
}
