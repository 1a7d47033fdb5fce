//! Calls about the server itself.

use super::{Client, part};
use crate::Error;
use crate::dto::{
    Health, Ledger, NewToken, Shutdown, TaskList, TokenCreated, TokenList, TokenRevoked,
    TokenRotation, Version,
};

impl Client {
    /// Returns what answers; fails when it speaks another version of the API.
    pub async fn version(&self) -> Result<Version, Error> {
        self.get("/v1/version").await
    }

    /// Returns how the control plane is.
    pub async fn health(&self) -> Result<Health, Error> {
        self.get("/v1/health").await
    }

    /// Returns the background tasks with their last activations.
    pub async fn tasks(&self) -> Result<TaskList, Error> {
        self.get("/v1/tasks").await
    }

    /// Has the whole ledger checked; fails when its books do not balance.
    pub async fn ledger(&self) -> Result<Ledger, Error> {
        self.get("/v1/ledger").await
    }

    /// Ends the control plane, which must be on this machine; pods go on.
    pub async fn shutdown(&self) -> Result<Shutdown, Error> {
        self.post("/v1/shutdown").await
    }

    /// Makes a token.
    pub async fn token_create(&self, token: &NewToken) -> Result<TokenCreated, Error> {
        self.post_json("/v1/tokens", token).await
    }

    /// Returns the tokens.
    pub async fn tokens(&self) -> Result<TokenList, Error> {
        self.get("/v1/tokens").await
    }

    /// Ends a token, and returns how many others its account has.
    pub async fn token_revoke(&self, token: &str) -> Result<TokenRevoked, Error> {
        self.delete(&format!("/v1/tokens/{}", part(token))).await
    }

    /// Makes a new token in an old one's place.
    pub async fn token_rotate(
        &self,
        token: &str,
        rotation: &TokenRotation,
    ) -> Result<TokenCreated, Error> {
        let path = format!("/v1/tokens/{}/rotate", part(token));
        self.post_json(&path, rotation).await
    }
}
