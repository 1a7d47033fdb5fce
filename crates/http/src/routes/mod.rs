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
use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
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
    handler: MethodRouter<App>,
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
        router = router.route(route.path, route.handler.layer(check));
    }
    router
        .fallback(unknown::path)
        .method_not_allowed_fallback(unknown::method)
        .layer(from_fn(unknown::protocol))
        .with_state(app)
}

fn get<H, T>(path: &'static str, access: Access, handler: H) -> Route
where
    H: axum::handler::Handler<T, App>,
    T: 'static,
{
    let handler = axum::routing::get(handler);
    route(Method::GET, path, access, handler)
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
    Route {
        method,
        path,
        access,
        handler,
    }
}
