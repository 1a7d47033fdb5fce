//! Accounts: making them, topping them up, and what is settled for them.

use super::error::{AMOUNT_MAX, CreditError, check_top_up};
use crate::error::Error;
use crate::services::{Services, fresh};
use livery_domain::account::{AccountSettings, AutoPay};
use livery_domain::pod::IdlePolicy;
use livery_ledger::top_up;
use livery_store::{AccountStand, Credit, Error as StoreError, Posted};
use livery_units::{AccountId, Bytes, Money, Span, text};

/// The longest name of an account, in characters.
const NAME_CHARS_MAX: usize = 100;

/// The longest that a grace period may be.
const GRACE_MAX: Span = Span::from_secs(366 * 86_400);

/// How often a change is made anew when somebody else settles something at the same time.
const ATTEMPTS_MAX: u32 = 100;

/// What is to be settled for an account; what is not given stays as it is.
///
/// A limit that the account's user sets is its own; one that the control plane's owner sets for another
/// account is one that its user cannot lift. The lower of both holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SettingsChange {
    /// The most per day; none within for no limit.
    pub limit_day: Option<Option<Money>>,
    /// The most per month; none within for no limit.
    pub limit_month: Option<Option<Money>>,
    /// Below which balance its user is warned; none within for never.
    pub low_balance: Option<Option<Money>>,
    /// How long volumes are kept without credit; the control plane's owner decides.
    pub grace: Option<Span>,
    /// Whether it tops itself up.
    pub auto_pay: Option<AutoPay>,
    /// The most that auto-pay may come to in a month, none within for no auto-pay; the control
    /// plane's owner decides.
    pub auto_pay_cap: Option<Option<Money>>,
    /// For pods that have no idle policy of their own; none within for none.
    pub idle: Option<Option<IdlePolicy>>,
    /// The most bytes of files that it may keep at the control plane, none within for no limit; the
    /// control plane's owner decides.
    pub content_quota: Option<Option<Bytes>>,
}

/// Who settles something for an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Authority {
    /// The owner of the control plane.
    Owner,
    /// The account's own user.
    User,
}

/// Finds an account by its id or its name.
pub(crate) async fn find(services: &Services, id_or_name: &str) -> Result<AccountStand, Error> {
    let store = &services.store;
    if let Ok(id) = id_or_name.parse::<AccountId>() {
        match store.account_stand(&id).await {
            Ok(stand) => return Ok(stand),
            Err(StoreError::NotFound) => {}
            Err(error) => return Err(error.into()),
        }
    }
    match store.account_stand_named(id_or_name).await {
        Ok(stand) => Ok(stand),
        Err(StoreError::NotFound) => {
            Err(CreditError::AccountNotFound(id_or_name.to_owned()).into())
        }
        Err(error) => Err(error.into()),
    }
}

/// Makes a prepaid account.
pub(crate) async fn create(services: &Services, name: &str) -> Result<AccountStand, Error> {
    let name = name.trim();
    let printable = text::refuse_control(name).is_ok();
    let long = name.chars().count();
    if !printable || long == 0 || long > NAME_CHARS_MAX || name.starts_with("acc_") {
        return Err(CreditError::AccountName(name.to_owned()).into());
    }
    let id = fresh::account();
    let store = &services.store;
    match store.account_ensure(&id, name, services.now()).await {
        Ok(()) => Ok(store.account_stand(&id).await?),
        Err(StoreError::Exists) => Err(CreditError::AccountExists(name.to_owned()).into()),
        Err(error) => Err(error.into()),
    }
}

/// Tops an account up; the same payment again, by its reference, changes nothing. What the owner
/// grants is never taken for what an account pays itself, whatever it is called.
pub(crate) async fn grant(
    services: &Services,
    account: &AccountId,
    amount: Money,
    reference: &str,
) -> Result<Posted, Error> {
    check_top_up(amount)?;
    let words = format!("granted: {reference}");
    let transfer = top_up(account, amount, &words, services.now());
    let posted = match services.store.account_top_up(&transfer).await {
        Err(StoreError::Exists) => {
            return Err(CreditError::PaymentDiffers(reference.to_owned()).into());
        }
        posted => posted?,
    };
    match posted {
        Posted::New => {
            tracing::info!(account.id = %account, %amount, "an account was topped up");
            services.board.credit.notify_one();
        }
        Posted::Replayed => {}
    }
    Ok(posted)
}

/// Changes what is settled for an account. Of two that change it at once, the later one changes what
/// the first has made of it.
pub(crate) async fn settle(
    services: &Services,
    account: &AccountId,
    change: &SettingsChange,
    authority: Authority,
) -> Result<AccountStand, Error> {
    check_authority(change, authority)?;
    check_amounts(change)?;
    let store = &services.store;
    for _ in 0..ATTEMPTS_MAX {
        let stand = store.account_stand(account).await?;
        let (settings, cap) = settled(&stand, change, authority)?;
        if settings != stand.settings || cap != stand.auto_pay_cap {
            match store.account_settle(&stand, &settings, cap).await {
                Ok(()) => {}
                Err(StoreError::Stale) => continue,
                Err(error) => return Err(error.into()),
            }
        }
        services.board.credit.notify_one();
        return Ok(store.account_stand(account).await?);
    }
    let words = "others changed the same account at the same time, again and again";
    Err(Error::Store(words.to_owned()))
}

/// Returns what a change makes of what is settled, with the cap of auto-pay.
fn settled(
    stand: &AccountStand,
    change: &SettingsChange,
    authority: Authority,
) -> Result<(AccountSettings, Option<Money>), CreditError> {
    let cap = change.auto_pay_cap.unwrap_or(stand.auto_pay_cap);
    let mut settings = stand.settings;
    let limits = match (authority, stand.credit) {
        (Authority::User, _) | (Authority::Owner, Credit::Owner) => &mut settings.limits,
        (Authority::Owner, Credit::Prepaid) => &mut settings.allowed,
    };
    limits.day = change.limit_day.unwrap_or(limits.day);
    limits.month = change.limit_month.unwrap_or(limits.month);
    settings.low_balance = change.low_balance.unwrap_or(settings.low_balance);
    settings.grace = change.grace.unwrap_or(settings.grace);
    settings.idle = change.idle.unwrap_or(settings.idle);
    if let Some(quota) = change.content_quota {
        check_quota(stand)?;
        settings.content_quota = quota;
    }
    settings.auto_pay = match change.auto_pay {
        Some(wanted) => {
            check_auto_pay(stand, wanted, cap)?;
            wanted
        }
        // Without a cap it would wait for the next one, and pay then without being asked.
        None if cap.is_none() => AutoPay::Off,
        None => settings.auto_pay,
    };
    Ok((settings, cap))
}

fn check_authority(change: &SettingsChange, authority: Authority) -> Result<(), CreditError> {
    match authority {
        Authority::Owner => Ok(()),
        Authority::User
            if change.grace.is_none()
                && change.auto_pay_cap.is_none()
                && change.content_quota.is_none() =>
        {
            Ok(())
        }
        Authority::User => {
            let words = "the grace period, the cap of auto-pay and the content quota are for the \
                         control plane's owner to set";
            Err(CreditError::Setting(words.to_owned()))
        }
    }
}

fn check_quota(stand: &AccountStand) -> Result<(), CreditError> {
    match stand.credit {
        Credit::Prepaid => Ok(()),
        Credit::Owner => Err(CreditError::Setting(format!(
            "account {} is the control plane's owner's, whose files have the whole disk",
            stand.name
        ))),
    }
}

fn check_amounts(change: &SettingsChange) -> Result<(), CreditError> {
    let amounts = [
        ("the limit per day", change.limit_day),
        ("the limit per month", change.limit_month),
        ("the low balance", change.low_balance),
        ("the cap of auto-pay", change.auto_pay_cap),
    ];
    for (what, amount) in amounts {
        check_amount(what, amount.flatten().unwrap_or(Money::ZERO))?;
    }
    match change.grace {
        Some(grace) if grace > GRACE_MAX => Err(CreditError::Setting(format!(
            "a grace period of {grace} is too long; the most is {GRACE_MAX}"
        ))),
        Some(_) | None => Ok(()),
    }
}

fn check_amount(what: &str, amount: Money) -> Result<(), CreditError> {
    if amount.is_negative() {
        let words = format!("{what} cannot be less than nothing");
        return Err(CreditError::Setting(words));
    }
    if amount > AMOUNT_MAX {
        let words = format!("{what} cannot be more than {AMOUNT_MAX}");
        return Err(CreditError::Setting(words));
    }
    Ok(())
}

fn check_auto_pay(
    stand: &AccountStand,
    wanted: AutoPay,
    cap: Option<Money>,
) -> Result<(), CreditError> {
    let AutoPay::On { amount, below } = wanted else {
        return Ok(());
    };
    let account = stand.name.clone();
    match stand.credit {
        Credit::Prepaid => {}
        Credit::Owner => {
            let words = format!("account {account} may owe, so there is nothing to top up");
            return Err(CreditError::Setting(words));
        }
    }
    check_top_up(amount)?;
    check_amount("the balance below which auto-pay tops up", below)?;
    match cap {
        None => Err(CreditError::AutoPayNotAllowed { account }),
        Some(cap) if amount > cap => Err(CreditError::AutoPayAboveCap { amount, cap }),
        Some(_) => Ok(()),
    }
}
