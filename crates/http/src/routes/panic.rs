//! `/v1/panic` and `/v1/orphans`

use super::{Route, get, post};
use crate::App;
use crate::auth::{Access, Acting};
use crate::body::{Json, Path, Query};
use crate::convert;
use crate::error::Refusal;
use axum::extract::State;
use livery_api::dto::{
    Fate, OrphanList, Panic, PanicReport, StrayVolume, Thing, ThingKind, Unknown, Volumes,
    WhichQuery,
};
use livery_domain::orphan::{Orphan, Stray};
use livery_units::VolumeId;

pub(super) fn routes() -> Vec<Route> {
    vec![
        post("/v1/panic", Access::Account, panic),
        get("/v1/orphans", Access::Owner, orphans),
        post("/v1/orphans/{orphan}/end", Access::Owner, orphan_end),
    ]
}

async fn panic(
    State(app): State<App>,
    Acting(account): Acting,
    Json(panic): Json<Panic>,
) -> Result<Json<PanicReport>, Refusal> {
    let panic = livery_engine::Panic {
        since: panic.since,
        volumes: match panic.volumes {
            Volumes::Keep => livery_engine::Volumes::Keep,
            Volumes::End => livery_engine::Volumes::End,
        },
        unknown: match panic.unknown {
            Unknown::Keep => livery_engine::Unknown::Keep,
            Unknown::End => livery_engine::Unknown::End,
        },
    };
    let report = app.engine.panic(&account, panic).await?;
    Ok(Json(PanicReport {
        since: report.since,
        things: report.things.into_iter().map(thing).collect(),
    }))
}

fn thing(thing: livery_engine::Thing) -> Thing {
    use livery_engine::{Fate as F, ThingKind as K};
    Thing {
        kind: match thing.kind {
            K::Run => ThingKind::Run,
            K::Pod => ThingKind::Pod,
            K::Volume => ThingKind::Volume,
            K::Lease => ThingKind::Lease,
            K::Supplier => ThingKind::Supplier,
        },
        id: thing.id,
        name: thing.name,
        place: thing.place,
        fate: match thing.fate {
            F::Gone => Fate::Gone,
            F::Asked => Fate::Asked,
            F::Failed => Fate::Failed,
            F::Kept => Fate::Kept,
        },
        why: thing.why,
    }
}

async fn orphans(
    State(app): State<App>,
    Query(query): Query<WhichQuery>,
) -> Result<Json<OrphanList>, Refusal> {
    let which = convert::which(query.which);
    Ok(Json(OrphanList {
        volumes: strays(app.engine.stray_list(which).await?),
        ..list(app.engine.orphan_list(which).await?)
    }))
}

async fn orphan_end(
    State(app): State<App>,
    Path(orphan): Path<String>,
) -> Result<Json<OrphanList>, Refusal> {
    match orphan.parse::<VolumeId>() {
        Ok(volume) => Ok(Json(OrphanList {
            volumes: strays(app.engine.stray_end(&volume).await?),
            ..OrphanList::default()
        })),
        Err(_) => Ok(Json(list(app.engine.orphan_end(&orphan).await?))),
    }
}

fn strays(strays: Vec<Stray>) -> Vec<StrayVolume> {
    strays.into_iter().map(Into::into).collect()
}

fn list(orphans: Vec<Orphan>) -> OrphanList {
    OrphanList {
        orphans: orphans.into_iter().map(Into::into).collect(),
        ..OrphanList::default()
    }
}
