//! Floor 3: reminders carried to where a user sees them.
//!
//! [`send`] carries one [`Letter`] over one [`Route`](livery_domain::reminder::Route): to an incoming
//! webhook of Slack or Discord, to a topic of an ntfy server, to any HTTP server, by mail, or to the
//! desktop. It tries once; whoever calls decides when to try again, and a letter that is sent twice
//! carries the same id both times.
//!
//! Nothing here prints or returns a URL, a token or a password.

mod desktop;
mod error;
mod hooks;
mod http1;
mod letter;
mod mail;
mod signature;
mod veil;

pub use error::Error;
pub use letter::{Letter, Weight};
pub use livery_web::Reach;

use hooks::Hook;
use livery_domain::reminder::Route;
use livery_units::{Secret, Timestamp};
use livery_web::Url;

/// Carries a letter to where a route leads, and returns what the receiver answered, in words for the
/// user.
///
/// # Errors
/// When the receiver did not take it; [`Error::is_final`] says whether another try may help.
pub async fn send(
    route: &Route,
    letter: &Letter,
    reach: Reach,
    now: Timestamp,
) -> Result<String, Error> {
    match route {
        Route::Slack { .. }
        | Route::Discord { .. }
        | Route::Ntfy { .. }
        | Route::Webhook { .. } => {
            let Hook { url, parts } = Hook::of(route, letter, now)?;
            http1::post(read(url)?, parts, reach, now).await
        }
        Route::Email(mail) => mail::send(mail, letter, reach).await,
        Route::Desktop => desktop::show(letter, reach).await,
    }
}

/// Checks what can be checked of a route without sending anything.
///
/// # Errors
/// [`Error::Invalid`] or [`Error::Forbidden`], with what is wrong.
pub fn check(route: &Route, reach: Reach) -> Result<(), Error> {
    match route {
        Route::Slack { url } | Route::Discord { url } => Ok(read(url)?.check(reach)?),
        Route::Ntfy { url, token } => {
            let url = read(url)?;
            hooks::check_topic(&url)?;
            hooks::check_token(token.as_ref())?;
            Ok(url.check(reach)?)
        }
        Route::Webhook { url, secret } => {
            if let Some(secret) = secret {
                signature::Key::parse(secret)?;
            }
            Ok(read(url)?.check(reach)?)
        }
        Route::Email(mail) => mail::check(mail, reach),
        Route::Desktop => desktop::check(reach),
    }
}

/// Reads a receiver's URL. What is wrong with it is said without repeating it.
fn read(url: &Secret<String>) -> Result<Url, Error> {
    Ok(Url::parse(url.expose())?)
}
