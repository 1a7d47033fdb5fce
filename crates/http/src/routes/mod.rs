//! Every route in one table: method, path, who may use it, and what it does.

mod accounts;
mod billing;
mod content;
mod market;
mod offers;
mod panic;
mod pods;
mod policy;
mod registries;
mod reminders;
mod runs;
mod system;
mod tokens;
mod unknown;
mod volumes;

use crate::App;
use crate::auth::{Access, authorise};
use crate::pace::Ongoing;
use crate::work;
use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::Response;
use axum::routing::MethodRouter;
use http::Method;

/// One route.
pub struct Route {
    /// The method.
    pub method: Method,
    /// The path, with `{names}` for its parts.
    pub path: &'static str,
    /// Who may use it.
    pub access: Access,
    /// What becomes of a request whose client goes away.
    pub fate: Fate,
    handler: MethodRouter<App>,
}

/// What becomes of a request whose client goes away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It only reads, and ends with its connection.
    Dropped,
    /// It may change something, and is done to its end.
    Finished,
    /// Somebody sits in front of it: it ends with its connection, and may be silent meanwhile.
    HungUp,
}

/// Returns every route.
pub fn all() -> Vec<Route> {
    let groups = [
        offers::routes(),
        market::routes(),
        panic::routes(),
        pods::routes(),
        policy::routes(),
        runs::routes(),
        content::routes(),
        system::routes(),
        tokens::routes(),
        volumes::routes(),
        accounts::routes(),
        billing::routes(),
        reminders::routes(),
        registries::routes(),
    ];
    groups.into_iter().flatten().collect()
}

/// Makes the router: each route behind its own access check, everything else a 404 in JSON.
pub fn router(app: App) -> Router {
    let mut router = Router::new();
    for route in all() {
        let check = from_fn_with_state((app.clone(), route.access), authorise);
        let handler = route.handler.layer(check);
        let handler = match route.fate {
            Fate::Dropped => handler,
            Fate::Finished => {
                handler.layer(from_fn_with_state(app.work().clone(), work::to_its_end))
            }
            Fate::HungUp => handler.layer(from_fn(silent)),
        };
        router = router.route(route.path, handler);
    }
    router
        .fallback(unknown::path)
        .method_not_allowed_fallback(unknown::method)
        .layer(from_fn(unknown::protocol))
        .with_state(app)
}

/// Lets both bodies of a request be silent for as long as their ends like.
pub(crate) async fn silent(request: Request, next: Next) -> Response {
    if let Some(ongoing) = request.extensions().get::<Ongoing>() {
        ongoing.at_will();
    }
    next.run(request).await
}

fn get<H, T>(path: &'static str, access: Access, handler: H) -> Route
where
    H: axum::handler::Handler<T, App>,
    T: 'static,
{
    let handler = axum::routing::get(handler);
    route(Method::GET, path, access, handler)
}

impl Route {
    /// Has it end with its connection, however long both are silent.
    fn session(self) -> Self {
        Self {
            fate: Fate::HungUp,
            ..self
        }
    }
}

fn post<H, T>(path: &'static str, access: Access, handler: H) -> Route
where
    H: axum::handler::Handler<T, App>,
    T: 'static,
{
    let handler = axum::routing::post(handler);
    route(Method::POST, path, access, handler)
}

fn put<H, T>(path: &'static str, access: Access, handler: H) -> Route
where
    H: axum::handler::Handler<T, App>,
    T: 'static,
{
    let handler = axum::routing::put(handler);
    route(Method::PUT, path, access, handler)
}

fn delete<H, T>(path: &'static str, access: Access, handler: H) -> Route
where
    H: axum::handler::Handler<T, App>,
    T: 'static,
{
    let handler = axum::routing::delete(handler);
    route(Method::DELETE, path, access, handler)
}

fn route(method: Method, path: &'static str, access: Access, handler: MethodRouter<App>) -> Route {
    let fate = if method.is_safe() {
        Fate::Dropped
    } else {
        Fate::Finished
    };
    Route {
        method,
        path,
        access,
        fate,
        handler,
    }
}
