//! Serde twins of channels and reminder settings, for the columns that hold them as JSON.

use crate::error::Error;
use livery_domain::reminder::{
    ClosingLine, Mail, MailLogin, NoticeKind, ReminderSettings, Route, Terminal,
};
use livery_units::{Secret, Span, Timestamp};
use serde::{Deserialize, Serialize};

/// An account's reminder settings; what is missing is as a new account has it.
#[derive(Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct ReminderTwin {
    first_ms: u64,
    muted: Vec<String>,
    quiet_until: Option<i64>,
    closing_line_off: bool,
    terminal_off: bool,
}

impl Default for ReminderTwin {
    fn default() -> Self {
        Self::from(&ReminderSettings::default())
    }
}

impl From<&ReminderSettings> for ReminderTwin {
    fn from(settings: &ReminderSettings) -> Self {
        Self {
            first_ms: settings.first.millis(),
            muted: settings.muted.iter().map(ToString::to_string).collect(),
            quiet_until: settings.quiet_until.map(Timestamp::millis),
            closing_line_off: settings.closing_line == ClosingLine::Off,
            terminal_off: settings.terminal == Terminal::Off,
        }
    }
}

impl TryFrom<ReminderTwin> for ReminderSettings {
    type Error = Error;

    fn try_from(twin: ReminderTwin) -> Result<Self, Error> {
        let muted = twin.muted.iter().map(|kind| kind.parse::<NoticeKind>());
        let muted = muted.collect::<Result<_, _>>();
        Ok(Self {
            first: Span::from_millis(twin.first_ms),
            muted: muted.map_err(|error| Error::column("reminders", error))?,
            quiet_until: twin.quiet_until.map(Timestamp::from_millis),
            closing_line: match twin.closing_line_off {
                false => ClosingLine::On,
                true => ClosingLine::Off,
            },
            terminal: match twin.terminal_off {
                false => Terminal::On,
                true => Terminal::Off,
            },
        })
    }
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub(crate) enum RouteTwin {
    Slack {
        url: String,
    },
    Discord {
        url: String,
    },
    Ntfy {
        url: String,
        token: Option<String>,
    },
    Webhook {
        url: String,
        secret: Option<String>,
    },
    Email {
        server: String,
        port: u16,
        security: String,
        login: Option<LoginTwin>,
        from: String,
        to: String,
    },
    Desktop,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct LoginTwin {
    user: String,
    password: String,
}

fn exposed(secret: Option<&Secret<String>>) -> Option<String> {
    secret.map(|secret| secret.expose().clone())
}

impl From<&Route> for RouteTwin {
    fn from(route: &Route) -> Self {
        match route {
            Route::Slack { url } => Self::Slack {
                url: url.expose().clone(),
            },
            Route::Discord { url } => Self::Discord {
                url: url.expose().clone(),
            },
            Route::Ntfy { url, token } => Self::Ntfy {
                url: url.expose().clone(),
                token: exposed(token.as_ref()),
            },
            Route::Webhook { url, secret } => Self::Webhook {
                url: url.expose().clone(),
                secret: exposed(secret.as_ref()),
            },
            Route::Email(mail) => Self::Email {
                server: mail.server.clone(),
                port: mail.port,
                security: mail.security.to_string(),
                login: mail.login.as_ref().map(|login| LoginTwin {
                    user: login.user.clone(),
                    password: login.password.expose().clone(),
                }),
                from: mail.from.clone(),
                to: mail.to.clone(),
            },
            Route::Desktop => Self::Desktop,
        }
    }
}

impl TryFrom<RouteTwin> for Route {
    type Error = Error;

    fn try_from(twin: RouteTwin) -> Result<Self, Error> {
        Ok(match twin {
            RouteTwin::Slack { url } => Self::Slack {
                url: Secret::new(url),
            },
            RouteTwin::Discord { url } => Self::Discord {
                url: Secret::new(url),
            },
            RouteTwin::Ntfy { url, token } => Self::Ntfy {
                url: Secret::new(url),
                token: token.map(Secret::new),
            },
            RouteTwin::Webhook { url, secret } => Self::Webhook {
                url: Secret::new(url),
                secret: secret.map(Secret::new),
            },
            RouteTwin::Email {
                server,
                port,
                security,
                login,
                from,
                to,
            } => Self::Email(Mail {
                server,
                port,
                security: security
                    .parse()
                    .map_err(|error| Error::column("route", error))?,
                login: login.map(|login| MailLogin {
                    user: login.user,
                    password: Secret::new(login.password),
                }),
                from,
                to,
            }),
            RouteTwin::Desktop => Self::Desktop,
        })
    }
}
