//! `/v1/registries`: who an account is to the registries of its images.

use super::{Route, delete, get, post};
use crate::App;
use crate::auth::{Access, Acting};
use crate::body::{Json, Path};
use crate::error::Refusal;
use axum::extract::State;
use http::StatusCode;
use livery_api::dto::{NewRegistryLogin, RegistryLogin, RegistryLoginList};
use livery_domain::registry::{Credentials, RegistryName};
use livery_engine::Error;
use livery_units::Secret;

pub(super) fn routes() -> Vec<Route> {
    vec![
        get("/v1/registries", Access::Account, list),
        post("/v1/registries", Access::Account, login),
        delete("/v1/registries/{registry}", Access::Account, logout),
    ]
}

async fn list(
    State(app): State<App>,
    Acting(account): Acting,
) -> Result<Json<RegistryLoginList>, Refusal> {
    let logins = app.engine.registry_logins(&account).await?;
    let logins = logins.into_iter().map(RegistryLogin::from).collect();
    Ok(Json(RegistryLoginList { logins }))
}

async fn login(
    State(app): State<App>,
    Acting(account): Acting,
    Json(new): Json<NewRegistryLogin>,
) -> Result<Json<RegistryLogin>, Refusal> {
    let registry = new
        .registry
        .as_deref()
        .map_or(Ok(RegistryName::default()), read);
    let credentials = Credentials {
        username: new.username,
        password: Secret::new(new.password),
    };
    let login = app.engine.registry_login(&account, registry?, &credentials);
    Ok(Json(login.await?.into()))
}

async fn logout(
    State(app): State<App>,
    Acting(account): Acting,
    Path(registry): Path<String>,
) -> Result<StatusCode, Refusal> {
    app.engine
        .registry_logout(&account, &read(&registry)?)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

fn read(registry: &str) -> Result<RegistryName, Refusal> {
    let registry = registry.parse();
    registry.map_err(|why: livery_domain::registry::BadRegistry| {
        Error::Registry(why.to_string()).into()
    })
}
