//! `/v1/reminders`, `/v1/channels`, and what every command ends with.

use super::{Route, delete, get, post};
use crate::App;
use crate::auth::{Access, Acting};
use crate::body::{Json, Path, Query};
use crate::error::Refusal;
use axum::extract::State;
use http::StatusCode;
use livery_api::dto::{
    Channel, ChannelList, ChannelTested, Closing, Delivery, NewChannel, Reminder, ReminderList,
    ReminderQuery, ReminderSettings, Resting, Running, Shown, Switch, Trouble,
};
use livery_domain::reminder as domain;
use livery_domain::reminder::{DeliveryState, NoticeKind};
use livery_engine::{DeliveryRow, NoticeRow, NotifyError};
use livery_units::Span;
use std::collections::BTreeSet;

pub(super) fn routes() -> Vec<Route> {
    vec![
        get("/v1/reminders", Access::Account, list),
        post("/v1/reminders/shown", Access::Account, shown),
        get("/v1/reminders/settings", Access::Account, settings),
        post("/v1/reminders/settings", Access::Account, settle),
        get("/v1/channels", Access::Account, channels),
        post("/v1/channels", Access::Account, add),
        delete("/v1/channels/{channel}", Access::Account, remove),
        post("/v1/channels/{channel}/test", Access::Account, test),
        get("/v1/closing", Access::Account, closing),
    ]
}

/// The most reminders that one answer has.
const LIST_MAX: u32 = 1_000;

/// The most that can be said to be shown at once.
const SHOWN_MAX: usize = 1_000;

async fn list(
    State(app): State<App>,
    Acting(account): Acting,
    Query(query): Query<ReminderQuery>,
) -> Result<Json<ReminderList>, Refusal> {
    let limit = query.limit.min(LIST_MAX);
    let rows = app.engine.reminder_list(&account, limit).await?;
    let reminders = rows.into_iter().map(reminder).collect();
    Ok(Json(ReminderList { reminders }))
}

fn reminder(row: NoticeRow) -> Reminder {
    Reminder {
        shown: row.shown,
        deliveries: row.deliveries.into_iter().map(delivery).collect(),
        ..Reminder::from(row.notice)
    }
}

fn delivery(row: DeliveryRow) -> Delivery {
    Delivery {
        channel: row.channel,
        state: row.state,
        attempts: row.attempts,
        next_try: match row.state {
            DeliveryState::Due => Some(row.due),
            DeliveryState::Sent | DeliveryState::Failed => None,
        },
        problem: row.problem,
        changed: row.changed,
    }
}

async fn shown(
    State(app): State<App>,
    Acting(account): Acting,
    Json(shown): Json<Shown>,
) -> Result<StatusCode, Refusal> {
    if shown.keys.len() > SHOWN_MAX {
        let message = format!("keys: {SHOWN_MAX} at most");
        return Err(Refusal::bad_request(&message));
    }
    app.engine.reminder_shown(&account, &shown.keys).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn settings(
    State(app): State<App>,
    Acting(account): Acting,
) -> Result<Json<ReminderSettings>, Refusal> {
    Ok(Json(app.engine.reminder_settings(&account).await?.into()))
}

async fn settle(
    State(app): State<App>,
    Acting(account): Acting,
    Json(settings): Json<ReminderSettings>,
) -> Result<Json<ReminderSettings>, Refusal> {
    let settings = settled(settings)?;
    app.engine.reminder_settle(&account, &settings).await?;
    Ok(Json(settings.into()))
}

fn settled(settings: ReminderSettings) -> Result<domain::ReminderSettings, Refusal> {
    let muted: Result<BTreeSet<NoticeKind>, _> =
        settings.muted.iter().map(|kind| kind.parse()).collect();
    Ok(domain::ReminderSettings {
        first: Span::from_millis(settings.first_ms),
        muted: muted.map_err(|error| Refusal::bad_request(&format!("muted: {error}")))?,
        quiet_until: settings.quiet_until,
        closing_line: match settings.closing_line {
            Switch::On => domain::ClosingLine::On,
            Switch::Off => domain::ClosingLine::Off,
        },
        terminal: match settings.terminal {
            Switch::On => domain::Terminal::On,
            Switch::Off => domain::Terminal::Off,
        },
    })
}

async fn channels(
    State(app): State<App>,
    Acting(account): Acting,
) -> Result<Json<ChannelList>, Refusal> {
    let channels = app.engine.channel_list(&account).await?;
    let channels = channels.into_iter().map(Channel::from).collect();
    Ok(Json(ChannelList { channels }))
}

async fn add(
    State(app): State<App>,
    Acting(account): Acting,
    Json(new): Json<NewChannel>,
) -> Result<(StatusCode, Json<Channel>), Refusal> {
    let route = domain::Route::try_from(new.route);
    let route = route
        .map_err(|why| Refusal::from(livery_engine::Error::from(NotifyError::Invalid(why))))?;
    let channel = app.engine.channel_add(&account, &new.name, route).await?;
    Ok((StatusCode::CREATED, Json(channel.into())))
}

async fn remove(
    State(app): State<App>,
    Acting(account): Acting,
    Path(channel): Path<String>,
) -> Result<StatusCode, Refusal> {
    app.engine.channel_remove(&account, &channel).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn test(
    State(app): State<App>,
    Acting(account): Acting,
    Path(channel): Path<String>,
) -> Result<Json<ChannelTested>, Refusal> {
    let answer = app.engine.channel_test(&account, &channel).await?;
    Ok(Json(ChannelTested { channel, answer }))
}

async fn closing(
    State(app): State<App>,
    Acting(account): Acting,
) -> Result<Json<Closing>, Refusal> {
    let closing = app.engine.closing(&account).await?;
    Ok(Json(Closing {
        running: closing.running.map(|running| Running {
            pods: running.pods,
            longest_ms: running.longest.millis(),
            hourly: running.hourly,
            so_far: running.so_far,
        }),
        resting: closing.resting.map(|resting| Resting {
            pods: resting.pods,
            volumes: resting.volumes,
            hourly: resting.hourly,
        }),
        silent: closing.silent,
        reminders: closing.notices.into_iter().map(Reminder::from).collect(),
        trouble: closing.trouble.map(|trouble| Trouble {
            count: trouble.count,
            channel: trouble.channel,
            problem: trouble.problem,
        }),
    }))
}
