//! What a server sends after its headers, read within bounds.

use crate::Error;
use crate::client::Idle;
use crate::connection::{Sender, broken};
use crate::url::Origin;
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Incoming};
use std::sync::Arc;
use std::time::Duration;

/// The longest silence within an answer.
const SILENCE_MAX: Duration = Duration::from_secs(60);

/// How long an answer that is taken whole may take.
const WHOLE_MAX: Duration = Duration::from_secs(120);

/// An answer's body. Once it was read to its end, its connection is used again.
#[derive(Debug)]
pub struct Body {
    incoming: Incoming,
    /// What the next request may be sent on.
    connection: Option<(Arc<Idle>, Origin, Sender)>,
}

impl Body {
    pub(crate) fn new(incoming: Incoming, idle: Arc<Idle>, origin: Origin, sender: Sender) -> Self {
        Self {
            incoming,
            connection: Some((idle, origin, sender)),
        }
    }

    /// Returns the next part; nothing at its end.
    ///
    /// # Errors
    /// [`Error::Unreachable`] when it breaks off or nothing comes for a minute.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, Error> {
        loop {
            let frame = tokio::time::timeout(SILENCE_MAX, self.incoming.frame()).await;
            let frame = frame.map_err(|_| {
                let secs = SILENCE_MAX.as_secs();
                Error::Unreachable(format!("the server sent nothing for {secs} s"))
            })?;
            match frame {
                None => {
                    if let Some((idle, origin, sender)) = self.connection.take() {
                        idle.put(origin, sender);
                    }
                    return Ok(None);
                }
                Some(Err(error)) => return Err(broken(&error)),
                Some(Ok(frame)) => {
                    if let Ok(chunk) = frame.into_data() {
                        return Ok(Some(chunk));
                    }
                }
            }
        }
    }

    /// Takes all of it into memory.
    ///
    /// # Errors
    /// [`Error::TooLarge`] as soon as it turns out to have more than `most` bytes;
    /// [`Error::Unreachable`] when it breaks off or takes longer than two minutes.
    pub async fn whole(self, most: usize) -> Result<Bytes, Error> {
        let reading = self.read(most);
        tokio::time::timeout(WHOLE_MAX, reading)
            .await
            .map_err(|_| {
                let secs = WHOLE_MAX.as_secs();
                Error::Unreachable(format!("the answer took longer than {secs} s"))
            })?
    }

    /// Returns as much of its beginning as comes in a time, at most `most` bytes: for showing it.
    pub async fn beginning(mut self, most: usize, within: Duration) -> Bytes {
        let mut bytes = BytesMut::new();
        let reading = async {
            while bytes.len() < most
                && let Ok(Some(chunk)) = self.chunk().await
            {
                bytes.extend_from_slice(&chunk[..chunk.len().min(most - bytes.len())]);
            }
        };
        // What came in time is shown.
        let _ = tokio::time::timeout(within, reading).await;
        bytes.freeze()
    }

    async fn read(mut self, most: usize) -> Result<Bytes, Error> {
        if self.incoming.size_hint().lower() > most as u64 {
            return Err(Error::TooLarge { most });
        }
        let mut bytes = BytesMut::new();
        while let Some(chunk) = self.chunk().await? {
            if chunk.len() > most - bytes.len() {
                return Err(Error::TooLarge { most });
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes.freeze())
    }
}
