//! Vouchers: codes that top an account up once. Whoever has the code has the money, so only its hash
//! is kept.

use super::error::{CreditError, check_top_up};
use crate::error::Error;
use crate::services::Services;
use livery_store::{Error as StoreError, Redeemed, Voucher};
use livery_units::{AccountId, ContentHash, Money, Secret};

/// Crockford's base 32: no `I`, `L`, `O` or `U`, so codes can be read aloud.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// A code has four groups of five characters: 100 bits.
const GROUPS: usize = 4;
const GROUP_CHARS: usize = 5;

const COUNT_MAX: u32 = 1_000;

/// A voucher that was made, with its code: the only time that it is known.
#[derive(Debug, Clone)]
pub struct NewVoucher {
    /// The code.
    pub code: Secret<String>,
    /// The voucher as it is kept.
    pub voucher: Voucher,
}

/// Makes vouchers of the same worth.
pub(crate) async fn create(
    services: &Services,
    amount: Money,
    count: u32,
    label: &str,
) -> Result<Vec<NewVoucher>, Error> {
    check_top_up(amount)?;
    if count == 0 || count > COUNT_MAX {
        return Err(CreditError::VoucherCount(count).into());
    }
    let created = services.now();
    let made: Vec<NewVoucher> = (0..count)
        .map(|_| {
            let code = draw();
            let voucher = Voucher {
                hash: hash(&code),
                amount,
                label: label.to_owned(),
                created,
                redeemed: None,
            };
            let code = Secret::new(code);
            NewVoucher { code, voucher }
        })
        .collect();
    let kept: Vec<Voucher> = made.iter().map(|new| new.voucher.clone()).collect();
    services.store.voucher_insert(&kept).await?;
    Ok(made)
}

/// Redeems a code for an account; returns what it was worth.
pub(crate) async fn redeem(
    services: &Services,
    account: &AccountId,
    code: &Secret<String>,
) -> Result<Money, Error> {
    let now = services.now();
    let store = &services.store;
    match store
        .voucher_redeem(hash(code.expose()), account, now)
        .await
    {
        Ok(Redeemed::Now(amount)) => {
            tracing::info!(account.id = %account, %amount, "a voucher was redeemed");
            services.board.credit.notify_one();
            Ok(amount)
        }
        Ok(Redeemed::Before(at)) => Err(CreditError::VoucherUsed { at }.into()),
        Err(StoreError::NotFound) => Err(CreditError::VoucherUnknown.into()),
        Err(error) => Err(error.into()),
    }
}

fn draw() -> String {
    let entropy: u128 = rand::random();
    let character = |index: usize| {
        let five_bits = (entropy >> (index * 5)) & 31;
        char::from(ALPHABET[five_bits as usize])
    };
    let groups = (0..GROUPS).map(|group| {
        let first = group * GROUP_CHARS;
        (first..first + GROUP_CHARS)
            .map(character)
            .collect::<String>()
    });
    groups.collect::<Vec<_>>().join("-")
}

/// Hashes a code as it was meant: dashes, spaces and case do not matter, nor what looks alike.
fn hash(code: &str) -> ContentHash {
    let meant = code.chars().filter_map(|c| match c.to_ascii_uppercase() {
        'O' => Some('0'),
        'I' | 'L' => Some('1'),
        c if c.is_ascii_alphanumeric() => Some(c),
        '-' | ' ' | '\t' | '\n' | '\r' => None,
        other => Some(other),
    });
    let meant: String = meant.collect();
    livery_content::hash_bytes(format!("voucher {meant}").as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_of_the_alphabet_and_never_the_same() {
        let codes: std::collections::BTreeSet<String> = (0..1_000).map(|_| draw()).collect();
        assert_eq!(codes.len(), 1_000);
        for code in codes {
            let groups: Vec<&str> = code.split('-').collect();
            assert!(groups.iter().all(|g| g.len() == GROUP_CHARS), "{code}");
            assert_eq!(groups.len(), GROUPS);
        }
    }

    #[test]
    fn a_code_may_be_written_as_people_write() {
        let code = "01Q2K-9M3XT-A0B1C-7Z8Y1";
        for written in [
            "01q2k9m3xta0b1c7z8y1",
            " oiq2k 9m3xt aob1c 7z8yL\n",
            "OLQ2K-9M3XT-AOBIC-7Z8YI",
        ] {
            assert_eq!(hash(written), hash(code), "{written}");
        }
        assert_ne!(hash("01Q2K-9M3XT-A0B1C-7Z8Y2"), hash(code));
    }
}
