//! Keeps hold of a host agent in another process: finds it again whenever it comes back.

use livery_host_api::{Host, HostClient, HostDirectory, UnixConnector};
use livery_units::HostId;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How often the agent is asked how it is.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Puts the agent into the directory once it answers, and keeps it there: a host that does not
/// answer says nothing about its pods, so it is not taken for one that is gone.
pub async fn keep(socket: PathBuf, hosts: HostDirectory, stop: CancellationToken) {
    let client: Arc<dyn Host> = Arc::new(HostClient::new(UnixConnector(socket.clone())));
    let mut known: Option<HostId> = None;
    let mut answered = true;
    while !stop.is_cancelled() {
        match client
            .info()
            .await
            .map(|info| info.host_id.parse::<HostId>())
        {
            Ok(Ok(id)) => {
                if !answered || known.is_none() {
                    tracing::info!(host.id = %id, "the host agent answers");
                }
                answered = true;
                if known.as_ref() != Some(&id) {
                    known.take().map(|before| hosts.remove(&before));
                    hosts.add(id.clone(), client.clone());
                    known = Some(id);
                }
            }
            Ok(Err(error)) => tracing::warn!(%error, "the host agent's id makes no sense"),
            Err(error) => {
                if answered {
                    let socket = socket.display();
                    tracing::warn!(%error, %socket, "the host agent does not answer");
                }
                answered = false;
            }
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
    }
}
