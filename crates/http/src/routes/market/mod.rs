//! `/v1/gpus`, `/v1/market`, `/v1/compare`, `/v1/estimate` and `/v1/catalogue`: prices of everybody.

mod advice;
mod convert;

use super::{Route, delete, get, post, put};
use crate::App;
use crate::auth::{Access, Acting};
use crate::body::{Json, Query};
use crate::error::Refusal;
use axum::body::Body;
use axum::extract::State;
use livery_api::dto;
use livery_catalogue::{BUNDLE_BYTES_MAX, Bundle};
use livery_engine::{Error, MarketError, Search};
use livery_units::Span;

pub(super) fn routes() -> Vec<Route> {
    vec![
        get("/v1/gpus", Access::Account, gpus),
        get("/v1/market", Access::Account, rows),
        post("/v1/compare", Access::Account, compare),
        post("/v1/estimate", Access::Account, estimate),
        post("/v1/advise", Access::Account, advise),
        post("/v1/forecast", Access::Account, forecast),
        get("/v1/catalogue", Access::Account, catalogue),
        get("/v1/catalogue/bundle", Access::Account, bundle),
        put("/v1/catalogue", Access::Owner, replace),
        delete("/v1/catalogue", Access::Owner, reset),
    ]
}

async fn gpus(State(app): State<App>, _: Acting) -> Result<Json<dto::GpuList>, Refusal> {
    let gpus = app.engine.gpus().await?;
    let gpus = gpus.into_iter().map(convert::gpu).collect();
    Ok(Json(dto::GpuList { gpus }))
}

async fn rows(
    State(app): State<App>,
    _: Acting,
    Query(query): Query<dto::MarketQuery>,
) -> Result<Json<dto::MarketRows>, Refusal> {
    let search = search(query.filter.as_deref(), query.order.as_deref())?;
    let market = app.engine.market().await?;
    let entries = app.engine.browse(&market, &search);
    let rows = entries.iter().map(|entry| convert::row(&market, entry));
    Ok(Json(dto::MarketRows {
        rows: rows.collect(),
        untold: crate::convert::untold(app.engine.untold(&market, &search)),
    }))
}

/// Reads a filter and an order.
pub(super) fn search(filter: Option<&str>, order: Option<&str>) -> Result<Search, Refusal> {
    Ok(Search::parse(filter, order).map_err(Error::from)?)
}

async fn compare(
    State(app): State<App>,
    _: Acting,
    Json(question): Json<dto::Inquiry>,
) -> Result<Json<dto::Answer>, Refusal> {
    if question.gpus.is_empty() {
        return Err(Refusal::bad_request("gpus: name at least one to compare"));
    }
    answer(&app, question).await
}

async fn estimate(
    State(app): State<App>,
    _: Acting,
    Json(question): Json<dto::Inquiry>,
) -> Result<Json<dto::Answer>, Refusal> {
    answer(&app, question).await
}

async fn answer(app: &App, question: dto::Inquiry) -> Result<Json<dto::Answer>, Refusal> {
    let market = app.engine.market().await?;
    let inquiry = convert::inquiry(&app.engine, &market, question)?;
    let answer = app.engine.inquire(&market, &inquiry)?;
    Ok(Json(convert::answer(&market, answer)))
}

async fn advise(
    State(app): State<App>,
    _: Acting,
    Json(question): Json<dto::AdviceQuestion>,
) -> Result<Json<dto::Advice>, Refusal> {
    let market = app.engine.market().await?;
    let (task, machine) = advice::question(&market, question)?;
    let advised = app.engine.advise(&market, &task, &machine);
    Ok(Json(advice::answer(&market, advised)))
}

async fn forecast(
    State(app): State<App>,
    Acting(account): Acting,
    Json(question): Json<dto::ForecastQuestion>,
) -> Result<Json<Option<dto::Forecast>>, Refusal> {
    let submission = crate::convert::submission(question.job)?;
    let expected = question.expected_ms.map(Span::from_millis);
    let forecast = app.engine.forecast(&account, &submission, expected).await?;
    Ok(Json(forecast.map(|forecast| dto::Forecast {
        words: forecast.to_string(),
        storage_hourly: forecast.storage_hourly,
        time_ms: forecast.time.map(Span::millis),
        total: forecast.total,
        offer: forecast.offer.into(),
    })))
}

async fn catalogue(State(app): State<App>, _: Acting) -> Result<Json<dto::Catalogue>, Refusal> {
    let catalogue = app.engine.catalogue().await?;
    Ok(Json(convert::catalogue(&catalogue, app.engine.now())))
}

async fn bundle(State(app): State<App>, _: Acting) -> Result<String, Refusal> {
    Ok(app.engine.catalogue().await?.bundle.text().to_owned())
}

async fn replace(
    State(app): State<App>,
    _: Acting,
    Query(query): Query<dto::BundleQuery>,
    body: Body,
) -> Result<Json<dto::Catalogue>, Refusal> {
    let rejected =
        |why: livery_catalogue::Error| Refusal::from(Error::from(MarketError::from(why)));
    let checksum = query.sha256.parse().map_err(rejected)?;
    let bytes = axum::body::to_bytes(body, BUNDLE_BYTES_MAX).await;
    let bytes = bytes.map_err(|why| {
        let message = format!("a bundle has {BUNDLE_BYTES_MAX} bytes at most: {why}");
        Refusal::unreadable(http::StatusCode::PAYLOAD_TOO_LARGE, &message)
    })?;
    let bundle = Bundle::new(bytes.to_vec()).map_err(rejected)?;
    let replaced = app.engine.catalogue_replace(bundle, checksum).await?;
    tracing::info!(sha256 = %replaced.checksum, "the catalogue was replaced");
    Ok(Json(convert::catalogue(&replaced, app.engine.now())))
}

async fn reset(State(app): State<App>, _: Acting) -> Result<Json<dto::Catalogue>, Refusal> {
    let catalogue = app.engine.catalogue_reset().await?;
    tracing::info!("the catalogue is the built-in one again");
    Ok(Json(convert::catalogue(&catalogue, app.engine.now())))
}
