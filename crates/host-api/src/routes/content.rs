//! Files by content, and the trees made of them.

use super::SharedHost;
use super::extract::{Document, Ids};
use crate::Error;
use crate::dto::{Applied, ApplyTree, Blobs, CollectTree, Collected};
use crate::stream::{answer_body, body_stream};
use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::StatusCode;

pub(super) async fn missing(
    State(host): State<SharedHost>,
    Document(hashes): Document<Blobs>,
) -> Result<Json<Blobs>, Error> {
    host.content_missing(&hashes).await.map(Json)
}

pub(super) async fn put(State(host): State<SharedHost>, body: Body) -> Result<StatusCode, Error> {
    host.content_put(body_stream(body)).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn get(
    State(host): State<SharedHost>,
    Document(hashes): Document<Blobs>,
) -> Result<Body, Error> {
    let frames = host.content_get(&hashes).await?;
    Ok(Body::new(answer_body(frames)))
}

pub(super) async fn keep(
    State(host): State<SharedHost>,
    Document(manifests): Document<Blobs>,
) -> Result<StatusCode, Error> {
    host.content_keep(&manifests.to_hashes()?).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn tree_apply(
    State(host): State<SharedHost>,
    ids: Ids,
    Document(tree): Document<ApplyTree>,
) -> Result<Json<Applied>, Error> {
    host.tree_apply(&ids.pod()?, &tree).await.map(Json)
}

pub(super) async fn tree_collect(
    State(host): State<SharedHost>,
    ids: Ids,
    Document(collect): Document<CollectTree>,
) -> Result<Json<Collected>, Error> {
    host.tree_collect(&ids.pod()?, &collect).await.map(Json)
}
