//! Calls about prices.

use super::{Client, empty, full, query};
use crate::Error;
use crate::dto::{
    Advice, AdviceQuestion, Answer, BundleQuery, Catalogue, Forecast, ForecastQuestion, GpuList,
    Inquiry, MarketQuery, MarketRows,
};
use bytes::Bytes;
use http::Method;

impl Client {
    /// Returns every type of GPU, with who has it.
    pub async fn gpus(&self) -> Result<GpuList, Error> {
        self.get("/v1/gpus").await
    }

    /// Returns offers and catalogue rows of everybody.
    pub async fn market(&self, question: &MarketQuery) -> Result<MarketRows, Error> {
        self.get(&query("/v1/market", question)).await
    }

    /// Returns what work costs with every provider that has those GPUs.
    pub async fn compare(&self, question: &Inquiry) -> Result<Answer, Error> {
        self.post_json("/v1/compare", question).await
    }

    /// Returns what a job, or work on any one GPU, costs with every provider.
    pub async fn estimate(&self, question: &Inquiry) -> Result<Answer, Error> {
        self.post_json("/v1/estimate", question).await
    }

    /// Says whether a machine will do for a training, and who has the cheapest that will.
    pub async fn advise(&self, question: &AdviceQuestion) -> Result<Advice, Error> {
        self.post_json("/v1/advise", question).await
    }

    /// Returns what a job will cost on the best offer there is; none when no offer fits.
    pub async fn forecast(&self, question: &ForecastQuestion) -> Result<Option<Forecast>, Error> {
        self.post_json("/v1/forecast", question).await
    }

    /// Returns the catalogue in short.
    pub async fn catalogue(&self) -> Result<Catalogue, Error> {
        self.get("/v1/catalogue").await
    }

    /// Returns the catalogue's bundle: one TOML text.
    pub async fn catalogue_bundle(&self) -> Result<Bytes, Error> {
        let path = "/v1/catalogue/bundle";
        let response = self.send(Method::GET, path, None, empty()).await?;
        self.collect(response).await
    }

    /// Puts a bundle in the catalogue's place.
    pub async fn catalogue_replace(
        &self,
        bundle: Vec<u8>,
        sha256: String,
    ) -> Result<Catalogue, Error> {
        let path = query("/v1/catalogue", &BundleQuery { sha256 });
        let kind = Some("application/toml");
        let response = self.send(Method::PUT, &path, kind, full(bundle.into()));
        self.answer(response.await?).await
    }

    /// Goes back to the built-in catalogue.
    pub async fn catalogue_reset(&self) -> Result<Catalogue, Error> {
        self.delete("/v1/catalogue").await
    }
}
