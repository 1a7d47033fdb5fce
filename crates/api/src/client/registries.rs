//! Calls about logins at registries.

use super::{Client, part};
use crate::Error;
use crate::dto::{NewRegistryLogin, RegistryLogin, RegistryLoginList};

impl Client {
    /// Keeps a login, in place of an older one at the same registry.
    pub async fn registry_login(&self, login: &NewRegistryLogin) -> Result<RegistryLogin, Error> {
        self.post_json("/v1/registries", login).await
    }

    /// Returns the logins, without passwords.
    pub async fn registry_logins(&self) -> Result<RegistryLoginList, Error> {
        self.get("/v1/registries").await
    }

    /// Forgets a login.
    pub async fn registry_logout(&self, registry: &str) -> Result<(), Error> {
        self.delete(&format!("/v1/registries/{}", part(registry)))
            .await
    }
}
