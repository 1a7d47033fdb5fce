//! The server itself: version, health, background tasks, the end.

use super::{Route, get, post};
use crate::App;
use crate::auth::{Access, Acting};
use crate::body::Json;
use crate::convert;
use crate::error::Refusal;
use axum::extract::State;
use livery_api::PROTOCOL;
use livery_api::dto::{Health, Ledger, Shutdown, TaskList, Version};
use livery_domain::pod::burn;
use livery_engine::Which;
use livery_units::{AccountId, Money, Span};

const HOUR: Span = Span::from_secs(3_600);

pub(super) fn routes() -> Vec<Route> {
    vec![
        get("/v1/version", Access::Anyone, version),
        get("/v1/health", Access::Account, health),
        get("/v1/tasks", Access::Owner, tasks),
        get("/v1/ledger", Access::Owner, ledger),
        post("/v1/shutdown", Access::OwnerHere, shutdown),
    ]
}

async fn version(State(app): State<App>) -> Json<Version> {
    Json(Version {
        name: "livery".to_owned(),
        version: app.version.to_owned(),
        protocol: PROTOCOL,
        pid: std::process::id(),
    })
}

async fn health(State(app): State<App>, Acting(account): Acting) -> Result<Json<Health>, Refusal> {
    Ok(Json(look(&app, &account).await?))
}

async fn look(app: &App, account: &AccountId) -> Result<Health, Refusal> {
    let pods = app.engine.pod_list(account, Which::Live).await?;
    let runs = app.engine.run_list(account, Which::Live).await?;
    let hourly = pods.iter().map(|pod| burn(pod, HOUR));
    Ok(Health {
        hosts_connected: app.hosts.list().len(),
        pods_live: pods.len(),
        runs_live: runs.len(),
        hourly: hourly.sum::<Money>(),
        room: app.engine.content().store().room()?,
    })
}

async fn tasks(State(app): State<App>) -> Json<TaskList> {
    let tasks = app.engine.tasks().into_iter().map(convert::task);
    Json(TaskList {
        tasks: tasks.collect(),
    })
}

async fn ledger(State(app): State<App>, Acting(account): Acting) -> Result<Json<Ledger>, Refusal> {
    let stand = app.engine.ledger(&account).await?;
    Ok(Json(Ledger {
        transfers: stand.transfers,
        balance: stand.balance,
        held: stand.held,
    }))
}

async fn shutdown(
    State(app): State<App>,
    Acting(account): Acting,
) -> Result<Json<Shutdown>, Refusal> {
    let health = look(&app, &account).await?;
    tracing::info!("asked to end");
    app.stop.cancel();
    Ok(Json(Shutdown {
        pid: std::process::id(),
        health,
    }))
}
