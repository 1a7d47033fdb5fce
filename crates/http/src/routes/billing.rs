//! `/v1/balance`, `/v1/spend`, `/v1/statement` and `/v1/earnings`: what is spent, was charged, and who
//! earned it.

use super::accounts::{convert, named};
use super::{Route, get};
use crate::App;
use crate::auth::{Access, Acting};
use crate::body::{Json, Path, Query};
use crate::error::Refusal;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::StreamExt;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use livery_api::{csv, dto};
use livery_engine::{
    BalanceSheet, Earner, Grouping, More, PAGE_MAX, Period, Spending, SpentOn, Statement,
    StatementLine, StatementQuery,
};
use livery_units::{AccountId, Day};

pub(super) fn routes() -> Vec<Route> {
    vec![
        get("/v1/balance", Access::Account, own_balance),
        get("/v1/spend", Access::Account, own_spend),
        get("/v1/statement", Access::Account, own_statement),
        get("/v1/statement.csv", Access::Account, own_csv),
        get("/v1/accounts/{account}/balance", Access::Owner, balance),
        get("/v1/accounts/{account}/spend", Access::Owner, spend),
        get("/v1/accounts/{account}/statement", Access::Owner, statement),
        get("/v1/accounts/{account}/statement.csv", Access::Owner, table),
        get("/v1/earnings", Access::Owner, earnings),
    ]
}

/// Lines of a page whose asker does not say how many.
const PAGE: u32 = 1_000;

async fn own_balance(
    State(app): State<App>,
    Acting(account): Acting,
) -> Result<Json<dto::Balance>, Refusal> {
    let sheet = app.engine.balance(&account).await?;
    Ok(Json(balance_of(&app, sheet)))
}

async fn balance(
    State(app): State<App>,
    Path(account): Path<String>,
) -> Result<Json<dto::Balance>, Refusal> {
    let account = named(&app, &account).await?;
    let sheet = app.engine.balance(&account).await?;
    Ok(Json(balance_of(&app, sheet)))
}

async fn own_spend(
    State(app): State<App>,
    Acting(account): Acting,
    Query(query): Query<dto::SpendQuery>,
) -> Result<Json<dto::Spend>, Refusal> {
    spend_of(&app, &account, query).await
}

async fn spend(
    State(app): State<App>,
    Path(account): Path<String>,
    Query(query): Query<dto::SpendQuery>,
) -> Result<Json<dto::Spend>, Refusal> {
    let account = named(&app, &account).await?;
    spend_of(&app, &account, query).await
}

async fn own_statement(
    State(app): State<App>,
    Acting(account): Acting,
    Query(query): Query<dto::StatementQuery>,
) -> Result<Json<dto::Statement>, Refusal> {
    Ok(Json(page(&app, &account, &query).await?))
}

async fn statement(
    State(app): State<App>,
    Path(account): Path<String>,
    Query(query): Query<dto::StatementQuery>,
) -> Result<Json<dto::Statement>, Refusal> {
    let account = named(&app, &account).await?;
    Ok(Json(page(&app, &account, &query).await?))
}

async fn own_csv(
    State(app): State<App>,
    Acting(account): Acting,
    Query(query): Query<dto::StatementQuery>,
) -> Result<Response, Refusal> {
    csv_of(app, account, query).await
}

async fn table(
    State(app): State<App>,
    Path(account): Path<String>,
    Query(query): Query<dto::StatementQuery>,
) -> Result<Response, Refusal> {
    let account = named(&app, &account).await?;
    csv_of(app, account, query).await
}

async fn earnings(State(app): State<App>) -> Result<Json<dto::Earnings>, Refusal> {
    let earnings = app.engine.earnings().await?;
    let earned = earnings.into_iter().map(|(earner, amount)| {
        let (kind, id) = match earner {
            Earner::Host(host) => (dto::EarnerKind::Host, host.to_string()),
            Earner::Supplier(supplier) => (dto::EarnerKind::Supplier, supplier),
        };
        dto::Earned { kind, id, amount }
    });
    Ok(Json(dto::Earnings {
        earned: earned.collect(),
    }))
}

fn balance_of(app: &App, sheet: BalanceSheet) -> dto::Balance {
    dto::Balance {
        uncharged: sheet.uncharged,
        left: sheet.left,
        hourly: sheet.hourly,
        empty_at: sheet.empty_at,
        deletion: sheet.deletion,
        spent_day: sheet.spent.day,
        spent_month: sheet.spent.month,
        auto_paid: sheet.allowance.used,
        account: convert(app, sheet.stand),
    }
}

async fn spend_of(
    app: &App,
    account: &AccountId,
    query: dto::SpendQuery,
) -> Result<Json<dto::Spend>, Refusal> {
    let on = match query.on {
        dto::SpentOn::Living => SpentOn::Living,
        dto::SpentOn::Today => SpentOn::Today,
        dto::SpentOn::Month => SpentOn::ThisMonth,
    };
    let balance = balance_of(app, app.engine.balance(account).await?);
    let things = app.engine.spending(account, on).await?;
    let things = things.into_iter().map(spending).collect();
    Ok(Json(dto::Spend { balance, things }))
}

fn spending(thing: Spending) -> dto::Spending {
    dto::Spending {
        id: thing.id,
        name: thing.name,
        state: thing.state,
        hourly: thing.hourly,
        so_far: thing.so_far,
        today: thing.today,
        month: thing.month,
    }
}

async fn page(
    app: &App,
    account: &AccountId,
    query: &dto::StatementQuery,
) -> Result<dto::Statement, Refusal> {
    let query = StatementQuery {
        period: period(query, Day::of(app.engine.now()))?,
        by: match query.by {
            dto::StatementBy::Line => Grouping::Lines,
            dto::StatementBy::Day => Grouping::Days,
            dto::StatementBy::Pod => Grouping::Subjects,
        },
        after: query.after.as_deref().map(place).transpose()?,
        most: query.most.unwrap_or(PAGE),
    };
    let statement = app.engine.statement(account, &query).await?;
    Ok(statement_of(account, statement))
}

/// Returns the days asked for: from the first of the last one's month and until today where they are
/// left out.
fn period(query: &dto::StatementQuery, today: Day) -> Result<Period, Refusal> {
    let from = query
        .from
        .unwrap_or_else(|| query.to.unwrap_or(today).month_start());
    let to = query.to.unwrap_or_else(|| today.max(from));
    if to < from {
        let message = format!("the last day, {to}, is before the first, {from}");
        return Err(Refusal::bad_request(&message));
    }
    let until = to.next();
    Ok(Period { from, until })
}

fn statement_of(account: &AccountId, statement: Statement) -> dto::Statement {
    let last = statement.lines.last().map(|(line, _)| place_of(line));
    let payments = statement.payments.into_iter().map(|payment| dto::Payment {
        id: payment.id.to_string(),
        at: payment.at,
        amount: payment.amount,
        memo: payment.memo,
    });
    let lines = statement
        .lines
        .into_iter()
        .map(|(line, name)| dto::StatementLine {
            day: line.day,
            id: line.subject,
            name,
            item: line.item.map(|item| item.to_string()),
            amount: line.amount,
        });
    dto::Statement {
        account: account.clone(),
        from: statement.period.from,
        to: statement.period.last(),
        opening: statement.opening,
        payments: payments.collect(),
        charged: statement.charged,
        closing: statement.closing,
        lines: lines.collect(),
        next: match statement.more {
            More::Follows => last,
            More::Nothing => None,
        },
    }
}

/// Writes where a page ended: the day, the thing and the item of its last line.
fn place_of(line: &StatementLine) -> String {
    let day = line.day.map(|day| day.to_string()).unwrap_or_default();
    let subject = line.subject.clone().unwrap_or_default();
    let item = line.item.map(|item| item.as_str()).unwrap_or_default();
    format!("{day}~{subject}~{item}")
}

fn place(text: &str) -> Result<StatementLine, Refusal> {
    let wrong = || Refusal::bad_request("after: it is not the `next` of a page");
    let mut parts = text.splitn(3, '~');
    let (Some(day), Some(subject), Some(item)) = (parts.next(), parts.next(), parts.next()) else {
        return Err(wrong());
    };
    let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let parse_day = |text: String| text.parse().map_err(|_| wrong());
    let parse_item = |text: String| text.parse().map_err(|_| wrong());
    Ok(StatementLine {
        day: given(day).map(parse_day).transpose()?,
        subject: given(subject),
        item: given(item).map(parse_item).transpose()?,
        amount: livery_units::Money::ZERO,
    })
}

/// Streams a statement page by page, so that a year of it needs no more memory than a page.
async fn csv_of(
    app: App,
    account: AccountId,
    query: dto::StatementQuery,
) -> Result<Response, Refusal> {
    let query = dto::StatementQuery {
        after: None,
        most: Some(PAGE_MAX),
        ..query
    };
    // The first page before the head: what is wrong with the question is an error.
    let first = page(&app, &account, &query).await?;
    let head = format!("{}{}", csv::STATEMENT_HEADER, csv::payment_rows(&first));
    let name = format!(
        "attachment; filename=\"livery-{}-{}.csv\"",
        first.from, first.to
    );
    let rest = futures_util::stream::unfold(Some(first), move |current| {
        let (app, account, query) = (app.clone(), account.clone(), query.clone());
        async move {
            let current = current?;
            let rows = Bytes::from(csv::charge_rows(&current));
            let Some(after) = current.next else {
                return Some((Ok(rows), None));
            };
            let after = Some(after);
            let query = dto::StatementQuery { after, ..query };
            match page(&app, &account, &query).await {
                Ok(next) => Some((Ok(rows), Some(next))),
                // Cut off, and seen to be: half a bill must not look whole.
                Err(_) => Some((Err(std::io::Error::other("the next page failed")), None)),
            }
        }
    });
    let head = futures_util::stream::once(async move { Ok(Bytes::from(head)) });
    let body = Body::from_stream(head.chain(rest));
    let headers = [
        (CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        (CONTENT_DISPOSITION, name),
    ];
    Ok((headers, body).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_days_it_is_this_month_until_today() {
        let day = |text: &str| text.parse::<Day>().unwrap();
        let today = day("2028-02-29");
        let asked = |from: Option<&str>, to: Option<&str>| {
            let query = dto::StatementQuery {
                from: from.map(day),
                to: to.map(day),
                ..dto::StatementQuery::default()
            };
            period(&query, today).ok().map(|one| (one.from, one.until))
        };
        let month = (day("2028-02-01"), day("2028-03-01"));
        assert_eq!(asked(None, None), Some(month));
        assert_eq!(
            asked(Some("2028-01-31"), Some("2028-01-31")),
            Some((day("2028-01-31"), day("2028-02-01")))
        );
        assert_eq!(
            asked(Some("2028-03-05"), None),
            Some((day("2028-03-05"), day("2028-03-06")))
        );
        assert_eq!(asked(Some("2028-02-03"), Some("2028-02-02")), None);
        let past = (day("2027-10-01"), day("2027-11-01"));
        assert_eq!(asked(None, Some("2027-10-31")), Some(past));
    }
}
