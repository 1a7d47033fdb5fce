//! Durable commands.

use super::SharedHost;
use super::extract::{Document, Ids, Options};
use crate::dto::{SignalTask, TaskSpec, TaskStatus};
use crate::stream::{LOG_START, answer_body};
use crate::{Error, Follow};
use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::StatusCode;

pub(super) async fn start(
    State(host): State<SharedHost>,
    ids: Ids,
    Document(spec): Document<TaskSpec>,
) -> Result<Json<TaskStatus>, Error> {
    let (pod, task) = (ids.pod()?, ids.task()?);
    host.task_start(&pod, &task, &spec).await.map(Json)
}

pub(super) async fn show(
    State(host): State<SharedHost>,
    ids: Ids,
    options: Options,
) -> Result<Json<TaskStatus>, Error> {
    let wait = options.span("wait_ms")?;
    host.task(&ids.pod()?, &ids.task()?, wait).await.map(Json)
}

pub(super) async fn signal(
    State(host): State<SharedHost>,
    ids: Ids,
    Document(signal): Document<SignalTask>,
) -> Result<StatusCode, Error> {
    let (pod, task) = (ids.pod()?, ids.task()?);
    host.task_signal(&pod, &task, &signal).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn log(
    State(host): State<SharedHost>,
    ids: Ids,
    options: Options,
) -> Result<([(&'static str, String); 1], Body), Error> {
    let offset = options.number("offset")?;
    let follow = match options.word("follow") {
        Some("yes") => Follow::Yes,
        None | Some("no") => Follow::No,
        Some(other) => return Err(Error::Invalid(format!("follow=`{other}`: yes or no"))),
    };
    let log = host
        .task_log(&ids.pod()?, &ids.task()?, offset, follow)
        .await?;
    let start = [(LOG_START, log.start.to_string())];
    Ok((start, Body::new(answer_body(log.bytes))))
}
