//! From settings to a client that is answered: starts this machine's control plane when needed.

use crate::closing;
use crate::config::{self, ConfigFile};
use crate::serve::background;
use crate::settings::{Settings, Start};
use crate::ui::warn;
use livery_api::{Client, Error, Target};

/// Returns a client of the control plane that the settings name. Without one, it is this machine's
/// own, which is started when nobody answers.
pub async fn client(settings: &Settings) -> anyhow::Result<Client> {
    let client = answered(settings).await?;
    closing::remember(&client);
    Ok(client)
}

async fn answered(settings: &Settings) -> anyhow::Result<Client> {
    if let Some(server) = &settings.server {
        return Ok(Client::new(server.clone(), settings.token.clone()));
    }
    let client = own(settings);
    match client.version().await {
        Ok(_) => {
            warn_of_settings(settings);
            Ok(client)
        }
        Err(Error::NoServer { .. }) if settings.start == Start::WhenNeeded => {
            background::start(settings, background::Asked::ByAnotherCommand).await?;
            Ok(client)
        }
        Err(error) => Err(error.into()),
    }
}

/// Says at once that the control plane could not be started again, rather than once it has to be.
fn warn_of_settings(settings: &Settings) {
    let Err(error) = ConfigFile::read(&settings.place.data_dir) else {
        return;
    };
    if !config::is_hidden(&error) {
        warn("the control plane that runs cannot be started again as it is:");
        crate::failure::report(&error);
    }
}

/// Has a command that needs no control plane end with what is running, if one answers.
pub fn close_with_existing(settings: &Settings) {
    closing::remember(&existing(settings));
}

/// Returns a client of this machine's own control plane, whether or not there is one.
pub fn own(settings: &Settings) -> Client {
    Client::new(Target::Unix(settings.place.socket.clone()), None)
}

/// Returns a client of the control plane that the settings name, without starting one.
pub fn existing(settings: &Settings) -> Client {
    match &settings.server {
        Some(server) => Client::new(server.clone(), settings.token.clone()),
        None => own(settings),
    }
}
