//! What a use-case about money can answer instead of what it was asked.

use livery_domain::account::LimitBy;
use livery_units::{Money, Timestamp};

/// The least that a top-up may be.
pub const TOP_UP_MIN: Money = Money::from_nanos(10_000_000_000);

/// The most that a top-up, a limit or another amount that a user sets may be: more is a slip of the
/// finger, and books never come near the end of what money can count.
pub const AMOUNT_MAX: Money = Money::from_nanos(1_000_000 * 1_000_000_000);

/// Checks what an account is to be topped up by.
pub(crate) fn check_top_up(amount: Money) -> Result<(), CreditError> {
    if amount < TOP_UP_MIN {
        return Err(CreditError::TopUpTooSmall(amount));
    }
    if amount > AMOUNT_MAX {
        return Err(CreditError::TopUpTooLarge(amount));
    }
    Ok(())
}

/// A use-case about money failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CreditError {
    /// The account has no credit left, and only a top-up changes that.
    #[error(
        "account {account} has no credit left ({} available), so nothing of it can run",
        available.shown()
    )]
    OutOfCredit {
        /// The account's name.
        account: String,
        /// What there is.
        available: Money,
    },
    /// The account would spend more than its limit.
    #[error(
        "{} is {} a {period}: {} is spent, {} is held for what runs, and an hour of this takes {} more",
        limit_words(*.by),
        limit.shown(),
        spent.shown(),
        held.shown(),
        needed.shown()
    )]
    Limit {
        /// `day` or `month`.
        period: &'static str,
        /// The limit.
        limit: Money,
        /// Who has set it.
        by: LimitBy,
        /// What was spent in it.
        spent: Money,
        /// What is held for what runs.
        held: Money,
        /// What would come to it: an hour's price.
        needed: Money,
    },
    /// A payment of that reference was counted, and it was another amount.
    #[error("a payment `{0}` of another amount was counted for this account before")]
    PaymentDiffers(String),
    /// No account of that id or name.
    #[error("there is no account `{0}`")]
    AccountNotFound(String),
    /// There is one of that name already.
    #[error("there is an account named `{0}` already")]
    AccountExists(String),
    /// The name is none that people can use.
    #[error(
        "`{0}` cannot be the name of an account: it has 1 to 100 printable characters and does not begin with `acc_`"
    )]
    AccountName(String),
    /// Less than the least top-up.
    #[error("a top-up of {0} is too small; the least is {TOP_UP_MIN}")]
    TopUpTooSmall(Money),
    /// More than the most that a top-up may be.
    #[error("a top-up of {0} is too large; the most is {AMOUNT_MAX}")]
    TopUpTooLarge(Money),
    /// The code is of no voucher.
    #[error("that is the code of no voucher")]
    VoucherUnknown,
    /// Somebody has redeemed it.
    #[error("that voucher was redeemed already")]
    VoucherUsed {
        /// When.
        at: Timestamp,
    },
    /// Too many vouchers, or none, at a time.
    #[error("{0} vouchers cannot be made at once; it takes 1 to 1000")]
    VoucherCount(u32),
    /// The control plane's owner has not said how much the account may top itself up by.
    #[error("auto-pay is not allowed for account {account}: its monthly cap is not set")]
    AutoPayNotAllowed {
        /// The account's name.
        account: String,
    },
    /// One top-up would be more than the cap of a month.
    #[error(
        "a top-up of {} is more than the {} that auto-pay may come to in a month",
        amount.shown(),
        cap.shown()
    )]
    AutoPayAboveCap {
        /// The top-up.
        amount: Money,
        /// The cap.
        cap: Money,
    },
    /// A setting is out of range.
    #[error("{0}")]
    Setting(String),
    /// The period is none.
    #[error("{0}")]
    Period(String),
}

impl CreditError {
    /// Returns the stable code; `docs/reference/errors.md` has a section for each.
    pub fn code(&self) -> &'static str {
        match self {
            Self::OutOfCredit { .. } => "MON002",
            Self::Limit { .. } => "MON003",
            Self::AccountNotFound(_) => "MON004",
            Self::AccountExists(_) => "MON005",
            Self::AccountName(_) => "MON006",
            Self::TopUpTooSmall(_) => "MON007",
            Self::VoucherUnknown => "MON008",
            Self::VoucherUsed { .. } => "MON009",
            Self::VoucherCount(_) => "MON010",
            Self::AutoPayNotAllowed { .. } => "MON011",
            Self::AutoPayAboveCap { .. } => "MON012",
            Self::Setting(_) => "MON013",
            Self::Period(_) => "MON014",
            Self::PaymentDiffers(_) => "MON015",
            Self::TopUpTooLarge(_) => "MON016",
        }
    }

    /// Returns what the user can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::OutOfCredit { .. } => Some(
                "top it up: `livery redeem CODE`, or ask the control plane's owner for `livery \
                 account grant`",
            ),
            Self::Limit {
                by: LimitBy::User, ..
            } => Some(
                "`livery spend` shows what runs; `livery account set --limit-day` or \
                 `--limit-month` changes the limit",
            ),
            Self::Limit {
                by: LimitBy::Owner, ..
            } => Some(
                "`livery spend` shows what runs; ask the control plane's owner for `livery account \
                 set ACCOUNT --limit-day` or `--limit-month`",
            ),
            Self::AccountNotFound(_) => Some("`livery account list` lists every account"),
            Self::AccountExists(_) => Some("choose another name"),
            Self::PaymentDiffers(_) => Some(
                "`livery bill --account ACCOUNT` shows it; another payment has another reference",
            ),
            Self::VoucherUnknown => Some("check it for slips of the pen; dashes do not matter"),
            Self::VoucherUsed { .. } => Some("`livery bill` shows the top-ups of this account"),
            Self::AutoPayNotAllowed { .. } => Some(
                "ask the control plane's owner for `livery account set ACCOUNT --auto-pay-cap \
                 AMOUNT`",
            ),
            Self::AutoPayAboveCap { .. } => Some("choose a smaller amount, or have the cap raised"),
            Self::TopUpTooLarge(_) => Some("top it up in parts"),
            Self::TopUpTooSmall(_) | Self::VoucherCount(_) | Self::AccountName(_) => None,
            Self::Setting(_) | Self::Period(_) => None,
        }
    }
}

/// Says whose limit it is.
pub(crate) fn limit_words(by: LimitBy) -> &'static str {
    match by {
        LimitBy::User => "the limit",
        LimitBy::Owner => "the limit that the control plane's owner has set",
    }
}
