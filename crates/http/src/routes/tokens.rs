//! `/v1/tokens`: what callers over TCP need. Only hashes are stored.

use super::{Route, delete, get, post};
use crate::App;
use crate::auth::{Access, Acting};
use crate::body::{Json, Path};
use crate::error::Refusal;
use axum::extract::State;
use http::StatusCode;
use livery_api::Code;
use livery_api::dto::{NewToken, Token, TokenCreated, TokenList};
use livery_engine::Error;
use livery_units::{AccountId, ContentHash, text};
use rand::distr::{Alphanumeric, SampleString};

pub(super) fn routes() -> Vec<Route> {
    vec![
        get("/v1/tokens", Access::OwnerHere, list),
        post("/v1/tokens", Access::OwnerHere, create),
        delete("/v1/tokens/{token}", Access::OwnerHere, revoke),
    ]
}

/// Characters of a token after its prefix: 62^40 is more than 2^238.
const TOKEN_CHARS: usize = 40;

/// Digits of a token's hash that name it in listings.
const ID_CHARS: usize = 12;

/// Longest label.
const LABEL_CHARS_MAX: usize = 100;

async fn list(State(app): State<App>) -> Result<Json<TokenList>, Refusal> {
    let tokens = app.engine.store().token_list().await.map_err(Error::from)?;
    let tokens = tokens.into_iter().map(|token| Token {
        id: id(&token.hash),
        label: token.label,
        account: token.account.to_string(),
        created: token.created,
    });
    Ok(Json(TokenList {
        tokens: tokens.collect(),
    }))
}

async fn create(
    State(app): State<App>,
    Acting(account): Acting,
    Json(new): Json<NewToken>,
) -> Result<(StatusCode, Json<TokenCreated>), Refusal> {
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
    let secret = Alphanumeric.sample_string(&mut rand::rng(), TOKEN_CHARS);
    let token = format!("livery_{secret}");
    let hash = livery_content::hash_bytes(token.as_bytes());
    let created = app.engine.now();
    let store = app.engine.store();
    let inserted = store.token_insert(hash, account, label, created).await;
    inserted.map_err(Error::from)?;
    let info = Token {
        id: id(&hash),
        label: label.to_owned(),
        account: account.to_string(),
        created,
    };
    Ok(TokenCreated { token, info })
}

async fn revoke(State(app): State<App>, Path(token): Path<String>) -> Result<StatusCode, Refusal> {
    let store = app.engine.store();
    let tokens = store.token_list().await.map_err(Error::from)?;
    let found = tokens.iter().find(|known| id(&known.hash) == token);
    let Some(found) = found else {
        let message = format!("there is no token `{token}`");
        return Err(
            Refusal::new(StatusCode::NOT_FOUND, Code::UnknownPath, &message)
                .hint("`livery token list` shows the tokens"),
        );
    };
    store.token_delete(found.hash).await.map_err(Error::from)?;
    Ok(StatusCode::NO_CONTENT)
}

fn id(hash: &ContentHash) -> String {
    hash.to_string()[..ID_CHARS].to_owned()
}
