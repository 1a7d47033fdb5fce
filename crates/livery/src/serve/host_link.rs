//! Keeps hold of a host agent in another process: finds it again whenever it comes back.

use livery_host_api::{Host, HostClient, HostDirectory, UnixConnector};
use livery_units::HostId;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How often the agent is asked how it is.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// How long a starting control plane waits for the agent, so that its first command finds a host.
const FIRST_PATIENCE: Duration = Duration::from_secs(5);

/// How often it is asked meanwhile.
const FIRST_LOOK_EVERY: Duration = Duration::from_millis(50);

/// Puts the agent into the directory once it answers, and keeps it there: a host that does not
/// answer says nothing about its pods, so it is not taken for one that is gone. Returns after the
/// first answer, or when there was none for a while; either way the link is kept.
pub async fn keep(socket: PathBuf, hosts: HostDirectory, stop: CancellationToken) {
    let mut link = Link {
        client: Arc::new(HostClient::new(UnixConnector(socket.clone()))),
        socket,
        hosts,
        known: None,
        answers: Answers::NotYet,
    };
    let first = async {
        while link.look().await == Answers::No {
            tokio::time::sleep(FIRST_LOOK_EVERY).await;
        }
    };
    // An agent that comes later is found later.
    let _ = tokio::time::timeout(FIRST_PATIENCE, first).await;
    tokio::spawn(async move {
        while !stop.is_cancelled() {
            link.look().await;
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
        }
    });
}

/// Whether the agent answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answers {
    /// It was not asked yet.
    NotYet,
    /// It did when it was last asked.
    Yes,
    /// It did not.
    No,
}

struct Link {
    client: Arc<dyn Host>,
    socket: PathBuf,
    hosts: HostDirectory,
    known: Option<HostId>,
    answers: Answers,
}

impl Link {
    /// Asks the agent how it is; changes are logged.
    async fn look(&mut self) -> Answers {
        let info = self.client.info().await;
        let (answers, trouble) = match info.map(|info| info.host_id.parse::<HostId>()) {
            Ok(Ok(id)) => {
                self.know(id);
                (Answers::Yes, None)
            }
            Ok(Err(error)) => (Answers::No, Some(error.to_string())),
            Err(error) => (Answers::No, Some(error.to_string())),
        };
        if answers != self.answers {
            let socket = self.socket.display();
            match trouble {
                None => tracing::info!(%socket, "the host agent answers"),
                Some(error) => tracing::warn!(%socket, error, "the host agent does not answer"),
            }
        }
        self.answers = answers;
        answers
    }

    fn know(&mut self, id: HostId) {
        if self.known.as_ref() == Some(&id) {
            return;
        }
        if let Some(before) = self.known.take() {
            self.hosts.remove(&before);
        }
        self.hosts.add(id.clone(), self.client.clone());
        self.known = Some(id);
    }
}
