//! Typed ids: a short prefix that says what the thing is, then 16 characters of entropy.

use crate::Timestamp;
use std::fmt;
use std::str::FromStr;

/// Why a text is not an id of the wanted kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a {kind} id (expected `{prefix}` and then letters, digits, `-` or `_`)")]
pub struct ParseIdError {
    text: String,
    kind: &'static str,
    prefix: &'static str,
}

/// Crockford's base 32 in lower case: no `i`, `l`, `o` or `u`, so ids can be read aloud.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// Length of the part after the prefix, in characters (5 bits each, 80 bits in all).
const ENTROPY_CHARS: usize = 16;

/// Longest part after the prefix that is accepted, so that an id always fits a file name, a cgroup
/// name and a column.
const MAX_CHARS: usize = 64;

fn encode(prefix: &str, entropy: u128) -> String {
    let mut text = String::with_capacity(prefix.len() + ENTROPY_CHARS);
    text.push_str(prefix);
    let mut rest = entropy;
    for _ in 0..ENTROPY_CHARS {
        text.push(char::from(ALPHABET[(rest & 31) as usize]));
        rest >>= 5;
    }
    text
}

/// Length of the time in an id that has one, in characters: seconds for a thousand years.
const TIME_CHARS: u32 = 7;

/// The time comes first and its largest digit before the others, so that ids sort by it.
fn encode_at(prefix: &str, at: Timestamp, entropy: u128) -> String {
    let secs = at.millis().div_euclid(1_000).unsigned_abs();
    let digit = |place: u32| ALPHABET[(secs >> (5 * place) & 31) as usize];
    let time: String = (0..TIME_CHARS)
        .rev()
        .map(|p| char::from(digit(p)))
        .collect();
    encode(&format!("{prefix}{time}"), entropy)
}

fn check(prefix: &'static str, kind: &'static str, text: &str) -> Result<(), ParseIdError> {
    let fits = text.strip_prefix(prefix).is_some_and(|rest| {
        !rest.is_empty()
            && rest.len() <= MAX_CHARS
            && rest
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    });
    if fits {
        Ok(())
    } else {
        Err(ParseIdError {
            text: text.to_owned(),
            kind,
            prefix,
        })
    }
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal, $kind:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// Makes an id from entropy that the caller drew; the low 80 bits are used.
            pub fn from_entropy(entropy: u128) -> Self {
                Self(encode($prefix, entropy))
            }

            /// Makes an id that sorts after those of earlier seconds: an index of many such ids grows
            /// at its end. The low 80 bits of the entropy are used.
            pub fn from_entropy_at(at: Timestamp, entropy: u128) -> Self {
                Self(encode_at($prefix, at, entropy))
            }

            /// Returns the id as text, with its prefix.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;

            fn from_str(text: &str) -> Result<Self, ParseIdError> {
                check($prefix, $kind, text)?;
                Ok(Self(text.to_owned()))
            }
        }
    )*};
}

ids! {
    /// Who pays.
    AccountId = "acc_", "account";
    /// One worker's time-limited hold on a row; two claims are never equal.
    ClaimToken = "claim_", "claim";
    /// A machine of ours that runs pods.
    HostId = "host_", "host";
    /// Written before a supplier is called and carried by the foreign resource, so that `list`
    /// finds what a crash left behind.
    LaunchKey = "key_", "launch key";
    /// One stretch of something used at one rate, from when it began until it ended.
    MeterId = "mtr_", "meter";
    /// Something rentable; stable while the offer stands.
    OfferId = "offer_", "offer";
    /// One of several control planes on a database; it keeps its id when it is started again.
    PlaneId = "plane_", "control plane";
    /// A user's container with its disks.
    PodId = "pod_", "pod";
    /// One job file taken through the eight steps.
    RunId = "run_", "run";
    /// A durable command inside a pod.
    TaskId = "task_", "task";
    /// One movement of money; posting the same id twice changes nothing.
    TransferId = "tr_", "transfer";
    /// A network volume: storage that outlives pods.
    VolumeId = "vol_", "volume";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_survive_a_round_trip() {
        let id = PodId::from_entropy(0x1234_5678_9abc_def0_1234);
        assert_eq!(id.as_str().len(), "pod_".len() + ENTROPY_CHARS);
        assert_eq!(id.as_str().parse::<PodId>().unwrap(), id);
    }

    #[test]
    fn ids_with_a_time_sort_by_it() {
        let of = |secs: i64, entropy| {
            let at = Timestamp::from_millis(secs * 1_000 + 999);
            RunId::from_entropy_at(at, entropy)
        };
        let seconds = [0, 1, 31, 32, 1_700_000_000, 1_700_000_001, 30_000_000_000];
        let ids: Vec<RunId> = seconds.iter().map(|secs| of(*secs, u128::MAX)).collect();
        assert!(ids.is_sorted() && ids.windows(2).all(|pair| pair[0] != pair[1]));
        assert_eq!(ids[0].as_str().parse::<RunId>().unwrap(), ids[0]);
        assert_ne!(of(5, 1), of(5, 2));
    }

    #[test]
    fn another_kind_and_odd_characters_are_refused() {
        for text in ["run_0123", "pod_", "pod_a/b", "pod_..", "pod_a b", ""] {
            assert!(text.parse::<PodId>().is_err(), "{text}");
        }
        assert!(format!("pod_{}", "a".repeat(65)).parse::<PodId>().is_err());
    }

    #[test]
    fn different_entropy_gives_different_ids() {
        assert_ne!(RunId::from_entropy(1), RunId::from_entropy(2));
    }
}
