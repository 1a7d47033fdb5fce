//! Calls about reminders and channels.

use super::{Client, part};
use crate::Error;
use crate::dto::{
    Channel, ChannelList, ChannelTested, Closing, NewChannel, ReminderList, ReminderQuery,
    ReminderSettings, Shown,
};

impl Client {
    /// Returns the newest reminders, each with how its deliveries stand.
    pub async fn reminders(&self, query: &ReminderQuery) -> Result<ReminderList, Error> {
        self.get(&format!("/v1/reminders?limit={}", query.limit))
            .await
    }

    /// Says that reminders were shown.
    pub async fn reminders_shown(&self, shown: &Shown) -> Result<(), Error> {
        self.post_json("/v1/reminders/shown", shown).await
    }

    /// Returns what a command ends with.
    pub async fn closing(&self) -> Result<Closing, Error> {
        self.get("/v1/closing").await
    }

    /// Returns the settings of reminders.
    pub async fn reminder_settings(&self) -> Result<ReminderSettings, Error> {
        self.get("/v1/reminders/settings").await
    }

    /// Replaces the settings of reminders, and returns them.
    pub async fn reminder_settle(
        &self,
        settings: &ReminderSettings,
    ) -> Result<ReminderSettings, Error> {
        self.post_json("/v1/reminders/settings", settings).await
    }

    /// Returns the channels.
    pub async fn channels(&self) -> Result<ChannelList, Error> {
        self.get("/v1/channels").await
    }

    /// Adds a channel.
    pub async fn channel_add(&self, channel: &NewChannel) -> Result<Channel, Error> {
        self.post_json("/v1/channels", channel).await
    }

    /// Removes a channel.
    pub async fn channel_remove(&self, name: &str) -> Result<(), Error> {
        self.delete(&format!("/v1/channels/{}", part(name))).await
    }

    /// Sends a test to a channel now, and returns what came of it.
    pub async fn channel_test(&self, name: &str) -> Result<ChannelTested, Error> {
        self.post(&format!("/v1/channels/{}/test", part(name)))
            .await
    }
}
