//! `/v1/runs`

use super::{Route, delete, get, post};
use crate::App;
use crate::auth::{Access, Acting};
use crate::body::{Json, Path, Query, outgoing, patience};
use crate::convert;
use crate::error::Refusal;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use livery_api::LOG_START_HEADER;
use livery_api::dto::{
    EventsQuery, LogQuery, Receipt, Results, Run, RunEvents, RunList, Submission, WhichQuery,
};
use livery_engine::{Error, Follow};

pub(super) fn routes() -> Vec<Route> {
    vec![
        get("/v1/runs", Access::Account, list),
        post("/v1/runs", Access::Account, submit),
        post("/v1/check", Access::Account, check),
        get("/v1/runs/{run}", Access::Account, fetch),
        post("/v1/runs/{run}/cancel", Access::Account, cancel),
        get("/v1/runs/{run}/events", Access::Account, events),
        get("/v1/runs/{run}/log", Access::Account, log).session(),
        get("/v1/runs/{run}/receipt", Access::Account, receipt),
        get("/v1/runs/{run}/results", Access::Account, results),
        delete("/v1/runs/{run}/results", Access::Account, results_drop),
    ]
}

async fn list(
    State(app): State<App>,
    Acting(account): Acting,
    Query(query): Query<WhichQuery>,
) -> Result<Json<RunList>, Refusal> {
    let runs = app
        .engine
        .run_list(&account, convert::which(query.which))
        .await?;
    let runs = runs.into_iter().map(Run::from).collect();
    Ok(Json(RunList { runs }))
}

async fn submit(
    State(app): State<App>,
    Acting(account): Acting,
    Json(submission): Json<Submission>,
) -> Result<(StatusCode, Json<Run>), Refusal> {
    let submission = convert::submission(submission)?;
    let run = app.engine.run_submit(&account, submission).await?;
    Ok((StatusCode::CREATED, Json(run.into())))
}

/// Says whether a job would be accepted, before its files are sent.
async fn check(
    State(app): State<App>,
    Acting(account): Acting,
    Json(submission): Json<Submission>,
) -> Result<StatusCode, Refusal> {
    let submission = convert::submission(submission)?;
    app.engine.run_check(&account, &submission).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn fetch(
    State(app): State<App>,
    Acting(account): Acting,
    Path(run): Path<String>,
) -> Result<Json<Run>, Refusal> {
    Ok(Json(app.engine.run_fetch(&account, &run).await?.into()))
}

async fn cancel(
    State(app): State<App>,
    Acting(account): Acting,
    Path(run): Path<String>,
) -> Result<Json<Run>, Refusal> {
    Ok(Json(app.engine.run_cancel(&account, &run).await?.into()))
}

async fn events(
    State(app): State<App>,
    Acting(account): Acting,
    Path(run): Path<String>,
    Query(query): Query<EventsQuery>,
) -> Result<Json<RunEvents>, Refusal> {
    let run = app.engine.run_fetch(&account, &run).await?;
    let wait = patience(query.wait_ms);
    let events = app.engine.run_events(&run.id, query.after, wait).await?;
    let events = events.into_iter().map(Into::into).collect();
    Ok(Json(RunEvents { events }))
}

async fn log(
    State(app): State<App>,
    Acting(account): Acting,
    Path(run): Path<String>,
    Query(query): Query<LogQuery>,
) -> Result<Response, Refusal> {
    let run = app.engine.run_fetch(&account, &run).await?;
    app.engine.run_is_here(&run).await?;
    let follow = if query.follow {
        Follow::Yes
    } else {
        Follow::No
    };
    let log = app.engine.run_log(&run.id, query.offset, follow).await?;
    let start = [(LOG_START_HEADER, log.start.to_string())];
    Ok((start, outgoing(log.bytes)).into_response())
}

async fn receipt(
    State(app): State<App>,
    Acting(account): Acting,
    Path(run): Path<String>,
) -> Result<Json<Receipt>, Refusal> {
    let run = app.engine.run_fetch(&account, &run).await?;
    let text = app.engine.run_receipt(&run).await?;
    Ok(Json(Receipt { text }))
}

async fn results(
    State(app): State<App>,
    Acting(account): Acting,
    Path(run): Path<String>,
) -> Result<Json<Results>, Refusal> {
    let run = app.engine.run_fetch(&account, &run).await?;
    app.engine.run_is_here(&run).await?;
    match run.results {
        Some(manifest) => Ok(Json(Results { manifest })),
        None => {
            let why = match run.ended {
                Some(_) => "nothing was brought home, or it was dropped",
                None => "it is not over yet",
            };
            let why = why.to_owned();
            let run = run.id.to_string();
            Err(Error::NoResults { run, why }.into())
        }
    }
}

async fn results_drop(
    State(app): State<App>,
    Acting(account): Acting,
    Path(run): Path<String>,
) -> Result<Json<Run>, Refusal> {
    let run = app.engine.run_results_drop(&account, &run).await?;
    Ok(Json(run.into()))
}
