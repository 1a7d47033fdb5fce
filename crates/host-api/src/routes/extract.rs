//! Reads ids, documents and waiting times out of requests, with our own errors.

use crate::Error;
use axum::body::Body;
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::request::Parts;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use livery_units::{PodId, Span, TaskId, VolumeId};
use serde::de::DeserializeOwned;
use std::collections::HashMap;
use std::str::FromStr;

/// Longest document: the names of a million blobs fit.
const DOCUMENT_BYTES_MAX: usize = 72 << 20;

/// All named parts of the path.
pub(super) struct Ids(HashMap<String, String>);

impl Ids {
    /// Returns the pod that the request is about.
    pub fn pod(&self) -> Result<PodId, Error> {
        part(&self.0, "pod")
    }

    /// Returns the task that the request is about.
    pub fn task(&self) -> Result<TaskId, Error> {
        part(&self.0, "task")
    }

    /// Returns the network volume that the request is about.
    pub fn volume(&self) -> Result<VolumeId, Error> {
        part(&self.0, "volume")
    }

    /// Returns the port that the request is about.
    pub fn port(&self) -> Result<u16, Error> {
        part(&self.0, "port")
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Ids {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        let Path(map) = Path::from_request_parts(parts, state)
            .await
            .map_err(|error| Error::Invalid(error.to_string()))?;
        Ok(Self(map))
    }
}

/// A document in JSON.
pub(super) struct Document<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Document<T> {
    type Rejection = Error;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Error> {
        read_document(request.into_body()).await.map(Self)
    }
}

async fn read_document<T: DeserializeOwned>(body: Body) -> Result<T, Error> {
    let whole = Limited::new(body, DOCUMENT_BYTES_MAX).collect().await;
    let whole = whole.map_err(|error| {
        if error.is::<LengthLimitError>() {
            Error::Invalid(format!("the request is over {DOCUMENT_BYTES_MAX} bytes"))
        } else {
            Error::Unreachable(format!("the request broke off: {error}"))
        }
    })?;
    parse_document(&whole.to_bytes())
}

/// Reads a document that came before a stream or as a whole body.
pub(super) fn parse_document<T: DeserializeOwned>(text: &[u8]) -> Result<T, Error> {
    serde_json::from_slice(text)
        .map_err(|error| Error::Invalid(format!("the request cannot be read: {error}")))
}

/// Numbers and words behind the path.
pub(super) struct Options(HashMap<String, String>);

impl Options {
    /// Returns a time in milliseconds; none counts as zero.
    pub fn span(&self, name: &'static str) -> Result<Span, Error> {
        self.number(name).map(Span::from_millis)
    }

    /// Returns a number; none counts as zero.
    pub fn number(&self, name: &'static str) -> Result<u64, Error> {
        if self.0.contains_key(name) {
            part(&self.0, name)
        } else {
            Ok(0)
        }
    }

    /// Returns whether a word is given.
    pub fn word(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Options {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        let Query(map) = Query::from_request_parts(parts, state)
            .await
            .map_err(|error| Error::Invalid(error.to_string()))?;
        Ok(Self(map))
    }
}

/// One named part of the path, parsed.
fn part<T: FromStr<Err: std::fmt::Display>>(
    parts: &HashMap<String, String>,
    name: &'static str,
) -> Result<T, Error> {
    let text = parts.get(name).map(String::as_str).unwrap_or_default();
    text.parse()
        .map_err(|error| Error::Invalid(format!("{name} `{text}`: {error}")))
}
