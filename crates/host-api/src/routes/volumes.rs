//! Network volumes.

use super::SharedHost;
use super::extract::{Document, Ids};
use crate::Error;
use crate::dto::{VolumeSpec, VolumeStatus};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;

pub(super) async fn list(State(host): State<SharedHost>) -> Result<Json<Vec<VolumeStatus>>, Error> {
    host.volumes().await.map(Json)
}

pub(super) async fn show(
    State(host): State<SharedHost>,
    ids: Ids,
) -> Result<Json<VolumeStatus>, Error> {
    host.volume(&ids.volume()?).await.map(Json)
}

pub(super) async fn create(
    State(host): State<SharedHost>,
    ids: Ids,
    Document(spec): Document<VolumeSpec>,
) -> Result<Json<VolumeStatus>, Error> {
    host.volume_create(&ids.volume()?, spec).await.map(Json)
}

pub(super) async fn resize(
    State(host): State<SharedHost>,
    ids: Ids,
    Document(spec): Document<VolumeSpec>,
) -> Result<Json<VolumeStatus>, Error> {
    host.volume_resize(&ids.volume()?, spec).await.map(Json)
}

pub(super) async fn delete(State(host): State<SharedHost>, ids: Ids) -> Result<StatusCode, Error> {
    host.volume_delete(&ids.volume()?).await?;
    Ok(StatusCode::NO_CONTENT)
}
