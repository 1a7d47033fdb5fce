//! The machine and its pods.

use super::SharedHost;
use super::extract::{Document, Ids, Options};
use crate::Error;
use crate::dto::{Facts, HostActivity, HostInfo, PodSpec, PodStatus, ProbeSpec, Stats};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;

pub(super) async fn info(State(host): State<SharedHost>) -> Result<Json<HostInfo>, Error> {
    host.info().await.map(Json)
}

pub(super) async fn list(State(host): State<SharedHost>) -> Result<Json<Vec<PodStatus>>, Error> {
    host.pods().await.map(Json)
}

pub(super) async fn activity(State(host): State<SharedHost>) -> Result<Json<HostActivity>, Error> {
    host.activity().await.map(Json)
}

pub(super) async fn show(
    State(host): State<SharedHost>,
    ids: Ids,
) -> Result<Json<PodStatus>, Error> {
    host.pod(&ids.pod()?).await.map(Json)
}

pub(super) async fn create(
    State(host): State<SharedHost>,
    ids: Ids,
    options: Options,
    Document(spec): Document<PodSpec>,
) -> Result<Json<PodStatus>, Error> {
    let wait = options.span("wait_ms")?;
    host.pod_create(&ids.pod()?, &spec, wait).await.map(Json)
}

pub(super) async fn stop(
    State(host): State<SharedHost>,
    ids: Ids,
    options: Options,
) -> Result<Json<PodStatus>, Error> {
    let grace = options.span("grace_ms")?;
    host.pod_stop(&ids.pod()?, grace).await.map(Json)
}

pub(super) async fn start(
    State(host): State<SharedHost>,
    ids: Ids,
) -> Result<Json<PodStatus>, Error> {
    host.pod_start(&ids.pod()?).await.map(Json)
}

pub(super) async fn remove(State(host): State<SharedHost>, ids: Ids) -> Result<StatusCode, Error> {
    host.pod_remove(&ids.pod()?).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn stats(State(host): State<SharedHost>, ids: Ids) -> Result<Json<Stats>, Error> {
    host.pod_stats(&ids.pod()?).await.map(Json)
}

pub(super) async fn probe(
    State(host): State<SharedHost>,
    ids: Ids,
    Document(probe): Document<ProbeSpec>,
) -> Result<Json<Facts>, Error> {
    host.probe(&ids.pod()?, &probe).await.map(Json)
}
