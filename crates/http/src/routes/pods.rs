//! `/v1/pods`

use super::{Route, delete, get, policy, post};
use crate::App;
use crate::auth::{Access, Acting};
use crate::body::{Json, Path, Query, Reading, WaitQuery, incoming, outgoing, split_head};
use crate::convert;
use crate::error::Refusal;
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use livery_api::dto::{ExecSpec, NewPod, Pod, PodList, Stats, WhichQuery};

pub(super) fn routes() -> Vec<Route> {
    vec![
        get("/v1/pods", Access::Account, list),
        post("/v1/pods", Access::Account, create),
        get("/v1/pods/{pod}", Access::Account, fetch),
        delete("/v1/pods/{pod}", Access::Account, terminate),
        post("/v1/pods/{pod}/stop", Access::Account, stop),
        post("/v1/pods/{pod}/start", Access::Account, start),
        get("/v1/pods/{pod}/wait", Access::Account, wait),
        get("/v1/pods/{pod}/stats", Access::Account, stats),
        post("/v1/pods/{pod}/exec", Access::Account, exec).session(),
        post("/v1/pods/{pod}/forward/{port}", Access::Account, forward).session(),
    ]
}

type Answer = Result<Json<Pod>, Refusal>;

async fn list(
    State(app): State<App>,
    Acting(account): Acting,
    Query(query): Query<WhichQuery>,
) -> Result<Json<PodList>, Refusal> {
    let pods = app
        .engine
        .pod_list(&account, convert::which(query.which))
        .await?;
    let pods = policy::with_idle(&app, pods).await?;
    Ok(Json(PodList { pods }))
}

async fn create(
    State(app): State<App>,
    Acting(account): Acting,
    Json(pod): Json<NewPod>,
) -> Result<(StatusCode, Json<Pod>), Refusal> {
    let pod = app
        .engine
        .pod_create(&account, convert::new_pod(pod)?)
        .await?;
    Ok((StatusCode::CREATED, Json(pod.into())))
}

async fn fetch(State(app): State<App>, Acting(account): Acting, Path(pod): Path<String>) -> Answer {
    let pod = app.engine.pod_fetch(&account, &pod).await?;
    let mut pods = policy::with_idle(&app, vec![pod]).await?;
    Ok(Json(pods.remove(0)))
}

async fn terminate(
    State(app): State<App>,
    Acting(account): Acting,
    Path(pod): Path<String>,
) -> Answer {
    Ok(Json(app.engine.pod_terminate(&account, &pod).await?.into()))
}

async fn stop(State(app): State<App>, Acting(account): Acting, Path(pod): Path<String>) -> Answer {
    Ok(Json(app.engine.pod_stop(&account, &pod).await?.into()))
}

async fn start(State(app): State<App>, Acting(account): Acting, Path(pod): Path<String>) -> Answer {
    Ok(Json(app.engine.pod_start(&account, &pod).await?.into()))
}

async fn wait(
    State(app): State<App>,
    Acting(account): Acting,
    Path(pod): Path<String>,
    Query(query): Query<WaitQuery>,
) -> Answer {
    let most = query.most();
    Ok(Json(
        app.engine.pod_wait(&account, &pod, most).await?.into(),
    ))
}

async fn stats(
    State(app): State<App>,
    Acting(account): Acting,
    Path(pod): Path<String>,
) -> Result<Json<Stats>, Refusal> {
    let stats = app.engine.pod_stats(&account, &pod).await?;
    Ok(Json(convert::stats(stats)))
}

async fn exec(
    State(app): State<App>,
    Acting(account): Acting,
    Path(pod): Path<String>,
    Reading(turn): Reading,
    body: Body,
) -> Result<Response, Refusal> {
    let (spec, input) = split_head::<ExecSpec>(body).await?;
    drop(turn);
    if spec.argv.is_empty() {
        return Err(Refusal::bad_request("argv: the command is empty"));
    }
    let spec = convert::exec_spec(spec)?;
    let output = app.engine.pod_exec(&account, &pod, &spec, input).await?;
    Ok(outgoing(output))
}

async fn forward(
    State(app): State<App>,
    Acting(account): Acting,
    Path((pod, port)): Path<(String, u16)>,
    body: Body,
) -> Result<Response, Refusal> {
    let input = incoming(body);
    let output = app.engine.pod_forward(&account, &pod, port, input).await?;
    Ok(outgoing(output))
}
