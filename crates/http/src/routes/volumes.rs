//! `/v1/volumes`

use super::{Route, delete, get, post};
use crate::App;
use crate::auth::{Access, Acting};
use crate::body::{Json, Path, Query, WaitQuery};
use crate::convert;
use crate::error::Refusal;
use axum::extract::State;
use http::StatusCode;
use livery_api::dto::{NewVolume, Volume, VolumeList, VolumeSize, WhichQuery};
use livery_engine::VolumeView;

pub(super) fn routes() -> Vec<Route> {
    vec![
        get("/v1/volumes", Access::Account, list),
        post("/v1/volumes", Access::Account, create),
        get("/v1/volumes/{volume}", Access::Account, fetch),
        delete("/v1/volumes/{volume}", Access::Account, remove),
        post("/v1/volumes/{volume}/size", Access::Account, resize),
        get("/v1/volumes/{volume}/wait", Access::Account, wait),
    ]
}

type Answer = Result<Json<Volume>, Refusal>;

fn shown(view: VolumeView) -> Volume {
    Volume::of(view.volume, view.pod)
}

async fn list(
    State(app): State<App>,
    Acting(account): Acting,
    Query(query): Query<WhichQuery>,
) -> Result<Json<VolumeList>, Refusal> {
    let which = convert::which(query.which);
    let volumes = app.engine.volume_list(&account, which).await?;
    let volumes = volumes.into_iter().map(shown).collect();
    Ok(Json(VolumeList { volumes }))
}

async fn create(
    State(app): State<App>,
    Acting(account): Acting,
    Json(volume): Json<NewVolume>,
) -> Result<(StatusCode, Json<Volume>), Refusal> {
    let wanted = livery_engine::NewVolume {
        name: volume.name,
        size: volume.size,
        host: volume.host,
    };
    let volume = app.engine.volume_create(&account, wanted).await?;
    Ok((StatusCode::CREATED, Json(shown(volume))))
}

async fn fetch(
    State(app): State<App>,
    Acting(account): Acting,
    Path(volume): Path<String>,
) -> Answer {
    let volume = app.engine.volume_fetch(&account, &volume).await?;
    Ok(Json(shown(volume)))
}

async fn remove(
    State(app): State<App>,
    Acting(account): Acting,
    Path(volume): Path<String>,
) -> Answer {
    let volume = app.engine.volume_delete(&account, &volume).await?;
    Ok(Json(shown(volume)))
}

async fn resize(
    State(app): State<App>,
    Acting(account): Acting,
    Path(volume): Path<String>,
    Json(wanted): Json<VolumeSize>,
) -> Answer {
    let volume = app
        .engine
        .volume_resize(&account, &volume, wanted.size)
        .await?;
    Ok(Json(shown(volume)))
}

async fn wait(
    State(app): State<App>,
    Acting(account): Acting,
    Path(volume): Path<String>,
    Query(query): Query<WaitQuery>,
) -> Answer {
    let most = query.most();
    let volume = app.engine.volume_wait(&account, &volume, most).await?;
    Ok(Json(shown(volume)))
}
