//! Statements: what an account had, paid in, and was charged, so that it adds up to the ledger.

use super::CreditError;
use super::sheet::name_of;
use crate::error::Error;
use crate::services::Services;
use livery_store::{Grouping, Payment, Period, StatementLine};
use livery_units::{AccountId, Money};
use std::collections::BTreeMap;

/// The most lines of a page.
pub const PAGE_MAX: u32 = 5_000;

/// Which part of a statement is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatementQuery {
    /// Of which days.
    pub period: Period,
    /// What its lines are for.
    pub by: Grouping,
    /// The last line of the page before.
    pub after: Option<StatementLine>,
    /// How many lines at most, up to [`PAGE_MAX`].
    pub most: u32,
}

/// A statement, or a page of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// Of which days.
    pub period: Period,
    /// What the account had before the first day: paid in less charged.
    pub opening: Money,
    /// What was paid in, whichever page this is.
    pub payments: Vec<Payment>,
    /// The lines of this page, with the names of what they are for.
    pub lines: Vec<(StatementLine, Option<String>)>,
    /// What was charged in all of the period.
    pub charged: Money,
    /// What the account had after the last day.
    pub closing: Money,
    /// Whether there are more lines.
    pub more: More,
}

/// Whether a listing goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum More {
    /// There is another page.
    Follows,
    /// This is the last.
    Nothing,
}

/// Returns a page of an account's statement.
pub(crate) async fn statement(
    services: &Services,
    account: &AccountId,
    query: &StatementQuery,
) -> Result<Statement, Error> {
    let Period { from, until } = query.period;
    if until <= from {
        let words = format!("the period from {from} to before {until} has no day");
        return Err(CreditError::Period(words).into());
    }
    let most = query.most.clamp(1, PAGE_MAX);
    let store = &services.store;
    let after = query.after.as_ref();
    let mut lines = store
        .statement_list(account, query.period, query.by, after, most + 1)
        .await?;
    let more = if lines.len() > most as usize {
        lines.truncate(most as usize);
        More::Follows
    } else {
        More::Nothing
    };
    let carried = store.account_carried(account, from).await?;
    let payments = store.payment_list(account, query.period).await?;
    let charged = store.account_spent(account, query.period).await?;
    let opening = carried.paid.saturating_minus(carried.charged);
    let paid: Money = payments.iter().map(|payment| payment.amount).sum();
    Ok(Statement {
        period: query.period,
        opening,
        closing: opening.saturating_plus(paid).saturating_minus(charged),
        payments,
        lines: with_names(services, lines).await,
        charged,
        more,
    })
}

async fn with_names(
    services: &Services,
    lines: Vec<StatementLine>,
) -> Vec<(StatementLine, Option<String>)> {
    let mut names: BTreeMap<String, String> = BTreeMap::new();
    let mut named = Vec::with_capacity(lines.len());
    for line in lines {
        let name = match &line.subject {
            None => None,
            Some(id) => match names.get(id) {
                Some(name) => Some(name.clone()),
                None => {
                    let name = name_of(services, id).await;
                    names.insert(id.clone(), name.clone());
                    Some(name)
                }
            },
        };
        named.push((line, name));
    }
    named
}
