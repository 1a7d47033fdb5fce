//! What is carried.

use livery_domain::reminder::{Notice, NoticeKind};
use livery_units::{Day, Timestamp};
use sha2::{Digest, Sha256};

/// A notice as it is carried to a channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// The same on every try, so that a receiver can tell a repetition.
    pub id: String,
    /// The kind of the notice, or `test`.
    pub kind: String,
    /// What it is about, in a few words.
    pub title: String,
    /// What there is to say.
    pub message: String,
    /// The pod that it is about, if it is about one.
    pub pod: Option<String>,
    /// When it came up.
    pub at: Timestamp,
    /// How much it matters.
    pub weight: Weight,
}

/// How much a letter matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Weight {
    /// Good to know.
    Normal,
    /// Money is spent that may not have been meant to.
    High,
    /// Data may be lost.
    Urgent,
}

impl Letter {
    /// Makes the letter that carries a notice.
    pub fn of(notice: &Notice) -> Self {
        let id = format!("{} {}", notice.account, notice.key);
        Self {
            id: id_of(&id),
            kind: notice.kind.to_string(),
            title: title(notice.kind).to_owned(),
            message: notice.message.clone(),
            pod: notice.pod.as_ref().map(ToString::to_string),
            at: notice.at,
            weight: weight(notice.kind),
        }
    }

    /// Makes a letter that only shows that a channel works.
    pub fn test(channel: &str, at: Timestamp) -> Self {
        Self {
            id: id_of(&format!("test {channel} {}", at.millis())),
            kind: "test".to_owned(),
            title: "Livery: a test".to_owned(),
            message: format!("channel {channel} works: reminders of running pods will come here"),
            pod: None,
            at,
            weight: Weight::Normal,
        }
    }

    /// Returns when it came up, as RFC 3339 has it.
    pub fn time(&self) -> String {
        let day = Day::of(self.at);
        let (hour, minute, second) = self.at.time_of_day();
        format!("{day}T{hour:02}:{minute:02}:{second:02}Z")
    }
}

/// Bytes of the hash that are in an id: enough that two never meet.
const ID_BYTES: usize = 16;

/// Hashes what a letter is for: keys may contain what headers cannot carry.
fn id_of(text: &str) -> String {
    let hash = Sha256::digest(text.as_bytes());
    let hex: Vec<String> = hash
        .iter()
        .take(ID_BYTES)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("ntc_{}", hex.concat())
}

const fn title(kind: NoticeKind) -> &'static str {
    match kind {
        NoticeKind::Started => "Livery: a pod is running",
        NoticeKind::StillRunning => "Livery: a pod is still running",
        NoticeKind::StillKept => "Livery: something is still kept and costs",
        NoticeKind::BudgetMark => "Livery: a budget is being used up",
        NoticeKind::LowBalance => "Livery: the balance is low",
        NoticeKind::OutOfCredit => "Livery: the balance is used up",
        NoticeKind::LastWarning => "Livery: volumes are about to be deleted",
        NoticeKind::Idle => "Livery: nobody uses a pod",
        NoticeKind::PolicyAction => "Livery: a pod was ended by its policy",
        NoticeKind::Orphan => "Livery: something has no owner",
    }
}

const fn weight(kind: NoticeKind) -> Weight {
    match kind {
        NoticeKind::Started | NoticeKind::StillRunning | NoticeKind::StillKept => Weight::Normal,
        NoticeKind::PolicyAction => Weight::Normal,
        NoticeKind::BudgetMark | NoticeKind::LowBalance => Weight::High,
        NoticeKind::Idle | NoticeKind::Orphan => Weight::High,
        NoticeKind::OutOfCredit | NoticeKind::LastWarning => Weight::Urgent,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use livery_units::AccountId;

    fn notice(account: u128, key: &str) -> Notice {
        Notice {
            key: key.to_owned(),
            account: AccountId::from_entropy(account),
            pod: None,
            kind: NoticeKind::Idle,
            message: "m".to_owned(),
            at: Timestamp::from_millis(1_748_781_005_999),
        }
    }

    #[test]
    fn a_letter_has_the_same_id_on_every_try_and_no_other_letter_has_it() {
        let id = |account, key| Letter::of(&notice(account, key)).id;
        assert_eq!(id(1, "a"), id(1, "a"));
        assert_ne!(id(1, "a"), id(2, "a"));
        assert_ne!(id(1, "a"), id(1, "b"));
        let fits = |c: char| c.is_ascii_alphanumeric() || c == '_';
        assert!(id(1, "ä/\n").chars().all(fits));
        assert_eq!(id(1, "a").len(), 36);
    }

    #[test]
    fn times_are_written_as_rfc_3339_has_it() {
        assert_eq!(Letter::of(&notice(1, "a")).time(), "2025-06-01T12:30:05Z");
    }
}
