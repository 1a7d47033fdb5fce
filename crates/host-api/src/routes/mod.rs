//! The host API's routes: one function per method of [`Host`].

mod content;
mod extract;
mod pods;
mod sessions;
mod tasks;
mod volumes;

use crate::dto::Hello;
use crate::{Error, Host, PROTOCOL};
use axum::Json;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use std::sync::Arc;

type SharedHost = Arc<dyn Host>;

/// Makes the router over a host.
pub(crate) fn router(host: SharedHost) -> Router {
    let tasks = Router::new()
        .route("/{task}", put(tasks::start).get(tasks::show))
        .route("/{task}/signal", post(tasks::signal))
        .route("/{task}/log", get(tasks::log));
    let pod = Router::new()
        .route("/", put(pods::create).get(pods::show).delete(pods::remove))
        .route("/stop", post(pods::stop))
        .route("/start", post(pods::start))
        .route("/stats", get(pods::stats))
        .route("/probe", post(pods::probe))
        .route("/exec", post(sessions::exec))
        .route("/ports/{port}", post(sessions::forward))
        .route("/tree", post(content::tree_apply))
        .route("/collect", post(content::tree_collect))
        .nest("/tasks", tasks);
    let volume = Router::new()
        .route(
            "/",
            put(volumes::create)
                .get(volumes::show)
                .delete(volumes::delete),
        )
        .route("/size", put(volumes::resize));
    let content = Router::new()
        .route("/missing", post(content::missing))
        .route("/blobs", put(content::put).post(content::get))
        .route("/keep", post(content::keep));
    let api = Router::new()
        .route("/info", get(pods::info))
        .route("/pods", get(pods::list))
        .route("/activity", get(pods::activity))
        .nest("/pods/{pod}", pod)
        .route("/volumes", get(volumes::list))
        .nest("/volumes/{volume}", volume)
        .nest("/content", content);
    Router::new()
        .route("/hello", get(hello))
        .nest("/v1", api)
        .fallback(unknown)
        // Bodies are streams or are limited where they are read whole.
        .layer(DefaultBodyLimit::disable())
        .with_state(host)
}

/// Says which version is spoken; asked before anything else, so it never changes.
async fn hello() -> Json<Hello> {
    Json(Hello {
        protocol: PROTOCOL,
        version: env!("CARGO_PKG_VERSION").to_owned(),
    })
}

async fn unknown(uri: axum::http::Uri) -> Error {
    Error::Invalid(format!("the host API has nothing at {}", uri.path()))
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let status = match &self {
            Self::NotFound(_) => StatusCode::NOT_FOUND,
            Self::NoCapacity(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Invalid(_) => StatusCode::BAD_REQUEST,
            Self::Image(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::WrongState(_) => StatusCode::CONFLICT,
            Self::DiskFull(_) => StatusCode::INSUFFICIENT_STORAGE,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Unreachable(_) => StatusCode::BAD_GATEWAY,
        };
        (status, Json(self.to_failure())).into_response()
    }
}
