//! Reminders as they travel: notices, channels, settings, and what commands end with.

use crate::text;
use livery_domain::reminder::{self as domain, ChannelKind, DeliveryState, NoticeKind};
use livery_units::{Money, PodId, Secret, Timestamp};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Something that the account was told, or is to be told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reminder {
    /// Names it in its account.
    pub key: String,
    /// Of which kind.
    #[serde(with = "text")]
    pub kind: NoticeKind,
    /// In words for the user.
    pub message: String,
    /// The pod that it is about, if it is about one.
    #[serde(with = "text::option", default)]
    pub pod: Option<PodId>,
    /// When it came up.
    #[serde(with = "text::millis")]
    pub at: Timestamp,
    /// When it was shown at a terminal.
    #[serde(with = "text::millis_option", default)]
    pub shown: Option<Timestamp>,
    /// How it stands with each channel that it goes to.
    #[serde(default)]
    pub deliveries: Vec<Delivery>,
}

impl From<domain::Notice> for Reminder {
    fn from(notice: domain::Notice) -> Self {
        Self {
            key: notice.key,
            kind: notice.kind,
            message: notice.message,
            pod: notice.pod,
            at: notice.at,
            shown: None,
            deliveries: Vec::new(),
        }
    }
}

/// How it stands with one reminder and one channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// The channel's name.
    pub channel: String,
    /// How it stands.
    #[serde(with = "text")]
    pub state: DeliveryState,
    /// How often it was tried.
    pub attempts: u32,
    /// When it is tried next, while it is due.
    #[serde(with = "text::millis_option", default)]
    pub next_try: Option<Timestamp>,
    /// Why the last try failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// When this last changed.
    #[serde(with = "text::millis")]
    pub changed: Timestamp,
}

/// Some reminders, the newest first.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ReminderList {
    /// The reminders.
    pub reminders: Vec<Reminder>,
}

/// Which reminders a listing wants.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ReminderQuery {
    /// How many at most.
    pub limit: u32,
}

impl Default for ReminderQuery {
    fn default() -> Self {
        Self { limit: 50 }
    }
}

/// Reminders that were shown.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shown {
    /// Their keys.
    pub keys: Vec<String>,
}

/// What every command ends with.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Closing {
    /// What runs now; none when nothing does, or the line is not wanted.
    pub running: Option<Running>,
    /// What costs although it does not run; none when nothing does, or the line is not wanted.
    #[serde(default)]
    pub resting: Option<Resting>,
    /// How many pods may be running and do not answer, those that are counted as running among them.
    #[serde(default)]
    pub silent: u64,
    /// Reminders to show, the oldest first.
    #[serde(default)]
    pub reminders: Vec<Reminder>,
    /// What could not be delivered; none when all was.
    pub trouble: Option<Trouble>,
}

/// What of an account's runs now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Running {
    /// How many pods are up.
    pub pods: u64,
    /// For how long the one that is up longest has been, in milliseconds.
    pub longest_ms: u64,
    /// What all of them cost in an hour.
    #[serde(with = "text::dollars")]
    pub hourly: Money,
    /// What all of them have cost so far.
    #[serde(with = "text::dollars")]
    pub so_far: Money,
}

/// What of an account's costs although it does not run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resting {
    /// How many pods are down and keep a disk that is paid for.
    pub pods: u64,
    /// How many network volumes are paid for.
    pub volumes: u64,
    /// What all of them cost in an hour.
    #[serde(with = "text::dollars")]
    pub hourly: Money,
}

/// Reminders that could not be delivered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trouble {
    /// How many.
    pub count: u64,
    /// The channel of the latest.
    pub channel: String,
    /// Why it failed.
    pub problem: String,
}

/// Settings of reminders.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReminderSettings {
    /// How long after its start a pod is reminded of for the first time, in milliseconds.
    pub first_ms: u64,
    /// Kinds that are listed and carried nowhere.
    pub muted: Vec<String>,
    /// Until then only what is urgent is carried.
    #[serde(with = "text::millis_option", default)]
    pub quiet_until: Option<Timestamp>,
    /// Whether commands end with a line about what is running.
    pub closing_line: Switch,
    /// Whether the next command shows reminders.
    pub terminal: Switch,
}

/// Whether something is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Switch {
    /// It is.
    On,
    /// It is not.
    Off,
}

impl From<domain::ReminderSettings> for ReminderSettings {
    fn from(settings: domain::ReminderSettings) -> Self {
        Self {
            first_ms: settings.first.millis(),
            muted: settings.muted.iter().map(ToString::to_string).collect(),
            quiet_until: settings.quiet_until,
            closing_line: match settings.closing_line {
                domain::ClosingLine::On => Switch::On,
                domain::ClosingLine::Off => Switch::Off,
            },
            terminal: match settings.terminal {
                domain::Terminal::On => Switch::On,
                domain::Terminal::Off => Switch::Off,
            },
        }
    }
}

/// A channel to add.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewChannel {
    /// Its name, unique in the account.
    pub name: String,
    /// The way there.
    pub route: NewRoute,
}

/// The way to a new channel; its secrets are never sent back.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    tag = "kind",
    rename_all = "lowercase",
    rename_all_fields = "snake_case",
    deny_unknown_fields
)]
pub enum NewRoute {
    /// An incoming webhook of Slack.
    Slack {
        /// Where to post.
        url: String,
    },
    /// A webhook of Discord.
    Discord {
        /// Where to post.
        url: String,
    },
    /// A topic of an ntfy server.
    Ntfy {
        /// The topic's URL.
        url: String,
        /// The access token, where the server wants one.
        #[serde(default)]
        token: Option<String>,
    },
    /// Any HTTP server.
    Webhook {
        /// Where to post.
        url: String,
        /// The key of the signatures.
        #[serde(default)]
        secret: Option<String>,
    },
    /// Mail by SMTP.
    Email {
        /// The SMTP server.
        server: String,
        /// Its port.
        port: u16,
        /// How the connection is secured: `tls`, `starttls` or `none`.
        security: String,
        /// Who sends, where the server wants to know.
        #[serde(default)]
        user: Option<String>,
        /// The sender's password.
        #[serde(default)]
        password: Option<String>,
        /// The sender's address.
        from: String,
        /// The receiver's address.
        to: String,
    },
    /// The desktop of the control plane's machine.
    Desktop,
}

impl fmt::Debug for NewRoute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NewRoute(***)")
    }
}

impl TryFrom<NewRoute> for domain::Route {
    type Error = String;

    fn try_from(route: NewRoute) -> Result<Self, String> {
        Ok(match route {
            NewRoute::Slack { url } => Self::Slack {
                url: Secret::new(url),
            },
            NewRoute::Discord { url } => Self::Discord {
                url: Secret::new(url),
            },
            NewRoute::Ntfy { url, token } => Self::Ntfy {
                url: Secret::new(url),
                token: token.map(Secret::new),
            },
            NewRoute::Webhook { url, secret } => Self::Webhook {
                url: Secret::new(url),
                secret: secret.map(Secret::new),
            },
            NewRoute::Email {
                server,
                port,
                security,
                user,
                password,
                from,
                to,
            } => Self::Email(domain::Mail {
                server,
                port,
                security: security
                    .parse()
                    .map_err(|error: livery_domain::offer::ParseWordError| error.to_string())?,
                login: login(user, password)?,
                from,
                to,
            }),
            NewRoute::Desktop => Self::Desktop,
        })
    }
}

fn login(
    user: Option<String>,
    password: Option<String>,
) -> Result<Option<domain::MailLogin>, String> {
    match (user, password) {
        (Some(user), Some(password)) => Ok(Some(domain::MailLogin {
            user,
            password: Secret::new(password),
        })),
        (None, None) => Ok(None),
        (Some(_), None) => Err("a user needs a password".to_owned()),
        (None, Some(_)) => Err("a password needs a user".to_owned()),
    }
}

/// A channel as it is listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Channel {
    /// Its name.
    pub name: String,
    /// Of which kind.
    #[serde(with = "text")]
    pub kind: ChannelKind,
    /// Where it leads, without what must stay secret.
    pub leads_to: String,
    /// When it was added.
    #[serde(with = "text::millis")]
    pub created: Timestamp,
}

impl From<domain::Channel> for Channel {
    fn from(channel: domain::Channel) -> Self {
        Self {
            name: channel.name,
            kind: channel.route.kind(),
            leads_to: channel.route.shown(),
            created: channel.created,
        }
    }
}

/// Some channels.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ChannelList {
    /// The channels.
    pub channels: Vec<Channel>,
}

/// What came of a test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChannelTested {
    /// The channel's name.
    pub channel: String,
    /// What the receiver answered.
    pub answer: String,
}
