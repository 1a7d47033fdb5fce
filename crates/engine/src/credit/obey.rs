//! Does what was decided for accounts whose money runs short. It may be done twice or late, and by
//! several control planes.

use super::facts::{self, Books, Rents};
use super::notices;
use super::runs;
use crate::error::Error;
use crate::pod::{Unless, rule, rule_unless};
use crate::reminders::Kept;
use crate::services::Services;
use crate::volume;
use livery_domain::account::Standing;
use livery_domain::credit::{Act, Shortage};
use livery_domain::pod::{Desired, Pod, Wish};
use livery_ledger::top_up;
use livery_store::AccountStand;
use livery_units::{Day, Money, RunId, Span, Timestamp};

/// For so long it is seen to that an account was told that it has no credit left.
const TELL_AGAIN: Span = Span::from_secs(86_400);

/// An account that tops itself up by little is looked at again this often at most in one go.
const ROUNDS_MAX: u32 = 20;

/// What was done for all accounts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) accounts: u64,
    pub(crate) looked_at: u64,
    pub(crate) acts: u64,
    pub(crate) failed: u64,
}

/// Looks at every account and does what there is to do.
pub(crate) async fn see_to_all(services: &Services) -> Result<Tally, Error> {
    let mut tally = Tally::default();
    let rates = services.store.account_rates().await?;
    let renting = services.store.accounts_renting().await?;
    let silent = services.store.accounts_silent(services.now()).await?;
    for stand in services.store.account_stands().await? {
        tally.accounts += 1;
        let since = silent.get(&stand.id).copied();
        let rents = match rates.get(&stand.id) {
            Some(rates) => Rents::At(rates, since),
            None if renting.contains(&stand.id) => Rents::At(&[], since),
            None => Rents::Nothing,
        };
        match see_to(services, &stand, rents, &mut tally).await {
            Ok(()) => {}
            Err(error) => {
                tally.failed += 1;
                tracing::error!(account.id = %stand.id, %error, "an account was not seen to");
            }
        }
    }
    Ok(tally)
}

async fn see_to(
    services: &Services,
    stand: &AccountStand,
    rents: Rents<'_>,
    tally: &mut Tally,
) -> Result<(), Error> {
    let now = services.now();
    if !facts::is_near(services, stand, rents, now).await? {
        return Ok(());
    }
    tally.looked_at += 1;
    for _ in 0..ROUNDS_MAX {
        // Read anew: others were seen to since all accounts were read.
        let books = facts::look(services, &stand.id, now).await?;
        tell_again(services, &books, now).await;
        let acts = facts::acts(&books, now);
        tally.acts += acts.len() as u64;
        match obey_all(services, &books, &acts, now).await? {
            Then::Next => return Ok(()),
            Then::LookAgain => {}
        }
    }
    Ok(())
}

/// Tells an account that it has no credit left if that could not be told when it ran out.
async fn tell_again(services: &Services, books: &Books, now: Timestamp) {
    match books.stand.standing {
        Standing::Out { since } if now.since(since) < TELL_AGAIN => {
            notices::run_out(services, &books.stand, books, since, now).await;
        }
        Standing::Out { .. } | Standing::Good => {}
    }
}

/// What comes after an act.
enum Then {
    /// The next one.
    Next,
    /// What is known of the account is old.
    LookAgain,
}

/// Does one after the other. What fails keeps nothing else from being done; the first failure is
/// returned in the end.
async fn obey_all(
    services: &Services,
    books: &Books,
    acts: &[Act],
    now: Timestamp,
) -> Result<Then, Error> {
    let mut failed = Ok(());
    for act in acts {
        match obey(services, books, *act, now).await {
            Ok(Then::Next) => {}
            Ok(Then::LookAgain) => {
                failed?;
                return Ok(Then::LookAgain);
            }
            Err(error) => failed = failed.and(Err(error)),
        }
    }
    failed.map(|()| Then::Next)
}

async fn obey(services: &Services, books: &Books, act: Act, now: Timestamp) -> Result<Then, Error> {
    let stand = &books.stand;
    let store = &services.store;
    match act {
        Act::TopUp(amount) => {
            pay(services, books, amount, now).await?;
            return Ok(Then::LookAgain);
        }
        Act::WarnLow => notices::low(services, stand, books, now).await?,
        Act::RunOut => {
            if !store.account_run_out(stand, now).await? {
                return Ok(Then::LookAgain);
            }
            tracing::info!(account.id = %stand.id, "an account has no credit left");
            notices::run_out(services, stand, books, now, now).await;
        }
        Act::Restore => {
            store
                .account_standing_set(&stand.id, Standing::Good)
                .await?;
        }
        Act::EndRuns(shortage) => end_runs(services, stand, books, shortage, now).await?,
        Act::StopPods(shortage) => stop_pods(services, stand, books, shortage, now).await?,
        Act::WarnLast { deletion } => {
            match notices::last_warning(services, stand, books, deletion, now).await {
                Kept::Yes => store.account_warned_set(&stand.id, now).await?,
                // Nothing is deleted of which nobody was warned.
                Kept::No => return Err(Error::Store("the last warning was not kept".to_owned())),
            }
        }
        Act::Delete => delete(services, stand, books).await?,
    }
    Ok(Then::Next)
}

/// Tops an account up at its own wish. The payment has the month's number of such payments in its
/// reference, counted before the need was seen: two control planes that see one need make one payment.
async fn pay(
    services: &Services,
    books: &Books,
    amount: Money,
    now: Timestamp,
) -> Result<(), Error> {
    let stand = &books.stand;
    let number = books.own_payments + 1;
    let month = Day::of(now).month_start().to_string();
    let reference = format!("{} {} no. {number}, invoiced", facts::AUTO_PAY, &month[..7]);
    let transfer = top_up(&stand.id, amount, &reference, now);
    if services.store.account_help(stand, &transfer).await? {
        tracing::info!(account.id = %stand.id, %amount, "an account topped itself up");
    }
    Ok(())
}

async fn end_runs(
    services: &Services,
    stand: &AccountStand,
    books: &Books,
    shortage: Shortage,
    now: Timestamp,
) -> Result<(), Error> {
    let words = notices::words(shortage, stand);
    let mut failed = Ok(());
    for pod in books.pods.iter().filter(|pod| facts::serves_a_run(pod)) {
        let Some(run) = &pod.run else { continue };
        let ended = end_run(services, books, pod, run, (shortage, &words), now);
        failed = failed.and(ended.await);
    }
    failed
}

async fn end_run(
    services: &Services,
    books: &Books,
    pod: &Pod,
    run: &RunId,
    (shortage, words): (Shortage, &str),
    now: Timestamp,
) -> Result<(), Error> {
    let told = runs::tell(services, run, words, now).await?;
    let patience = match shortage {
        Shortage::Credit | Shortage::Silence => livery_domain::credit::may_pull(told, now),
        // There is credit: its results come home however long that takes.
        Shortage::DayLimit | Shortage::MonthLimit => true,
    };
    if patience || !is_out(books) {
        return Ok(());
    }
    let over = format!("{words}, and its time to bring results home is over");
    runs::end_now(services, run, &over).await?;
    let words = format!("terminated: {words}");
    rule(services, &pod.id, Desired::Gone, &words).await?;
    Ok(())
}

fn is_out(books: &Books) -> bool {
    match books.facts.standing {
        Standing::Good => false,
        Standing::Out { .. } => true,
    }
}

async fn stop_pods(
    services: &Services,
    stand: &AccountStand,
    books: &Books,
    shortage: Shortage,
    now: Timestamp,
) -> Result<(), Error> {
    let reason = notices::words(shortage, stand);
    let words = format!("stopped: {reason}");
    match shortage {
        Shortage::Silence => notices::silent(services, stand, books, now).await,
        Shortage::Credit | Shortage::DayLimit | Shortage::MonthLimit => {}
    }
    let mut failed = Ok(());
    let mut stopped = 0;
    for pod in books.pods.iter().filter(|pod| facts::runs_by_itself(pod)) {
        match rule(services, &pod.id, Desired::Stopped, &words).await {
            Ok(Wish::Changed | Wish::AsBefore) => stopped += 1,
            Err(error) => failed = failed.and(Err(error)),
        }
    }
    notices::stopped(services, stand, shortage, stopped, now).await;
    failed
}

/// Deletes what was kept for an account without credit. Whatever is still there when it is topped up
/// stays.
async fn delete(services: &Services, stand: &AccountStand, books: &Books) -> Result<(), Error> {
    let Standing::Out { since } = stand.standing else {
        return Ok(());
    };
    let unless = Unless::Paid(since);
    let why = format!("its account had no credit for {}", stand.settings.grace);
    let mut failed = Ok(());
    let words = format!("terminated: {why}");
    for pod in books.pods.iter().filter(|pod| facts::is_kept(pod)) {
        let ended = rule_unless(services, &pod.id, Desired::Gone, &words, unless).await;
        failed = failed.and(ended.map(|_| ()));
    }
    let words = format!("deleted: {why}");
    let volumes = books.volumes.iter();
    for volume in volumes.filter(|volume| facts::is_rented(volume)) {
        let ended = volume::end(services, &volume.id, &words, unless).await;
        failed = failed.and(ended);
    }
    failed
}
