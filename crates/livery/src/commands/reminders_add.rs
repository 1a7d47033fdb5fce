//! `livery reminders add`

use crate::failure::Failure;
use crate::ui::{print_json, say};
use livery_api::Client;
use livery_api::dto::{NewChannel, NewRoute};
use livery_domain::reminder::MailSecurity;
use std::io::{BufRead, IsTerminal};

/// Add a channel that reminders are carried to.
///
/// Secrets (the URL of a webhook, a token, a password) may be given as `-`: they are then read from
/// standard input, one line each, and stay out of the shell's history.
#[derive(Debug, clap::Args)]
pub struct AddArgs {
    #[command(subcommand)]
    kind: AddKind,
    /// The channel's name [default: its kind]
    #[arg(long, global = true, value_name = "NAME")]
    name: Option<String>,
    /// Print JSON
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, clap::Subcommand)]
enum AddKind {
    /// An incoming webhook of Slack
    Slack {
        /// The webhook's URL
        url: String,
    },
    /// A webhook of Discord
    Discord {
        /// The webhook's URL
        url: String,
    },
    /// A topic of an ntfy server
    Ntfy {
        /// The topic's URL, such as https://ntfy.sh/TOPIC
        url: String,
        /// An access token, where the server wants one
        #[arg(long)]
        token: Option<String>,
    },
    /// Any HTTP server: it gets JSON by POST, signed as Standard Webhooks has it
    Webhook {
        /// The URL
        url: String,
        /// The key that signatures are made with: 16 characters or more, or `whsec_` and base 64
        #[arg(long)]
        secret: Option<String>,
    },
    /// Mail by SMTP
    Email {
        /// The receiver's address
        to: String,
        /// The sender's address
        #[arg(long)]
        from: String,
        /// The SMTP server, with its port if it is not the usual one: `mail.example` or
        /// `mail.example:2525`
        #[arg(long, value_name = "HOST[:PORT]")]
        smtp: String,
        /// How the connection is secured: starttls, tls, or none for a server on the same machine
        #[arg(long, default_value = "starttls")]
        security: MailSecurity,
        /// The user at the server
        #[arg(long, requires = "password")]
        user: Option<String>,
        /// The user's password
        #[arg(long, requires = "user")]
        password: Option<String>,
    },
    /// The desktop of the machine that the control plane runs on
    Desktop,
}

/// Runs the command.
pub async fn run(args: AddArgs, client: &Client) -> anyhow::Result<()> {
    let route = route(args.kind)?;
    let name = args.name.unwrap_or_else(|| kind_of(&route).to_owned());
    let channel = client.channel_add(&NewChannel { name, route }).await?;
    if args.json {
        return print_json(&channel);
    }
    let (name, leads_to) = (&channel.name, &channel.leads_to);
    say(&format!(
        "channel {name} leads to {leads_to}; `livery reminders test {name}` tries it"
    ));
    Ok(())
}

fn kind_of(route: &NewRoute) -> &'static str {
    match route {
        NewRoute::Slack { .. } => "slack",
        NewRoute::Discord { .. } => "discord",
        NewRoute::Ntfy { .. } => "ntfy",
        NewRoute::Webhook { .. } => "webhook",
        NewRoute::Email { .. } => "email",
        NewRoute::Desktop => "desktop",
    }
}

fn route(kind: AddKind) -> anyhow::Result<NewRoute> {
    Ok(match kind {
        AddKind::Slack { url } => NewRoute::Slack {
            url: secret("URL", url)?,
        },
        AddKind::Discord { url } => NewRoute::Discord {
            url: secret("URL", url)?,
        },
        AddKind::Ntfy { url, token } => NewRoute::Ntfy {
            url: secret("URL", url)?,
            token: token.map(|token| secret("token", token)).transpose()?,
        },
        AddKind::Webhook { url, secret: key } => NewRoute::Webhook {
            url: secret("URL", url)?,
            secret: key.map(|key| secret("secret", key)).transpose()?,
        },
        AddKind::Email {
            to,
            from,
            smtp,
            security,
            user,
            password,
        } => {
            let (server, port) = server_and_port(&smtp, security)?;
            NewRoute::Email {
                server,
                port,
                security: security.to_string(),
                user,
                password: password
                    .map(|password| secret("password", password))
                    .transpose()?,
                from,
                to,
            }
        }
        AddKind::Desktop => NewRoute::Desktop,
    })
}

/// Reads a line of standard input for a secret that was given as `-`.
fn secret(what: &str, given: String) -> anyhow::Result<String> {
    if given != "-" {
        return Ok(given);
    }
    let stdin = std::io::stdin();
    if stdin.is_terminal() {
        say(&format!("{what}:"));
    }
    let mut line = String::new();
    stdin.lock().read_line(&mut line)?;
    match line.trim() {
        "" => {
            let message = format!("standard input has no line for the {what}");
            Err(Failure::mistake(message).into())
        }
        line => Ok(line.to_owned()),
    }
}

fn server_and_port(text: &str, security: MailSecurity) -> anyhow::Result<(String, u16)> {
    let usual = match security {
        MailSecurity::Tls => 465,
        MailSecurity::StartTls => 587,
        MailSecurity::None => 25,
    };
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => rest.split_once(']').unwrap_or((rest, "")),
        None => match text.rfind(':') {
            Some(at) => text.split_at(at),
            None => (text, ""),
        },
    };
    let port = match port.strip_prefix(':') {
        None if port.is_empty() => Some(usual),
        Some(port) => port.parse().ok(),
        None => None,
    };
    match port {
        Some(port) => Ok((host.to_owned(), port)),
        None => Err(Failure::mistake(format!("`{text}` is not a server")).into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mail_server_is_given_with_or_without_its_port() {
        for (text, security, host, port) in [
            ("mail.example", MailSecurity::StartTls, "mail.example", 587),
            ("mail.example", MailSecurity::Tls, "mail.example", 465),
            ("127.0.0.1", MailSecurity::None, "127.0.0.1", 25),
            (
                "mail.example:2525",
                MailSecurity::Tls,
                "mail.example",
                2_525,
            ),
            ("[::1]:2525", MailSecurity::None, "::1", 2_525),
            ("[::1]", MailSecurity::None, "::1", 25),
        ] {
            let found = server_and_port(text, security).unwrap();
            assert_eq!(found, (host.to_owned(), port), "{text}");
        }
        for text in ["mail.example:", "mail.example:x", "[::1]x", "a:70000"] {
            assert!(server_and_port(text, MailSecurity::Tls).is_err(), "{text}");
        }
    }
}
