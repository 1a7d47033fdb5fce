//! The job's own output on standard output.

use super::patience::Patience;
use crate::ui::warn;
use futures_util::StreamExt;
use livery_api::Client;
use livery_api::dto::LogQuery;
use livery_units::Bytes;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::sync::watch;

/// How long what is said about the job waits for the job's own last words.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// Tells whether the job's output has been printed to its end.
pub struct LogEnd(watch::Receiver<bool>);

impl LogEnd {
    /// Makes it together with what says so.
    pub fn channel() -> (watch::Sender<bool>, Self) {
        let (sender, receiver) = watch::channel(false);
        (sender, Self(receiver))
    }

    /// Waits for the end of the output, but not for long: a job that is being stopped may go on
    /// talking, and a broken log has no end.
    pub async fn soon(&mut self) {
        let ended = self.0.wait_for(|ended| *ended);
        // Either way, what is to be said next is said.
        drop(tokio::time::timeout(LAST_WORDS, ended).await);
    }
}

/// How far a log is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// What there is now.
    Now,
    /// To the job's last output.
    Over,
}

/// Prints a run's log.
pub async fn print(client: &Client, run: &str, until: Until) -> anyhow::Result<()> {
    print_patiently(client, run, until, &mut Patience::only_waiting()).await
}

/// Prints a run's log and goes on at the same byte after a broken connection.
pub async fn print_patiently(
    client: &Client,
    run: &str,
    until: Until,
    patience: &mut Patience<'_>,
) -> anyhow::Result<()> {
    let mut stdout = tokio::io::stdout();
    let mut offset = 0;
    let follow = until == Until::Over;
    'connect: loop {
        let mut log = match client.run_log(run, LogQuery { offset, follow }).await {
            Ok(log) => log,
            Err(error) => {
                patience.after(error).await?;
                continue;
            }
        };
        if log.start > offset {
            let cut = Bytes::new(log.start - offset);
            warn(&format!(
                "{cut} of the output are no longer kept and were left out here"
            ));
            offset = log.start;
        }
        let before = offset;
        while let Some(piece) = log.bytes.next().await {
            match piece {
                Ok(bytes) => {
                    patience.answered();
                    stdout.write_all(&bytes).await?;
                    stdout.flush().await?;
                    offset += bytes.len() as u64;
                }
                Err(error) => {
                    patience.after(error).await?;
                    continue 'connect;
                }
            }
        }
        // It may have ended because what follows was cut.
        if offset == before {
            return Ok(());
        }
    }
}
