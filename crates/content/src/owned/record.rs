//! A list of blobs on disk: a magic, then records of `[hash 32][length 4][last used 8][came 1][check 4]`.
//!
//! The check is the beginning of the record's own hash. Reading stops at the first record that does
//! not fit it: only the end of a list can be torn, for it is only ever written at its end or anew.

use livery_units::ContentHash;

use crate::hash_bytes;

pub(super) const MAGIC: &[u8; 8] = b"LVOWN1\n\0";
const BODY_LEN: usize = 32 + 4 + 8 + 1;
const CHECK_LEN: usize = 4;
pub(super) const RECORD_LEN: usize = BODY_LEN + CHECK_LEN;

/// How a blob became an account's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Came {
    /// The account sent it.
    Sent,
    /// It came home from a pod of the account.
    Home,
}

/// What is known of a blob that an account owns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Held {
    /// Its length before compression.
    pub(super) len: u32,
    /// When it was last used, in seconds since 1970.
    pub(super) used_secs: u64,
    pub(super) came: Came,
}

/// Adds a record to the bytes of a list.
pub(super) fn write(list: &mut Vec<u8>, hash: &ContentHash, held: &Held) {
    let start = list.len();
    list.extend_from_slice(hash.as_bytes());
    list.extend_from_slice(&held.len.to_le_bytes());
    list.extend_from_slice(&held.used_secs.to_le_bytes());
    list.push(match held.came {
        Came::Sent => 0,
        Came::Home => 1,
    });
    let check = hash_bytes(&list[start..]);
    list.extend_from_slice(&check.as_bytes()[..CHECK_LEN]);
}

/// Reads the records of a list, the older before the newer, up to what is torn.
pub(super) fn read(list: &[u8]) -> impl Iterator<Item = (ContentHash, Held)> {
    let records = list.strip_prefix(MAGIC).unwrap_or_default();
    let (records, _torn) = records.as_chunks::<RECORD_LEN>();
    records.iter().map_while(parse)
}

fn parse(record: &[u8; RECORD_LEN]) -> Option<(ContentHash, Held)> {
    let (body, check) = record.split_first_chunk::<BODY_LEN>()?;
    if hash_bytes(body).as_bytes()[..CHECK_LEN] != *check {
        return None;
    }
    let (hash, rest) = body.split_first_chunk::<32>()?;
    let (len, rest) = rest.split_first_chunk::<4>()?;
    let (used, rest) = rest.split_first_chunk::<8>()?;
    let held = Held {
        len: u32::from_le_bytes(*len),
        used_secs: u64::from_le_bytes(*used),
        came: match rest {
            [0] => Came::Sent,
            [1] => Came::Home,
            _ => return None,
        },
    };
    Some((ContentHash::from_bytes(*hash), held))
}
