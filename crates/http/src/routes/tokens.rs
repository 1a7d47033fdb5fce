//! `/v1/tokens`: what callers over TCP need. Only hashes are stored.

use super::accounts::named;
use super::{Route, delete, get, post};
use crate::App;
use crate::auth::{Access, Acting};
use crate::body::{Json, Path};
use crate::error::Refusal;
use axum::extract::State;
use http::StatusCode;
use livery_api::Code;
use livery_api::dto::{NewToken, Token, TokenCreated, TokenList, TokenRevoked, TokenRotation};
use livery_engine::{Error, StoredToken};
use livery_units::{AccountId, ContentHash, Span, text};
use rand::distr::{Alphanumeric, SampleString};

pub(super) fn routes() -> Vec<Route> {
    vec![
        get("/v1/tokens", Access::OwnerHere, list),
        post("/v1/tokens", Access::OwnerHere, create),
        delete("/v1/tokens/{token}", Access::OwnerHere, revoke),
        post("/v1/tokens/{token}/rotate", Access::OwnerHere, rotate),
    ]
}

/// Characters of a token after its prefix: 62^40 is more than 2^238.
const TOKEN_CHARS: usize = 40;

/// Digits of a token's hash that name it in listings.
const ID_CHARS: usize = 12;

/// Longest label.
const LABEL_CHARS_MAX: usize = 100;

/// The longest that an old token may be used together with the new one.
const GRACE_MAX: Span = Span::from_secs(30 * 86_400);

async fn list(State(app): State<App>) -> Result<Json<TokenList>, Refusal> {
    let tokens = app.engine.store().token_list().await.map_err(Error::from)?;
    let now = app.engine.now();
    let tokens = tokens.into_iter();
    let tokens = tokens.filter(|token| token.expires.is_none_or(|until| until > now));
    let tokens = tokens.map(shown);
    Ok(Json(TokenList {
        tokens: tokens.collect(),
    }))
}

async fn create(
    State(app): State<App>,
    Acting(own): Acting,
    Json(new): Json<NewToken>,
) -> Result<(StatusCode, Json<TokenCreated>), Refusal> {
    let account = match &new.account {
        None => own,
        Some(account) => named(&app, account).await?,
    };
    let label = new.label.trim().to_owned();
    if label.is_empty() || label.chars().count() > LABEL_CHARS_MAX {
        let message = format!("label: it has 1 to {LABEL_CHARS_MAX} characters");
        return Err(Refusal::bad_request(&message));
    }
    text::refuse_control(&label).map_err(|why| Refusal::bad_request(&format!("label: {why}")))?;
    let made = make(&app, &account, &label).await?;
    Ok((StatusCode::CREATED, Json(made)))
}

/// Makes a token of an account.
pub(super) async fn make(
    app: &App,
    account: &AccountId,
    label: &str,
) -> Result<TokenCreated, Refusal> {
    let (token, hash) = fresh();
    let now = app.engine.now();
    let store = app.engine.store();
    let inserted = store.token_insert(hash, account, label, now).await;
    inserted.map_err(Error::from)?;
    let made = store.token_fetch(hash, now).await.map_err(Error::from)?;
    let info = shown(made.ok_or_else(|| not_found(&id(&hash)))?);
    Ok(TokenCreated { token, info })
}

async fn rotate(
    State(app): State<App>,
    Path(token): Path<String>,
    Json(rotation): Json<TokenRotation>,
) -> Result<(StatusCode, Json<TokenCreated>), Refusal> {
    let grace = Span::from_millis(rotation.grace_ms);
    if grace > GRACE_MAX {
        let message = format!("grace_ms: an old token may be used for at most {GRACE_MAX} more");
        return Err(Refusal::bad_request(&message));
    }
    let (store, now) = (app.engine.store(), app.engine.now());
    let old = find(&app, &token).await?;
    let (token, hash) = fresh();
    let until = now.after(grace);
    let made = store.token_rotate(old.hash, hash, until, now).await;
    let made = made.map_err(Error::from)?;
    let info = shown(made.ok_or_else(|| not_found(&id(&old.hash)))?);
    Ok((StatusCode::CREATED, Json(TokenCreated { token, info })))
}

async fn revoke(
    State(app): State<App>,
    Path(token): Path<String>,
) -> Result<Json<TokenRevoked>, Refusal> {
    let store = app.engine.store();
    let found = find(&app, &token).await?;
    store.token_delete(found.hash).await.map_err(Error::from)?;
    let tokens = store.token_list().await.map_err(Error::from)?;
    let now = app.engine.now();
    let stays = |other: &&StoredToken| {
        let is_valid = other.expires.is_none_or(|until| until > now);
        other.account == found.account && is_valid
    };
    let left = tokens.iter().filter(stays).count();
    let token = shown(found);
    Ok(Json(TokenRevoked { token, left }))
}

/// Finds a token by the id that listings show.
async fn find(app: &App, token: &str) -> Result<StoredToken, Refusal> {
    let tokens = app.engine.store().token_list().await.map_err(Error::from)?;
    let found = tokens.into_iter().find(|known| id(&known.hash) == token);
    found.ok_or_else(|| not_found(token))
}

fn not_found(token: &str) -> Refusal {
    let message = format!("there is no token `{token}`");
    Refusal::new(StatusCode::NOT_FOUND, Code::UnknownPath, &message)
        .hint("`livery token list` shows the tokens")
}

/// Draws a token, and returns it with the hash that is kept of it.
fn fresh() -> (String, ContentHash) {
    let secret = Alphanumeric.sample_string(&mut rand::rng(), TOKEN_CHARS);
    let token = format!("livery_{secret}");
    let hash = livery_content::hash_bytes(token.as_bytes());
    (token, hash)
}

fn shown(token: StoredToken) -> Token {
    Token {
        id: id(&token.hash),
        label: token.label,
        account: token.account.to_string(),
        account_name: token.account_name,
        created: token.created,
        expires: token.expires,
        used: token.used,
    }
}

fn id(hash: &ContentHash) -> String {
    hash.to_string()[..ID_CHARS].to_owned()
}
