//! Logins at registries: who an account is to them. The password is kept for the hosts that pull,
//! and leaves only with a pod that needs it.

use crate::error::{Error, Result};
use crate::pool::Store;
use crate::row::Columns;
use livery_domain::registry::{Credentials, RegistryLogin, RegistryName};
use livery_units::{AccountId, Secret};
use sqlx::any::AnyRow;

impl Store {
    /// Keeps a login in place of an older one for the same registry, whose password is overwritten.
    ///
    /// # Errors
    /// [`Error::Refused`] when there is no such account.
    pub async fn registry_login_set(
        &self,
        login: &RegistryLogin,
        password: &Secret<String>,
    ) -> Result<()> {
        sqlx::query(
            "INSERT INTO registry_logins (account_id, registry, username, password, created)
             VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (account_id, registry) DO UPDATE SET
                username = excluded.username, password = excluded.password,
                created = excluded.created",
        )
        .bind(login.account.as_str())
        .bind(login.registry.as_str())
        .bind(login.username.as_str())
        .bind(password.expose().as_str())
        .bind(login.created.millis())
        .execute(self.write())
        .await?;
        self.fold_log().await
    }

    /// Returns an account's logins, by registry.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn registry_login_list(&self, account: &AccountId) -> Result<Vec<RegistryLogin>> {
        let rows = sqlx::query(
            "SELECT account_id, registry, username, created FROM registry_logins
             WHERE account_id = $1 ORDER BY registry",
        )
        .bind(account.as_str())
        .fetch_all(self.read())
        .await?;
        rows.iter().map(login).collect()
    }

    /// Returns who an account is to a registry, with the password, if it has logged in there.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn registry_credentials(
        &self,
        account: &AccountId,
        registry: &RegistryName,
    ) -> Result<Option<Credentials>> {
        let row = sqlx::query(
            "SELECT username, password FROM registry_logins
             WHERE account_id = $1 AND registry = $2",
        )
        .bind(account.as_str())
        .bind(registry.as_str())
        .fetch_optional(self.read())
        .await?;
        let credentials = |row| {
            let columns = Columns(row);
            Ok(Credentials {
                username: columns.text("username")?,
                password: Secret::new(columns.text("password")?),
            })
        };
        row.as_ref().map(credentials).transpose()
    }

    /// Forgets a login; on SQLite its place in the file is overwritten too.
    ///
    /// # Errors
    /// [`Error::NotFound`] when the account has none for that registry.
    pub async fn registry_login_remove(
        &self,
        account: &AccountId,
        registry: &RegistryName,
    ) -> Result<()> {
        let done =
            sqlx::query("DELETE FROM registry_logins WHERE account_id = $1 AND registry = $2")
                .bind(account.as_str())
                .bind(registry.as_str())
                .execute(self.write())
                .await?;
        match done.rows_affected() {
            0 => Err(Error::NotFound),
            _ => self.fold_log().await,
        }
    }
}

fn login(row: &AnyRow) -> Result<RegistryLogin> {
    let columns = Columns(row);
    Ok(RegistryLogin {
        account: columns.parsed("account_id")?,
        registry: columns.parsed("registry")?,
        username: columns.text("username")?,
        created: columns.time("created")?,
    })
}
