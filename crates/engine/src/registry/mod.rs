//! Logins at registries, and which of them travels with a pod.

mod docker;

use crate::engine::Engine;
use crate::error::Error;
use crate::services::Services;
use livery_domain::registry::{BadRegistry, Credentials, RegistryLogin, RegistryName};
use livery_store::{Account, Credit, Error as StoreError};
use livery_units::AccountId;

/// The most logins that an account may have.
const LOGINS_MAX: usize = 100;

impl Engine {
    /// Keeps who an account is to a registry, in place of what was kept for it; pods that are made
    /// from now on pull with it.
    ///
    /// # Errors
    /// [`Error::Registry`] when the credentials cannot be used, or there are too many.
    pub async fn registry_login(
        &self,
        account: &AccountId,
        registry: RegistryName,
        credentials: &Credentials,
    ) -> Result<RegistryLogin, Error> {
        credentials.check().map_err(bad)?;
        let services = &self.services;
        let known = services.store.registry_login_list(account).await?;
        let is_new = !known.iter().any(|login| login.registry == registry);
        if is_new && known.len() >= LOGINS_MAX {
            return Err(Error::Registry(format!(
                "an account has at most {LOGINS_MAX} logins: log out of a registry first"
            )));
        }
        let login = RegistryLogin {
            account: account.clone(),
            registry,
            username: credentials.username.clone(),
            created: services.now(),
        };
        let password = &credentials.password;
        services.store.registry_login_set(&login, password).await?;
        Ok(login)
    }

    /// Returns an account's logins, by registry; passwords are never returned.
    pub async fn registry_logins(&self, account: &AccountId) -> Result<Vec<RegistryLogin>, Error> {
        Ok(self.services.store.registry_login_list(account).await?)
    }

    /// Forgets who an account is to a registry; images that are on a host already stay there.
    ///
    /// # Errors
    /// [`Error::LoginNotFound`] when it has not logged in there.
    pub async fn registry_logout(
        &self,
        account: &AccountId,
        registry: &RegistryName,
    ) -> Result<(), Error> {
        let store = &self.services.store;
        match store.registry_login_remove(account, registry).await {
            Err(StoreError::NotFound) => Err(Error::LoginNotFound(registry.to_string())),
            removed => Ok(removed?),
        }
    }
}

/// Returns who an account is to the registry of an image: by its login there, and for the owner also
/// as Docker on the control plane's machine knows them.
///
/// # Errors
/// [`Error::DockerConfig`] when Docker's file is there and cannot be used.
pub(crate) async fn credentials_for(
    services: &Services,
    account: &Account,
    image: &str,
) -> Result<Option<Credentials>, Error> {
    let Some(registry) = RegistryName::of_image(image) else {
        return Ok(None);
    };
    let known = services.store.registry_credentials(&account.id, &registry);
    match (known.await?, account.credit, &services.docker_config) {
        (Some(known), _, _) => Ok(Some(known)),
        (None, Credit::Owner, Some(path)) => docker::look_up(path, &registry).await,
        (None, Credit::Owner | Credit::Prepaid, _) => Ok(None),
    }
}

fn bad(why: BadRegistry) -> Error {
    Error::Registry(why.to_string())
}
