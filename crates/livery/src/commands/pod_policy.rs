//! `livery pod policy`

use super::policy_args::PolicyArgs;
use crate::connect;
use crate::failure::Ending;
use crate::settings::Settings;
use crate::ui::table::Table;
use crate::ui::{listing, print_json};
use livery_api::dto::{Coming, Idle, Policy, PolicyView};
use livery_domain::pod::IdleAction;
use livery_units::{Span, Timestamp};

/// Show when a pod ends by itself and what is going to happen, or change it.
#[derive(Debug, clap::Args)]
pub struct PodPolicyArgs {
    /// The pod's id, or its name
    #[arg(value_name = "POD")]
    id: String,
    #[command(flatten)]
    policy: PolicyArgs,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub async fn run(args: PodPolicyArgs, settings: &Settings) -> anyhow::Result<Ending> {
    let client = connect::client(settings).await?;
    let mut view = client.pod_policy(&args.id).await?;
    if !args.policy.is_empty() {
        let policy = args.policy.change(view.policy)?;
        view = client.pod_policy_set(&args.id, &policy).await?;
    }
    if args.json {
        print_json(&view)?;
        return Ok(Ending::Done);
    }
    let mut table = Table::bare();
    for row in rows(&view, listing::now()) {
        table.row(row);
    }
    table.print()?;
    Ok(Ending::Done)
}

/// Says a policy and what comes of it, a row for each part.
pub fn rows(view: &PolicyView, now: Timestamp) -> Vec<[String; 2]> {
    let mut rows = policy_rows(&view.policy, view.accounts_idle);
    if let Some(idle) = &view.idle {
        let text = match Span::from_millis(idle.idle_ms) {
            Span::ZERO => format!("no, in use ({})", idle.used),
            span => format!("for {span} (last use: {})", idle.used),
        };
        rows.push(["idle".into(), text]);
    }
    rows.push(["cost so far".into(), view.so_far.to_string()]);
    let first = view.coming.iter().map(|coming| comes(coming, now));
    rows.extend(first.map(|text| ["to come".to_owned(), text]));
    rows
}

fn policy_rows(policy: &Policy, accounts_idle: Option<Idle>) -> Vec<[String; 2]> {
    let never = || "never".to_owned();
    let after = |millis: Option<u64>, of: &str| {
        millis.map_or_else(never, |millis| {
            format!("{} after it {of}", Span::from_millis(millis))
        })
    };
    let idle = |idle: Idle, whose: &str| {
        let span = Span::from_millis(idle.after_ms);
        format!("{} after {span} without use{whose}", idle.action)
    };
    let when_idle = match (policy.idle, accounts_idle) {
        (Some(own), Some(_)) if own.action == IdleAction::Nothing => {
            "nothing (the account's rule is not for it)".to_owned()
        }
        (Some(own), None) if own.action == IdleAction::Nothing => "nothing".to_owned(),
        (Some(own), _) => idle(own, ""),
        (None, Some(accounts)) => idle(accounts, " (the account's rule)"),
        (None, None) => "nothing".to_owned(),
    };
    let cost = policy.max_cost.map(|most| most.to_string());
    vec![
        ["stop".into(), after(policy.stop_after_ms, "came up")],
        [
            "terminate".into(),
            after(policy.terminate_after_ms, "was created"),
        ],
        [
            "cost at most".into(),
            cost.unwrap_or_else(|| "anything".into()),
        ],
        ["when idle".into(), when_idle],
    ]
}

fn comes(coming: &Coming, now: Timestamp) -> String {
    let left = coming.at.since(now);
    format!("{} in {left}: {}", coming.action, coming.why)
}
