//! Calls about content: which blobs the store lacks, blobs in, blobs out.

use super::{Client, full, streamed};
use crate::dto::ContentRoom;
use crate::{ByteStream, Error};
use bytes::Bytes;
use futures_util::Stream;
use http::Method;
use livery_units::ContentHash;

const HASH_BYTES: usize = 32;

const BINARY: Option<&str> = Some("application/octet-stream");

impl Client {
    /// Returns how much more the account may send.
    pub async fn content_room(&self) -> Result<ContentRoom, Error> {
        self.get("/v1/content/room").await
    }

    /// Returns which of these blobs the account has to send.
    pub async fn content_missing(&self, hashes: &[ContentHash]) -> Result<Vec<ContentHash>, Error> {
        let body = full(packed(hashes));
        let path = "/v1/content/missing";
        let response = self.send(Method::POST, path, BINARY, body).await?;
        let answer = self.collect(response).await?;
        if answer.len() % HASH_BYTES != 0 {
            return Err(Error::Nonsense {
                target: self.target().to_string(),
                why: format!("{} bytes are no list of hashes", answer.len()),
            });
        }
        let hash = |bytes: &[u8]| bytes.try_into().ok().map(ContentHash::from_bytes);
        Ok(answer.chunks_exact(HASH_BYTES).filter_map(hash).collect())
    }

    /// Sends blobs, framed as `livery-content` frames them.
    pub async fn content_put(
        &self,
        frames: impl Stream<Item = std::io::Result<Bytes>> + Send + 'static,
    ) -> Result<(), Error> {
        let path = "/v1/content/put";
        let response = self.send(Method::POST, path, BINARY, streamed(frames));
        self.answer(response.await?).await
    }

    /// Returns blobs, framed likewise, in the order asked for.
    pub async fn content_get(&self, hashes: &[ContentHash]) -> Result<ByteStream, Error> {
        let body = full(packed(hashes));
        let path = "/v1/content/get";
        let response = self.send(Method::POST, path, BINARY, body).await?;
        Ok(self.stream(response))
    }
}

/// Hashes travel as their 32 bytes each: twenty thousand of them are 640 kB.
fn packed(hashes: &[ContentHash]) -> Bytes {
    let bytes = hashes.iter().flat_map(|hash| *hash.as_bytes());
    bytes.collect::<Vec<u8>>().into()
}
