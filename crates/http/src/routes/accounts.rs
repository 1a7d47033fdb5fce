//! `/v1/account`, `/v1/accounts`, `/v1/vouchers` and `/v1/redeem`: who pays, and with what.

use super::{Route, get, post, tokens};
use crate::App;
use crate::auth::{Access, Acting};
use crate::body::{Json, Path};
use crate::error::Refusal;
use axum::extract::State;
use http::StatusCode;
use livery_api::dto;
use livery_domain::account::{AutoPay, Standing};
use livery_domain::pod::IdlePolicy;
use livery_engine::{AccountStand, Authority, Credit, Posted, SettingsChange, Voucher};
use livery_units::{AccountId, Secret, Span, text};

pub(super) fn routes() -> Vec<Route> {
    vec![
        get("/v1/account", Access::Account, own),
        post("/v1/account", Access::Account, settle_own),
        post("/v1/redeem", Access::Account, redeem),
        get("/v1/accounts", Access::Owner, list),
        // It makes a token, and those are made on the machine itself.
        post("/v1/accounts", Access::OwnerHere, create),
        get("/v1/accounts/{account}", Access::Owner, fetch),
        post("/v1/accounts/{account}/settings", Access::Owner, settle),
        post("/v1/accounts/{account}/grant", Access::Owner, grant),
        get("/v1/vouchers", Access::Owner, vouchers),
        post("/v1/vouchers", Access::Owner, voucher_create),
    ]
}

type Answer = Result<Json<dto::Account>, Refusal>;

/// Digits of a code's hash that name its voucher in listings.
const VOUCHER_ID_CHARS: usize = 12;

/// Longest reference of a payment and label of a voucher.
const WORDS_CHARS_MAX: usize = 100;

async fn own(State(app): State<App>, Acting(account): Acting) -> Answer {
    let stand = app.engine.account_fetch(account.as_str()).await?;
    Ok(Json(convert(&app, stand)))
}

async fn settle_own(
    State(app): State<App>,
    Acting(account): Acting,
    Json(change): Json<dto::AccountChange>,
) -> Answer {
    let authority = if account == app.owner {
        Authority::Owner
    } else {
        Authority::User
    };
    let change = change_of(&change);
    let stand = app.engine.account_settle(&account, &change, authority);
    Ok(Json(convert(&app, stand.await?)))
}

async fn redeem(
    State(app): State<App>,
    Acting(account): Acting,
    Json(redeem): Json<dto::Redeem>,
) -> Result<Json<dto::Redeemed>, Refusal> {
    let code = Secret::new(redeem.code);
    let amount = app.engine.voucher_redeem(&account, &code).await?;
    let stand = app.engine.account_fetch(account.as_str()).await?;
    let account = convert(&app, stand);
    Ok(Json(dto::Redeemed { amount, account }))
}

async fn list(State(app): State<App>) -> Result<Json<dto::AccountList>, Refusal> {
    let accounts = app.engine.account_list().await?;
    let accounts = accounts.into_iter();
    let accounts = accounts.map(|stand| convert(&app, stand)).collect();
    Ok(Json(dto::AccountList { accounts }))
}

async fn create(
    State(app): State<App>,
    Json(new): Json<dto::NewAccount>,
) -> Result<(StatusCode, Json<dto::AccountCreated>), Refusal> {
    let stand = app.engine.account_create(&new.name).await?;
    let token = tokens::make(&app, &stand.id, "made with the account").await?;
    let account = convert(&app, stand);
    let made = dto::AccountCreated { account, token };
    Ok((StatusCode::CREATED, Json(made)))
}

async fn fetch(State(app): State<App>, Path(account): Path<String>) -> Answer {
    let stand = app.engine.account_fetch(&account).await?;
    Ok(Json(convert(&app, stand)))
}

async fn settle(
    State(app): State<App>,
    Path(account): Path<String>,
    Json(change): Json<dto::AccountChange>,
) -> Answer {
    let id = named(&app, &account).await?;
    let change = change_of(&change);
    let settled = app.engine.account_settle(&id, &change, Authority::Owner);
    Ok(Json(convert(&app, settled.await?)))
}

async fn grant(
    State(app): State<App>,
    Path(account): Path<String>,
    Json(grant): Json<dto::Grant>,
) -> Result<Json<dto::Granted>, Refusal> {
    let id = named(&app, &account).await?;
    let reference = match &grant.reference {
        Some(reference) => words("reference", reference)?,
        None => fresh_reference(),
    };
    let posted = app.engine.account_grant(&id, grant.amount, &reference);
    let posted = match posted.await? {
        Posted::New => dto::PostedKind::New,
        Posted::Replayed => dto::PostedKind::Before,
    };
    let account = convert(&app, app.engine.account_fetch(id.as_str()).await?);
    Ok(Json(dto::Granted { posted, account }))
}

async fn vouchers(State(app): State<App>) -> Result<Json<dto::VoucherList>, Refusal> {
    let vouchers = app.engine.voucher_list().await?;
    let vouchers = vouchers.iter().map(voucher).collect();
    Ok(Json(dto::VoucherList { vouchers }))
}

async fn voucher_create(
    State(app): State<App>,
    Json(new): Json<dto::NewVouchers>,
) -> Result<(StatusCode, Json<dto::VouchersCreated>), Refusal> {
    let label = match new.label.trim() {
        "" => String::new(),
        label => words("label", label)?,
    };
    let made = app.engine.voucher_create(new.amount, new.count, &label);
    let vouchers = made.await?.into_iter().map(|new| dto::VoucherCreated {
        code: new.code.expose().clone(),
        info: voucher(&new.voucher),
    });
    let vouchers = vouchers.collect();
    Ok((StatusCode::CREATED, Json(dto::VouchersCreated { vouchers })))
}

fn words(field: &str, text: &str) -> Result<String, Refusal> {
    let text = text.trim();
    let long = text.chars().count();
    if long == 0 || long > WORDS_CHARS_MAX || text::refuse_control(text).is_err() {
        let message = format!("{field}: it has 1 to {WORDS_CHARS_MAX} printable characters");
        return Err(Refusal::bad_request(&message));
    }
    Ok(text.to_owned())
}

/// Names a payment that nobody has named: each is another.
fn fresh_reference() -> String {
    format!("{:016x}", rand::random::<u64>())
}

fn voucher(voucher: &Voucher) -> dto::Voucher {
    let (redeemed_by, redeemed) = voucher.redeemed.clone().unzip();
    dto::Voucher {
        id: voucher.hash.to_string()[..VOUCHER_ID_CHARS].to_owned(),
        amount: voucher.amount,
        label: voucher.label.clone(),
        created: voucher.created,
        redeemed_by,
        redeemed,
    }
}

fn change_of(change: &dto::AccountChange) -> SettingsChange {
    SettingsChange {
        limit_day: change.limit_day.map(dto::AmountOrNone::amount),
        limit_month: change.limit_month.map(dto::AmountOrNone::amount),
        low_balance: change.low_balance.map(dto::AmountOrNone::amount),
        grace: change.grace_ms.map(Span::from_millis),
        auto_pay: change.auto_pay.map(|wanted| match wanted {
            dto::AutoPay::Off => AutoPay::Off,
            dto::AutoPay::On { amount, below } => AutoPay::On { amount, below },
        }),
        auto_pay_cap: change.auto_pay_cap.map(dto::AmountOrNone::amount),
        idle: change.idle.map(|rule| match rule {
            dto::IdleRule::Off => None,
            dto::IdleRule::On { after_ms, action } => Some(IdlePolicy {
                after: Span::from_millis(after_ms),
                action,
            }),
        }),
        content_quota: change.content_quota.map(dto::SizeOrNone::size),
    }
}

pub(super) fn convert(app: &App, stand: AccountStand) -> dto::Account {
    let settings = stand.settings;
    dto::Account {
        content: app.engine.content().holding(&stand.id).bytes,
        id: stand.id,
        name: stand.name,
        created: stand.created,
        credit: match stand.credit {
            Credit::Prepaid => dto::CreditKind::Prepaid,
            Credit::Owner => dto::CreditKind::Owner,
        },
        out_since: match stand.standing {
            Standing::Good => None,
            Standing::Out { since } => Some(since),
        },
        balance: stand.balance,
        held: stand.held,
        settings: dto::AccountSettings {
            limit_day: settings.limits.day,
            limit_month: settings.limits.month,
            owner_limit_day: settings.allowed.day,
            owner_limit_month: settings.allowed.month,
            low_balance: settings.low_balance,
            grace_ms: settings.grace.millis(),
            auto_pay: match settings.auto_pay {
                AutoPay::Off => dto::AutoPay::Off,
                AutoPay::On { amount, below } => dto::AutoPay::On { amount, below },
            },
            auto_pay_cap: stand.auto_pay_cap,
            idle: match settings.idle {
                None => dto::IdleRule::Off,
                Some(idle) => dto::IdleRule::On {
                    after_ms: idle.after.millis(),
                    action: idle.action,
                },
            },
            content_quota: match stand.credit {
                Credit::Prepaid => settings.content_quota,
                Credit::Owner => None,
            },
        },
    }
}

/// Returns the account that a path names.
pub(super) async fn named(app: &App, account: &str) -> Result<AccountId, Refusal> {
    Ok(app.engine.account_fetch(account).await?.id)
}
