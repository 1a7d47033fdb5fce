//! Streams both ways at once: interactive commands and ports.
//!
//! The answer begins before the request's body has ended: HTTP/2 carries both independently.

use super::SharedHost;
use super::extract::{Ids, parse_document};
use crate::Error;
use crate::dto::ExecSpec;
use crate::stream::{answer_body, body_stream, split_preamble};
use axum::body::Body;
use axum::extract::State;

pub(super) async fn exec(
    State(host): State<SharedHost>,
    ids: Ids,
    body: Body,
) -> Result<Body, Error> {
    let (document, input) = split_preamble(body_stream(body)).await?;
    let spec: ExecSpec = parse_document(&document)?;
    let output = host.exec(&ids.pod()?, &spec, input).await?;
    Ok(Body::new(answer_body(output)))
}

pub(super) async fn forward(
    State(host): State<SharedHost>,
    ids: Ids,
    body: Body,
) -> Result<Body, Error> {
    let (pod, port) = (ids.pod()?, ids.port()?);
    let output = host.forward(&pod, port, body_stream(body)).await?;
    Ok(Body::new(answer_body(output)))
}
