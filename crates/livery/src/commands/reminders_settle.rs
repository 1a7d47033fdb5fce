//! `livery reminders settings`, `mute`, `unmute`, `quiet`, `first`, `terminal` and `closing-line`

use crate::failure::Failure;
use crate::ui::table::Table;
use crate::ui::{listing, print_json, say};
use livery_api::Client;
use livery_api::dto::{ReminderSettings, Switch};
use livery_domain::reminder::NoticeKind;
use livery_units::{Span, Timestamp};

/// The settings of reminders, as commands.
#[derive(Debug, clap::Subcommand)]
pub enum SettingCommand {
    /// Show the settings of reminders
    Settings {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Carry no more reminders of some kinds anywhere; they are still listed
    Mute {
        /// The kinds: started, still-running, still-kept, budget-mark, low-balance, idle, policy-action,
        /// orphan
        #[arg(value_name = "KIND", required = true)]
        kinds: Vec<NoticeKind>,
    },
    /// Carry reminders of some kinds again
    Unmute {
        /// The kinds
        #[arg(value_name = "KIND", required = true)]
        kinds: Vec<NoticeKind>,
    },
    /// Hold everything but what is urgent back for a time, or `off`
    Quiet {
        /// For how long, such as 8h; `off` ends it
        #[arg(value_name = "SPAN")]
        span: String,
    },
    /// Set after how long a running pod is reminded of for the first time
    First {
        /// 1 minute to 1 day; the next come at twice, four and eight times that, and then daily
        #[arg(value_name = "SPAN")]
        span: Span,
    },
    /// Whether the next command shows reminders
    Terminal {
        /// on or off; what could not be delivered elsewhere is shown all the same
        #[arg(value_enum)]
        switch: OnOff,
    },
    /// Whether every command ends with a line about what is running
    ClosingLine {
        /// on or off
        #[arg(value_enum)]
        switch: OnOff,
    },
}

/// Whether something is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum OnOff {
    /// It is
    On,
    /// It is not
    Off,
}

impl From<OnOff> for Switch {
    fn from(switch: OnOff) -> Self {
        match switch {
            OnOff::On => Self::On,
            OnOff::Off => Self::Off,
        }
    }
}

/// Runs the command.
pub async fn run(command: SettingCommand, client: &Client) -> anyhow::Result<()> {
    let mut settings = client.reminder_settings().await?;
    if let SettingCommand::Settings { json } = command {
        return match json {
            true => print_json(&settings),
            false => Ok(print(&settings)?),
        };
    }
    let said = change(command, &mut settings)?;
    client.reminder_settle(&settings).await?;
    say(&said);
    Ok(())
}

fn change(command: SettingCommand, settings: &mut ReminderSettings) -> anyhow::Result<String> {
    Ok(match command {
        SettingCommand::Settings { .. } => String::new(),
        SettingCommand::Mute { kinds } => {
            for kind in kinds {
                let kind = kind.to_string();
                if !settings.muted.contains(&kind) {
                    settings.muted.push(kind);
                }
            }
            format!("muted: {}", muted(settings))
        }
        SettingCommand::Unmute { kinds } => {
            settings
                .muted
                .retain(|muted| !kinds.iter().any(|kind| kind.as_str() == muted));
            format!("muted: {}", muted(settings))
        }
        SettingCommand::Quiet { span } if span == "off" => {
            settings.quiet_until = None;
            "reminders are carried as they come".to_owned()
        }
        SettingCommand::Quiet { span } => {
            let span: Span = span
                .parse()
                .map_err(|error| Failure::mistake(format!("{error}, or `off`")))?;
            let until = listing::now().after(span);
            settings.quiet_until = Some(until);
            format!(
                "only what is urgent is carried until {}",
                listing::date(until)
            )
        }
        SettingCommand::First { span } => {
            settings.first_ms = span.millis();
            format!("a running pod is reminded of after {span} for the first time")
        }
        SettingCommand::Terminal { switch } => {
            settings.terminal = switch.into();
            match switch {
                OnOff::On => "the next command shows reminders".to_owned(),
                OnOff::Off => "commands show only what could not be delivered elsewhere".to_owned(),
            }
        }
        SettingCommand::ClosingLine { switch } => {
            settings.closing_line = switch.into();
            match switch {
                OnOff::On => "every command ends with what is running".to_owned(),
                OnOff::Off => "commands say no more what is running".to_owned(),
            }
        }
    })
}

fn muted(settings: &ReminderSettings) -> String {
    match settings.muted.is_empty() {
        true => "nothing".to_owned(),
        false => settings.muted.join(", "),
    }
}

fn print(settings: &ReminderSettings) -> std::io::Result<()> {
    let switch = |switch| match switch {
        Switch::On => "on".to_owned(),
        Switch::Off => "off".to_owned(),
    };
    let now = listing::now();
    let quiet = settings
        .quiet_until
        .filter(|until: &Timestamp| *until > now);
    let mut table = Table::bare();
    table.row([
        "first reminder after".into(),
        Span::from_millis(settings.first_ms).to_string(),
    ]);
    table.row(["muted".into(), muted(settings)]);
    let quiet = quiet.map_or_else(
        || "off".to_owned(),
        |until| format!("until {}", listing::date(until)),
    );
    table.row(["quiet".into(), quiet]);
    table.row(["terminal".into(), switch(settings.terminal)]);
    table.row(["closing line".into(), switch(settings.closing_line)]);
    table.print()
}
