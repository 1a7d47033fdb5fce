//! Who is calling, and whether they may.

use crate::App;
use crate::error::Refusal;
use axum::extract::{FromRequestParts, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::header::AUTHORIZATION;
use http::request::Parts;
use livery_api::Code;
use livery_units::{AccountId, Secret, Span};

/// How a connection came in; part of every request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Via {
    /// The unix socket, from a process of this user.
    Socket {
        /// The user, as the kernel says.
        uid: u32,
    },
    /// TCP.
    Tcp,
}

/// Who is calling.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Caller {
    /// The owner of the control plane, on its own machine.
    OwnerHere(AccountId),
    /// Whoever has a token of this account.
    Token(AccountId),
    /// Nobody knows.
    Nobody,
}

/// Who may use a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Everybody, without a token.
    Anyone,
    /// Every account; routes show an account only what is its own.
    Account,
    /// The owner's account.
    Owner,
    /// The owner, on the control plane's own machine.
    OwnerHere,
}

impl Caller {
    /// Returns the account that the caller acts for.
    pub fn account(&self) -> Option<&AccountId> {
        match self {
            Self::OwnerHere(account) | Self::Token(account) => Some(account),
            Self::Nobody => None,
        }
    }
}

/// The account that a request acts for; routes that take it are refused to nobody.
pub(crate) struct Acting(pub(crate) AccountId);

impl<S: Sync> FromRequestParts<S> for Acting {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Refusal> {
        let account = parts.extensions.get::<Caller>().and_then(Caller::account);
        account.cloned().map(Self).ok_or_else(unauthorized)
    }
}

/// Lets a request through to a route, or refuses it.
pub(crate) async fn authorise(
    State((app, access)): State<(App, Access)>,
    mut request: Request,
    next: Next,
) -> Result<Response, Refusal> {
    // A request whose connection nobody looked at is treated as one from far away.
    let via = request
        .extensions()
        .get::<Via>()
        .copied()
        .unwrap_or(Via::Tcp);
    let token = bearer(&request);
    let caller = identify(&app, via, token).await?;
    check(&app, access, &caller)?;
    if let Some(account) = caller.account() {
        let turns = app.turns().of(account);
        request.extensions_mut().insert(turns);
    }
    request.extensions_mut().insert(caller);
    Ok(next.run(request).await)
}

/// How exactly it is known when a token was last used: noting it is a write.
const USE_GRAIN: Span = Span::from_secs(600);

fn bearer(request: &Request) -> Option<Secret<String>> {
    let header = request.headers().get(AUTHORIZATION)?;
    let token = header.to_str().ok()?.strip_prefix("Bearer ")?;
    Some(Secret::new(token.trim().to_owned()))
}

async fn identify(app: &App, via: Via, token: Option<Secret<String>>) -> Result<Caller, Refusal> {
    match (via, token) {
        (Via::Socket { uid }, _) if uid == 0 || uid == app.owner_uid => {
            Ok(Caller::OwnerHere(app.owner.clone()))
        }
        (Via::Socket { .. }, _) | (Via::Tcp, None) => Ok(Caller::Nobody),
        (Via::Tcp, Some(token)) => {
            // Only the token's hash is stored, so no comparison here leaks anything.
            let hash = livery_content::hash_bytes(token.expose().as_bytes());
            let (store, now) = (app.engine.store(), app.engine.now());
            let token = store.token_fetch(hash, now).await;
            let Some(token) = token.map_err(livery_engine::Error::from)? else {
                return Ok(Caller::Nobody);
            };
            let since = token.used.map(|used| now.since(used));
            if since.is_none_or(|since| since >= USE_GRAIN) {
                // Who is known is let in, also when the database takes nothing more.
                if let Err(error) = store.token_used_set(hash, now).await {
                    tracing::warn!(%error, "it was not noted that a token was used");
                }
            }
            Ok(Caller::Token(token.account))
        }
    }
}

fn check(app: &App, access: Access, caller: &Caller) -> Result<(), Refusal> {
    match (access, caller) {
        (Access::Anyone, _) => Ok(()),
        (_, Caller::Nobody) => Err(unauthorized()),
        (Access::Account | Access::Owner | Access::OwnerHere, Caller::OwnerHere(_)) => Ok(()),
        (Access::Account, Caller::Token(_)) => Ok(()),
        (Access::Owner, Caller::Token(account)) if *account == app.owner => Ok(()),
        (Access::Owner, Caller::Token(_)) => {
            Err(forbidden("is for the owner of the control plane"))
        }
        (Access::OwnerHere, Caller::Token(_)) => Err(forbidden(
            "is for its owner on the control plane's own machine, over its unix socket",
        )),
    }
}

fn unauthorized() -> Refusal {
    Refusal::new(http::StatusCode::UNAUTHORIZED, Code::Unauthorized, "no valid token came with the request")
        .hint("make one with `livery token create LABEL` on the control plane's machine, and set LIVERY_TOKEN")
}

fn forbidden(what: &str) -> Refusal {
    Refusal::new(
        http::StatusCode::FORBIDDEN,
        Code::Forbidden,
        &format!("this {what}"),
    )
}
