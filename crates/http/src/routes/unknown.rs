//! What is no route, and callers that speak another version.

use super::all;
use crate::error::Refusal;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, Method, StatusCode, Uri};
use livery_api::{Code, PROTOCOL, PROTOCOL_HEADER};

/// Answers for a path that leads nowhere, with the paths near it.
pub(super) async fn path(uri: Uri) -> Refusal {
    let message = format!("there is nothing at {}", uri.path());
    let near = near(uri.path()).join(", ");
    Refusal::new(StatusCode::NOT_FOUND, Code::UnknownPath, &message)
        .hint(&format!("there is: {near}"))
}

/// Answers for a method that a path does not have, with those that it has.
pub(super) async fn method(method: Method, uri: Uri) -> Refusal {
    let message = format!("{} does not take {method}", uri.path());
    let near = near(uri.path()).join(", ");
    Refusal::new(
        StatusCode::METHOD_NOT_ALLOWED,
        Code::UnknownMethod,
        &message,
    )
    .hint(&format!("there is: {near}"))
}

/// Refuses a caller of another version, and says in every answer which version this is.
pub(super) async fn protocol(request: Request, next: Next) -> Response {
    let said = request.headers().get(PROTOCOL_HEADER);
    let said = said.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    let mut response = match said {
        Some(version) if version != PROTOCOL.to_string() => {
            let message = format!(
                "the caller speaks version {version} of Livery's API, and this control plane \
                 speaks version {PROTOCOL}"
            );
            Refusal::new(StatusCode::BAD_REQUEST, Code::OtherProtocol, &message)
                .hint("use the `livery` that started this control plane")
                .into_response()
        }
        // Who says nothing, such as `curl`, knows what they are doing.
        Some(_) | None => next.run(request).await,
    };
    let headers = response.headers_mut();
    headers.insert(PROTOCOL_HEADER, HeaderValue::from(PROTOCOL));
    response
}

/// Returns the routes whose path shares the most leading parts with this one.
fn near(path: &str) -> Vec<String> {
    let shared = |route: &str| {
        let pairs = route.split('/').zip(path.split('/'));
        pairs
            .take_while(|(ours, theirs)| ours == theirs || ours.starts_with('{'))
            .count()
    };
    let routes = all();
    let most = routes
        .iter()
        .map(|route| shared(route.path))
        .max()
        .unwrap_or(0);
    let nearest = routes.iter().filter(|route| shared(route.path) == most);
    nearest
        .map(|route| format!("{} {}", route.method, route.path))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_paths_are_named() {
        let found = near("/v1/tokens/abc/x");
        let rotate = "POST /v1/tokens/{token}/rotate";
        assert_eq!(found, ["DELETE /v1/tokens/{token}", rotate]);
        assert!(near("/").contains(&"GET /v1/pods".to_owned()));
    }
}
