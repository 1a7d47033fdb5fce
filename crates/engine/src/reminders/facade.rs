//! What of reminders the engine offers.

use super::closing::{Closing, closing};
use super::reach;
use crate::engine::Engine;
use crate::error::Error;
use livery_domain::reminder::{
    Channel, FIRST_MAX, FIRST_MIN, ReminderSettings, Route, check_channel_name,
};
use livery_notify::Letter;
use livery_store::{Error as StoreError, NoticeRow};
use livery_units::AccountId;

/// The most channels that an account may have: each notice goes to all of them.
const CHANNELS_MAX: usize = 20;

impl Engine {
    /// Returns an account's notices, the newest first, each with how its deliveries stand.
    pub async fn reminder_list(
        &self,
        account: &AccountId,
        limit: u32,
    ) -> Result<Vec<NoticeRow>, Error> {
        Ok(self.services.store.notice_list(account, limit).await?)
    }

    /// Returns what a command of an account's user ends with.
    pub async fn closing(&self, account: &AccountId) -> Result<Closing, Error> {
        closing(&self.services, account).await
    }

    /// Takes in that a command has shown notices.
    pub async fn reminder_shown(&self, account: &AccountId, keys: &[String]) -> Result<(), Error> {
        let services = &self.services;
        let now = services.now();
        Ok(services.store.notice_shown(account, keys, now).await?)
    }

    /// Returns what an account's owner has settled about reminders.
    pub async fn reminder_settings(&self, account: &AccountId) -> Result<ReminderSettings, Error> {
        Ok(self.services.store.reminder_settings(account).await?)
    }

    /// Replaces what an account's owner has settled about reminders.
    ///
    /// # Errors
    /// [`Error::Notify`] when a setting is out of bounds.
    pub async fn reminder_settle(
        &self,
        account: &AccountId,
        settings: &ReminderSettings,
    ) -> Result<(), Error> {
        if !(FIRST_MIN..=FIRST_MAX).contains(&settings.first) {
            let why = format!("the first reminder comes after {FIRST_MIN} to {FIRST_MAX}");
            return Err(invalid(why));
        }
        if let Some(kind) = settings.muted.iter().find(|kind| kind.is_urgent()) {
            let why = format!("`{kind}` cannot be muted: it is told when data is about to be lost");
            return Err(invalid(why));
        }
        let store = &self.services.store;
        store.reminder_settings_set(account, settings).await?;
        // What is due by the new settings is told now.
        self.services.board.reminders.notify_one();
        Ok(())
    }

    /// Returns an account's channels, by name.
    pub async fn channel_list(&self, account: &AccountId) -> Result<Vec<Channel>, Error> {
        Ok(self.services.store.channel_list(account).await?)
    }

    /// Adds a channel; notices that come from now on go there too.
    ///
    /// # Errors
    /// [`Error::Notify`] when its settings make no sense or the account may not send there,
    /// [`Error::ChannelExists`] when there is one of that name.
    pub async fn channel_add(
        &self,
        account: &AccountId,
        name: &str,
        route: Route,
    ) -> Result<Channel, Error> {
        let services = &self.services;
        check_channel_name(name).map_err(|error| invalid(error.to_string()))?;
        livery_notify::check(&route, reach(services, account).await?)?;
        if services.store.channel_list(account).await?.len() >= CHANNELS_MAX {
            let why = format!("an account has at most {CHANNELS_MAX} channels: remove one first");
            return Err(invalid(why));
        }
        let channel = Channel {
            account: account.clone(),
            name: name.to_owned(),
            route,
            created: services.now(),
        };
        match services.store.channel_add(&channel).await {
            Ok(()) => Ok(channel),
            Err(StoreError::Exists) => Err(Error::ChannelExists(name.to_owned())),
            Err(error) => Err(error.into()),
        }
    }

    /// Removes a channel; what was still to be delivered there is not delivered any more.
    ///
    /// # Errors
    /// [`Error::ChannelNotFound`] when there is none of that name.
    pub async fn channel_remove(&self, account: &AccountId, name: &str) -> Result<(), Error> {
        let removed = self.services.store.channel_remove(account, name).await;
        removed.map_err(|error| not_found(error, name))
    }

    /// Sends a test to a channel now, and returns what the receiver answered.
    ///
    /// # Errors
    /// [`Error::Notify`] with why it was not taken, [`Error::ChannelNotFound`] when there is none of
    /// that name.
    pub async fn channel_test(&self, account: &AccountId, name: &str) -> Result<String, Error> {
        let services = &self.services;
        let channel = services.store.channel_fetch(account, name).await;
        let channel = channel.map_err(|error| not_found(error, name))?;
        let now = services.now();
        let reach = reach(services, account).await?;
        let letter = Letter::test(name, now);
        Ok(livery_notify::send(&channel.route, &letter, reach, now).await?)
    }
}

fn invalid(why: String) -> Error {
    livery_notify::Error::Invalid(why).into()
}

fn not_found(error: StoreError, name: &str) -> Error {
    match error {
        StoreError::NotFound => Error::ChannelNotFound(name.to_owned()),
        error => error.into(),
    }
}
