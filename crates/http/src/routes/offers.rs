//! `/v1/offers`, and how offers stand to a job.

use super::{Route, get, post};
use crate::App;
use crate::auth::{Access, Acting};
use crate::body::{Json, Query};
use crate::convert;
use crate::error::Refusal;
use axum::extract::State;
use livery_api::dto::{Misfit, Offer, OfferQuery, OfferSort, Offers, Submission};
use livery_units::Bytes;
use std::cmp::Reverse;

pub(super) fn routes() -> Vec<Route> {
    vec![
        get("/v1/offers", Access::Account, list),
        post("/v1/explain", Access::Account, explain),
    ]
}

async fn list(
    State(app): State<App>,
    _: Acting,
    Query(query): Query<OfferQuery>,
) -> Result<Json<Offers>, Refusal> {
    let need = convert::offer_need(&query)?;
    let search = super::market::search(query.filter.as_deref(), query.order.as_deref())?;
    let sought = app.engine.seek(&need, &search).await?;
    let mut offers = convert::ranking(sought.ranking);
    if search.order.is_none() {
        sort(&mut offers.offers, query.sort);
    }
    let unmatched = sought.unmatched.into_iter().map(|offer| Misfit {
        offer: offer.into(),
        why: "the filter does not hold for it".to_owned(),
    });
    offers.misfits.splice(0..0, unmatched);
    offers.untold = convert::untold(sought.untold);
    Ok(Json(offers))
}

/// The engine's own order is by price; sorts are stable, so equals stay in that order.
fn sort(offers: &mut [Offer], by: OfferSort) {
    let vram = |offer: &Offer| offer.gpus.as_ref().map_or(Bytes::ZERO, |gpus| gpus.vram);
    match by {
        OfferSort::Price => {}
        OfferSort::Vram => offers.sort_by_key(|offer| Reverse(vram(offer))),
        OfferSort::Memory => offers.sort_by_key(|offer| Reverse(offer.memory)),
        OfferSort::Vcpu => offers.sort_by_key(|offer| Reverse(offer.vcpu_milli)),
    }
}

async fn explain(
    State(app): State<App>,
    Acting(account): Acting,
    Json(submission): Json<Submission>,
) -> Result<Json<Offers>, Refusal> {
    let submission = convert::submission(submission)?;
    let explained = app.engine.explain(&account, &submission).await?;
    Ok(Json(convert::ranking(explained.ranking)))
}
