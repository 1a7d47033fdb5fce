//! `/v1/pods/{pod}/policy`

use super::{Route, get, put};
use crate::App;
use crate::auth::{Access, Acting};
use crate::body::{Json, Path};
use crate::error::Refusal;
use axum::extract::State;
use livery_api::dto::{self, Policy, PolicyView};

pub(super) fn routes() -> Vec<Route> {
    vec![
        get("/v1/pods/{pod}/policy", Access::Account, show),
        put("/v1/pods/{pod}/policy", Access::Account, replace),
    ]
}

type Answer = Result<Json<PolicyView>, Refusal>;

async fn show(State(app): State<App>, Acting(account): Acting, Path(pod): Path<String>) -> Answer {
    Ok(Json(view(app.engine.pod_policy(&account, &pod).await?)))
}

async fn replace(
    State(app): State<App>,
    Acting(account): Acting,
    Path(pod): Path<String>,
    Json(policy): Json<Policy>,
) -> Answer {
    let set = app.engine.pod_policy_set(&account, &pod, policy.into());
    Ok(Json(view(set.await?)))
}

/// Says pods with since when they are idle.
pub(super) async fn with_idle(
    app: &App,
    pods: Vec<livery_domain::pod::Pod>,
) -> Result<Vec<dto::Pod>, Refusal> {
    let idle = app.engine.pod_idle_since(&pods).await?;
    let said = pods.into_iter().map(dto::Pod::from).map(|pod| dto::Pod {
        idle_since: idle.get(&pod.id).copied(),
        ..pod
    });
    Ok(said.collect())
}

fn view(view: livery_engine::PolicyView) -> PolicyView {
    PolicyView {
        policy: view.pod.policy.into(),
        accounts_idle: view.accounts_idle.map(dto::Idle::from),
        idle: view.activity.map(dto::IdleFor::from),
        so_far: view.so_far,
        coming: view.coming.into_iter().map(dto::Coming::from).collect(),
    }
}
