//! Reminders: what an account is told so that nobody pays for a pod that they forgot.
//!
//! A [`Notice`] is something that was to be said, once; [`schedule`] decides when a running pod or a
//! budget gives one. A [`Channel`] is where notices are carried to beside the terminal.

mod channel;
pub mod kept;
pub mod retry;
pub mod schedule;
mod settings;
mod words;

pub use channel::{
    Channel, ChannelKind, ChannelNameError, DeliveryState, Mail, MailLogin, MailSecurity, Route,
    check_channel_name,
};
pub use settings::{ClosingLine, FIRST_MAX, FIRST_MIN, ReminderSettings, Terminal};
pub use words::for_people;

use crate::offer::words;
use livery_units::{AccountId, PodId, Timestamp};

/// Something that an account is told once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// Says what it is about; the same key again is the same notice, and is not told again.
    pub key: String,
    /// Who is told.
    pub account: AccountId,
    /// The pod that it is about, if it is about one.
    pub pod: Option<PodId>,
    /// Of which kind.
    pub kind: NoticeKind,
    /// In words for the user: what is so, and what to do about it.
    pub message: String,
    /// When it came up.
    pub at: Timestamp,
}

/// Kinds of [`Notice`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NoticeKind {
    /// A pod came up, and costs from now on.
    Started,
    /// A pod is still running.
    StillRunning,
    /// Something that does not run still costs.
    StillKept,
    /// A part of a budget or limit is used up.
    BudgetMark,
    /// The balance is low.
    LowBalance,
    /// The balance is used up, and pods were stopped.
    OutOfCredit,
    /// Volumes are about to be deleted.
    LastWarning,
    /// Nobody uses a pod.
    Idle,
    /// A policy stopped or terminated a pod.
    PolicyAction,
    /// Something exists that nobody owns, or does not exist that somebody owns.
    Orphan,
}

words!(
    NoticeKind,
    "kind of reminder",
    "started, still-running, still-kept, budget-mark, low-balance, out-of-credit, last-warning, \
     idle, policy-action, orphan",
    Started = "started",
    StillRunning = "still-running",
    StillKept = "still-kept",
    BudgetMark = "budget-mark",
    LowBalance = "low-balance",
    OutOfCredit = "out-of-credit",
    LastWarning = "last-warning",
    Idle = "idle",
    PolicyAction = "policy-action",
    Orphan = "orphan"
);

impl NoticeKind {
    /// All kinds.
    pub const ALL: [Self; 10] = [
        Self::Started,
        Self::StillRunning,
        Self::StillKept,
        Self::BudgetMark,
        Self::LowBalance,
        Self::OutOfCredit,
        Self::LastWarning,
        Self::Idle,
        Self::PolicyAction,
        Self::Orphan,
    ];

    /// Returns whether it may cost the user their data: such a notice is neither muted nor held back.
    pub const fn is_urgent(self) -> bool {
        match self {
            Self::OutOfCredit | Self::LastWarning => true,
            Self::Started | Self::StillRunning | Self::StillKept => false,
            Self::BudgetMark | Self::LowBalance => false,
            Self::Idle | Self::PolicyAction | Self::Orphan => false,
        }
    }
}
