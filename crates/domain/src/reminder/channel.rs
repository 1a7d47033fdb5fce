//! Where notices are carried to beside the terminal.

use crate::offer::words;
use livery_units::{AccountId, Secret, Timestamp};

/// A place of an account's to which its notices are carried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Channel {
    /// Whose it is.
    pub account: AccountId,
    /// Its name, unique in the account.
    pub name: String,
    /// The way there.
    pub route: Route,
    /// When it was added.
    pub created: Timestamp,
}

/// The way to a channel. Whoever knows a webhook's URL can post there, so URLs are secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Route {
    /// An incoming webhook of Slack.
    Slack {
        /// Where to post.
        url: Secret<String>,
    },
    /// A webhook of Discord.
    Discord {
        /// Where to post.
        url: Secret<String>,
    },
    /// A topic of an ntfy server.
    Ntfy {
        /// The topic's URL; whoever knows it can read along.
        url: Secret<String>,
        /// The access token, where the server wants one.
        token: Option<Secret<String>>,
    },
    /// Any HTTP server, which gets JSON.
    Webhook {
        /// Where to post.
        url: Secret<String>,
        /// The key of the signature, when the receiver checks one.
        secret: Option<Secret<String>>,
    },
    /// Mail by SMTP.
    Email(Mail),
    /// The desktop of the machine on which the control plane runs.
    Desktop,
}

/// How mail is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// The SMTP server's name or address.
    pub server: String,
    /// Its port.
    pub port: u16,
    /// How the connection is secured.
    pub security: MailSecurity,
    /// Who sends, where the server wants to know.
    pub login: Option<MailLogin>,
    /// The sender's address.
    pub from: String,
    /// The receiver's address.
    pub to: String,
}

/// Who sends mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailLogin {
    /// The name.
    pub user: String,
    /// The password.
    pub password: Secret<String>,
}

/// How the connection to a mail server is secured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MailSecurity {
    /// TLS from the first byte, usually on port 465.
    Tls,
    /// TLS after a greeting in the clear, usually on port 587; a server without it is refused.
    StartTls,
    /// None: only for a server on the same machine.
    None,
}

words!(
    MailSecurity,
    "way to secure mail",
    "tls, starttls, none",
    Tls = "tls",
    StartTls = "starttls",
    None = "none"
);

/// Kinds of [`Channel`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ChannelKind {
    /// An incoming webhook of Slack.
    Slack,
    /// A webhook of Discord.
    Discord,
    /// A topic of an ntfy server.
    Ntfy,
    /// Any HTTP server.
    Webhook,
    /// Mail by SMTP.
    Email,
    /// The desktop of the control plane's machine.
    Desktop,
}

words!(
    ChannelKind,
    "kind of channel",
    "slack, discord, ntfy, webhook, email, desktop",
    Slack = "slack",
    Discord = "discord",
    Ntfy = "ntfy",
    Webhook = "webhook",
    Email = "email",
    Desktop = "desktop"
);

impl Route {
    /// Returns of which kind it is.
    pub const fn kind(&self) -> ChannelKind {
        match self {
            Self::Slack { .. } => ChannelKind::Slack,
            Self::Discord { .. } => ChannelKind::Discord,
            Self::Ntfy { .. } => ChannelKind::Ntfy,
            Self::Webhook { .. } => ChannelKind::Webhook,
            Self::Email(_) => ChannelKind::Email,
            Self::Desktop => ChannelKind::Desktop,
        }
    }

    /// Returns where it leads, without what must stay secret: of a URL only the server.
    pub fn shown(&self) -> String {
        match self {
            Self::Slack { url } | Self::Discord { url } => shown_url(url),
            Self::Ntfy { url, .. } | Self::Webhook { url, .. } => shown_url(url),
            Self::Email(mail) => format!("{} by {}:{}", mail.to, mail.server, mail.port),
            Self::Desktop => "this machine's desktop".to_owned(),
        }
    }
}

/// Keeps a URL's scheme and server; what is before an `@` is a password.
fn shown_url(url: &Secret<String>) -> String {
    let Some((scheme, rest)) = url.expose().split_once("://") else {
        return "***".to_owned();
    };
    let server = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let server = server.rsplit('@').next().unwrap_or_default();
    format!("{scheme}://{server}/***")
}

/// How the delivery of a notice to a channel stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DeliveryState {
    /// It is to be sent, for the first time or again.
    Due,
    /// The channel has taken it.
    Sent,
    /// It was tried for a day, or refused for good, and is not tried again.
    Failed,
}

words!(
    DeliveryState,
    "state of a delivery",
    "due, sent, failed",
    Due = "due",
    Sent = "sent",
    Failed = "failed"
);

/// A text that cannot be a channel's name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` cannot be a channel's name (1 to 40 lower-case letters, digits and `-`, and not \
     `terminal`)"
)]
pub struct ChannelNameError(String);

/// Checks a channel's name; `terminal` is taken, because every account has that.
///
/// # Errors
/// [`ChannelNameError`] when it is none.
pub fn check_channel_name(name: &str) -> Result<(), ChannelNameError> {
    let fits = (1..=40).contains(&name.len())
        && name != "terminal"
        && name
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    match fits {
        true => Ok(()),
        false => Err(ChannelNameError(name.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_of_a_route_gives_no_secret_away() {
        let secret = |text: &str| Secret::new(text.to_owned());
        for (url, shown) in [
            (
                "https://hooks.slack.example/services/T0/B0/abc",
                "https://hooks.slack.example/***",
            ),
            (
                "https://user:pass@ntfy.example:8443/topic",
                "https://ntfy.example:8443/***",
            ),
            ("http://127.0.0.1:80?key=1", "http://127.0.0.1:80/***"),
            ("nonsense-abc", "***"),
        ] {
            let route = Route::Slack { url: secret(url) };
            assert_eq!(route.shown(), shown);
            assert!(!format!("{route:?}").contains("abc"));
        }
    }

    #[test]
    fn names_of_channels_are_short_and_plain() {
        for name in ["slack", "ops-2", "a"] {
            assert_eq!(check_channel_name(name), Ok(()), "{name}");
        }
        let long = "a".repeat(41);
        for name in ["", "terminal", "A", "a b", "ä", "a/b", &long] {
            assert!(check_channel_name(name).is_err(), "{name}");
        }
    }
}
