//! Mail by SMTP.

use crate::letter::Letter;
use crate::veil::Veil;
use crate::{Error, Reach};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use lettre::message::Mailbox;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::{Address, AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use livery_domain::reminder::{Mail, MailLogin, MailSecurity};
use std::net::SocketAddr;
use std::time::Duration;

/// For connecting.
const TIMEOUT: Duration = Duration::from_secs(20);

/// For the whole conversation: a server may fall silent at any step.
const TIMEOUT_ALL: Duration = Duration::from_secs(60);

const FOOTER: &str = "-- \nSent by Livery. `livery reminders` lists what you are told and where; \
                      `livery reminders remove` ends it.\n";

/// Sends a letter.
pub(crate) async fn send(mail: &Mail, letter: &Letter, reach: Reach) -> Result<String, Error> {
    let message = message(mail, letter)?;
    let addresses = livery_web::resolve(&mail.server, mail.port, reach).await?;
    check_clear(mail, &addresses)?;
    match tokio::time::timeout(TIMEOUT_ALL, hand_over(mail, &message, addresses)).await {
        Ok(handed) => veiled(mail, handed),
        Err(_) => {
            let secs = TIMEOUT_ALL.as_secs();
            let why = format!("the mail server did not take the mail within {secs} s");
            Err(Error::Unreachable(why))
        }
    }
}

/// A server may repeat what it was told.
fn veiled(mail: &Mail, handed: Result<String, Error>) -> Result<String, Error> {
    let mut veil = Veil::default();
    if let Some(MailLogin { user, password }) = &mail.login {
        let password = password.expose();
        veil.hide(password);
        veil.hide(&STANDARD.encode(password));
        veil.hide(&STANDARD.encode(format!("\0{user}\0{password}")));
    }
    let words = |why: String| veil.over(&why);
    match handed {
        Ok(said) => Ok(words(said)),
        Err(Error::Refused(why)) => Err(Error::Refused(words(why))),
        Err(Error::Unreachable(why)) => Err(Error::Unreachable(words(why))),
        Err(Error::Busy { why, wait }) => Err(Error::Busy {
            why: words(why),
            wait,
        }),
        Err(error @ (Error::Invalid(_) | Error::Forbidden(_))) => Err(error),
    }
}

/// Hands a message to the first address that answers.
async fn hand_over(
    mail: &Mail,
    message: &Message,
    addresses: Vec<SocketAddr>,
) -> Result<String, Error> {
    let mut last = Error::Unreachable("the mail server has no address".to_owned());
    for address in addresses {
        let sending = transport(mail, address)?.send(message.clone()).await;
        match sending {
            Ok(answer) => return Ok(format!("the mail server answered {}", first_line(&answer))),
            Err(error) if error.is_permanent() || error.is_transient() => {
                return Err(refused(&error));
            }
            Err(error) => last = Error::Unreachable(words(&error)),
        }
    }
    Err(last)
}

/// Checks the settings without connecting.
pub(crate) fn check(mail: &Mail, reach: Reach) -> Result<(), Error> {
    if mail.server.is_empty()
        || mail
            .server
            .contains(|c: char| c.is_whitespace() || c == '/')
    {
        return Err(Error::Invalid(
            "the mail server's name cannot be one".to_owned(),
        ));
    }
    if mail.port == 0 {
        return Err(Error::Invalid(
            "the mail server's port cannot be 0".to_owned(),
        ));
    }
    mailbox("sender", &mail.from)?;
    mailbox("receiver", &mail.to)?;
    Ok(livery_web::check_literal(&mail.server, reach)?)
}

/// Mail in the clear, and a password with it, must not leave the machine.
fn check_clear(mail: &Mail, addresses: &[SocketAddr]) -> Result<(), Error> {
    let local = addresses.iter().all(|address| address.ip().is_loopback());
    match mail.security {
        MailSecurity::None if !local => {
            let why = "mail without TLS goes only to a server on the control plane's own machine: use \
                       `--security starttls` or `--security tls`";
            Err(Error::Invalid(why.to_owned()))
        }
        MailSecurity::None | MailSecurity::StartTls | MailSecurity::Tls => Ok(()),
    }
}

fn mailbox(what: &str, text: &str) -> Result<Mailbox, Error> {
    // A mailbox with a name or a list of them would do for a header, but not for what is asked here.
    let address: Result<Address, _> = text.parse();
    let address = address
        .map_err(|_| Error::Invalid(format!("the {what} `{text}` is not a mail address")))?;
    Ok(Mailbox::new(None, address))
}

fn message(mail: &Mail, letter: &Letter) -> Result<Message, Error> {
    let from = mailbox("sender", &mail.from)?;
    let domain = from.email.domain().to_owned();
    let unusable = |error: lettre::error::Error| Error::Invalid(format!("no mail: {error}"));
    let mut message = Message::builder()
        .from(from)
        .to(mailbox("receiver", &mail.to)?)
        .subject(letter.title.as_str())
        .message_id(Some(format!("<{}@{domain}>", letter.id)))
        .date_now()
        .header(ContentType::TEXT_PLAIN)
        .body(format!("{}\n\n{FOOTER}", letter.message))
        .map_err(unusable)?;
    // Nobody's holiday reply should answer a machine.
    let name = HeaderName::new_from_ascii_str("Auto-Submitted");
    let value = HeaderValue::new(name, "auto-generated".to_owned());
    message.headers_mut().insert_raw(value);
    Ok(message)
}

/// The connection goes to the address that was checked; the certificate must be for the name.
fn transport(
    mail: &Mail,
    address: SocketAddr,
) -> Result<AsyncSmtpTransport<Tokio1Executor>, Error> {
    let tls = || {
        TlsParameters::new_rustls(mail.server.clone())
            .map_err(|error| Error::Unreachable(words(&error)))
    };
    let tls = match mail.security {
        MailSecurity::Tls => Tls::Wrapper(tls()?),
        MailSecurity::StartTls => Tls::Required(tls()?),
        MailSecurity::None => Tls::None,
    };
    let mut builder =
        AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(address.ip().to_string())
            .port(address.port())
            .timeout(Some(TIMEOUT))
            .tls(tls);
    if let Some(login) = &mail.login {
        let password = login.password.expose().clone();
        builder = builder.credentials(Credentials::new(login.user.clone(), password));
    }
    Ok(builder.build())
}

fn refused(error: &lettre::transport::smtp::Error) -> Error {
    let why = words(error);
    match error.is_permanent() {
        true => Error::Refused(why),
        false => Error::Busy { why, wait: None },
    }
}

/// Says an error with its causes, without what it says twice.
fn words(error: &dyn std::error::Error) -> String {
    let mut text = format!("the mail server could not be used: {error}");
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = error.source();
    }
    text
}

fn first_line(answer: &lettre::transport::smtp::response::Response) -> String {
    let line = answer.first_line().unwrap_or_default();
    format!("{} {line}", answer.code()).trim_end().to_owned()
}
