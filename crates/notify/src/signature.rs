//! Signs what a webhook gets, as the Standard Webhooks specification has it, so that receivers can
//! use its libraries: HMAC-SHA256 over id, time and body.

use crate::Error;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use livery_units::Secret;
use sha2::Sha256;

/// The key of the signatures.
pub(crate) struct Key(Vec<u8>);

/// How a key begins that is written in base 64; any other text is the key itself.
const PREFIX: &str = "whsec_";

/// Shorter keys could be guessed.
const KEY_BYTES_MIN: usize = 16;

impl Key {
    /// Reads a key.
    pub(crate) fn parse(secret: &Secret<String>) -> Result<Self, Error> {
        let text = secret.expose().trim();
        let key = match text.strip_prefix(PREFIX) {
            None => text.as_bytes().to_vec(),
            Some(encoded) => STANDARD.decode(encoded).map_err(|_| {
                Error::Invalid(format!(
                    "the secret begins with {PREFIX} and goes on with no base 64"
                ))
            })?,
        };
        if key.len() < KEY_BYTES_MIN {
            let why = format!("the secret is too short: use {KEY_BYTES_MIN} characters or more");
            return Err(Error::Invalid(why));
        }
        Ok(Self(key))
    }

    /// Returns the header that proves who sent a body.
    pub(crate) fn sign(&self, id: &str, unix_secs: i64, body: &[u8]) -> Result<String, Error> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0)
            .map_err(|error| Error::Invalid(format!("the secret cannot be used: {error}")))?;
        mac.update(format!("{id}.{unix_secs}.").as_bytes());
        mac.update(body);
        Ok(format!(
            "v1,{}",
            STANDARD.encode(mac.finalize().into_bytes())
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification's reference libraries.
    #[test]
    fn signatures_are_those_of_the_specification() {
        let key = Key::parse(&Secret::new(
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".to_owned(),
        ));
        let signature = key
            .unwrap()
            .sign(
                "msg_p5jXN8AQM9LWM0D4loKWxJek",
                1_614_265_330,
                br#"{"test": 2432232314}"#,
            )
            .unwrap();
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn weak_and_broken_keys_are_refused_without_repeating_them() {
        for secret in ["", "short-secret", "whsec_secret!", "whsec_c2VjcmV0"] {
            let error = Key::parse(&Secret::new(secret.to_owned())).err().unwrap();
            assert_eq!(error.code(), "NTC001", "{secret}");
            assert!(
                secret.is_empty() || !error.to_string().contains(secret),
                "{error}"
            );
        }
    }
}
