//! Does what was decided for accounts whose money runs short. It may be done twice or late, and by
//! several control planes.

use super::facts::{self, Books};
use super::notices;
use super::runs;
use crate::error::Error;
use crate::pod::rule;
use crate::services::Services;
use crate::volume;
use livery_domain::account::Standing;
use livery_domain::credit::{Act, Shortage};
use livery_domain::pod::Desired;
use livery_ledger::top_up;
use livery_store::AccountStand;
use livery_units::{Day, Money, Rate, Timestamp};

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
    for stand in services.store.account_stands().await? {
        tally.accounts += 1;
        let rates = rates.get(&stand.id).map_or(&[][..], Vec::as_slice);
        match see_to(services, stand.clone(), rates, &mut tally).await {
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
    stand: AccountStand,
    rates: &[Rate],
    tally: &mut Tally,
) -> Result<(), Error> {
    let mut stand = stand;
    let now = services.now();
    if !facts::is_near(services, &stand, rates, now).await? {
        return Ok(());
    }
    tally.looked_at += 1;
    for _ in 0..ROUNDS_MAX {
        let books = facts::look(services, &stand, rates, now).await?;
        let acts = facts::acts(&books, now);
        tally.acts += acts.len() as u64;
        let mut again = false;
        for act in acts {
            match obey(services, &stand, &books, act, now).await? {
                Then::Next => {}
                Then::LookAgain => again = true,
            }
            if again {
                break;
            }
        }
        if !again {
            return Ok(());
        }
        stand = services.store.account_stand(&stand.id).await?;
    }
    Ok(())
}

/// What comes after an act.
enum Then {
    /// The next one.
    Next,
    /// What is known of the account is old.
    LookAgain,
}

async fn obey(
    services: &Services,
    stand: &AccountStand,
    books: &Books,
    act: Act,
    now: Timestamp,
) -> Result<Then, Error> {
    match act {
        Act::TopUp(amount) => {
            pay(services, stand, amount, now).await?;
            return Ok(Then::LookAgain);
        }
        Act::WarnLow => notices::low(services, stand, books, now).await?,
        Act::RunOut => {
            if !services.store.account_run_out(stand, now).await? {
                return Ok(Then::LookAgain);
            }
            tracing::info!(account.id = %stand.id, "an account has no credit left");
            notices::run_out(services, stand, books, now).await;
        }
        Act::Restore => {
            let store = &services.store;
            store
                .account_standing_set(&stand.id, Standing::Good)
                .await?;
        }
        Act::EndRuns(shortage) => end_runs(services, stand, books, shortage, now).await?,
        Act::StopPods(shortage) => stop_pods(services, stand, books, shortage, now).await?,
        Act::WarnLast { deletion } => {
            notices::last_warning(services, stand, books, deletion, now).await;
            services.store.account_warned_set(&stand.id, now).await?;
        }
        Act::Delete => delete(services, stand, books).await?,
    }
    Ok(Then::Next)
}

/// Tops an account up at its own wish. The payment has the month's number of such payments in its
/// reference: two control planes that make it at once make one.
async fn pay(
    services: &Services,
    stand: &AccountStand,
    amount: Money,
    now: Timestamp,
) -> Result<(), Error> {
    let number = facts::own_payments(services, stand, now).await?.len() + 1;
    let month = Day::of(now).month_start().to_string();
    let reference = format!("{} {} no. {number}, invoiced", facts::AUTO_PAY, &month[..7]);
    let transfer = top_up(&stand.id, amount, &reference, now);
    services.store.account_top_up(&transfer).await?;
    tracing::info!(account.id = %stand.id, %amount, "an account topped itself up");
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
    let pods = books.pods.iter().filter(|pod| facts::serves_a_run(pod));
    for pod in pods {
        let Some(run) = &pod.run else { continue };
        let told = runs::tell(services, run, &words, now).await?;
        let patience = match shortage {
            Shortage::Credit => livery_domain::credit::may_pull(told, now),
            // There is credit: its results come home however long that takes.
            Shortage::DayLimit | Shortage::MonthLimit => true,
        };
        if !patience && is_out(books) {
            let over = format!("{words}, and its time to bring results home is over");
            runs::end_now(services, run, &over).await?;
            rule(
                services,
                &pod.id,
                Desired::Gone,
                &format!("terminated: {words}"),
            )
            .await?;
        }
    }
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
    let words = notices::words(shortage, stand);
    let mut stopped = 0;
    for pod in books.pods.iter().filter(|pod| facts::runs_by_itself(pod)) {
        rule(
            services,
            &pod.id,
            Desired::Stopped,
            &format!("stopped: {words}"),
        )
        .await?;
        stopped += 1;
    }
    notices::stopped(services, stand, shortage, stopped, now).await;
    Ok(())
}

/// Deletes what was kept for an account without credit.
async fn delete(services: &Services, stand: &AccountStand, books: &Books) -> Result<(), Error> {
    let words = format!("its account had no credit for {}", stand.settings.grace);
    for pod in books.pods.iter().filter(|pod| facts::is_kept(pod)) {
        rule(
            services,
            &pod.id,
            Desired::Gone,
            &format!("terminated: {words}"),
        )
        .await?;
    }
    let volumes = books.volumes.iter();
    for volume in volumes.filter(|volume| facts::is_rented(volume)) {
        volume::end(services, &volume.id, &format!("deleted: {words}")).await?;
    }
    Ok(())
}
