//! Requests that change something are done to their end, whatever becomes of their client.
//!
//! A server drops the future of a request whose connection ends. Half a change is worse than none and
//! worse than a whole one: so each such request is a task of its own, which the connection only waits
//! for. The server waits for these tasks before it ends.

use crate::error::Refusal;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use livery_api::Code;
use std::time::Duration;
use tokio_util::task::TaskTracker;

/// How long changes that are under way may take once the server is asked to end.
const GRACE: Duration = Duration::from_secs(5);

/// The changes that are under way; clones share them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Work(TaskTracker);

impl Work {
    /// Waits until no change is under way, but not for ever: what is left then is as after a crash.
    pub(crate) async fn finished(&self) {
        self.0.close();
        if tokio::time::timeout(GRACE, self.0.wait()).await.is_err() {
            let left = self.0.len();
            tracing::warn!(left, "requests under way were not waited for any longer");
        }
    }
}

/// Does a request in a task that goes on when its connection ends.
pub(crate) async fn to_its_end(State(work): State<Work>, request: Request, next: Next) -> Response {
    match work.0.spawn(next.run(request)).await {
        Ok(response) => response,
        Err(error) => {
            tracing::error!(%error, "a request was not done to its end");
            let message = "the control plane failed in the middle of the request";
            Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, Code::Internal, message)
                .hint("its log has the details; look at what there is before you try again")
                .into_response()
        }
    }
}
