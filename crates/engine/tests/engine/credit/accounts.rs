//! Accounts that several people make and settle at once.

use super::{code, dollars, prepaid};
use crate::support::Bench;
use futures_util::future::join_all;
use livery_engine::{Authority, SettingsChange};

#[tokio::test]
async fn of_many_who_make_an_account_of_one_name_at_once_one_does() {
    let bench = Bench::new().await;
    for name in ["lab", "owner's friends", "ml"] {
        let made = join_all((0..6).map(|_| bench.engine.account_create(name))).await;
        let (made, refused): (Vec<_>, Vec<_>) = made.into_iter().partition(Result::is_ok);
        let made = made.into_iter().next().unwrap().unwrap();
        assert_eq!(refused.len(), 5, "{name}");
        for error in refused {
            assert_eq!(code(&error.unwrap_err()), "MON005");
        }
        let found = bench.engine.account_fetch(name).await.unwrap();
        assert_eq!(found, made);
    }
    let unknown = bench.engine.account_fetch("nobody").await.unwrap_err();
    assert_eq!(code(&unknown), "MON004");
}

#[tokio::test]
async fn what_several_settle_at_once_is_all_settled() {
    let bench = prepaid().await;
    for cents in 700..710 {
        let amount = Some(Some(dollars(cents)));
        let changes = [
            SettingsChange {
                limit_day: amount,
                ..SettingsChange::default()
            },
            SettingsChange {
                limit_month: amount,
                ..SettingsChange::default()
            },
            SettingsChange {
                low_balance: amount,
                ..SettingsChange::default()
            },
            SettingsChange {
                auto_pay_cap: amount,
                ..SettingsChange::default()
            },
        ];
        let settle = |change| {
            let (engine, account) = (&bench.engine, &bench.account);
            engine.account_settle(account, change, Authority::Owner)
        };
        for answered in join_all(changes.iter().map(settle)).await {
            answered.unwrap();
        }
        let stand = super::stand(&bench).await;
        let limits = stand.settings.allowed;
        assert_eq!(limits.day, amount.flatten());
        assert_eq!(limits.month, amount.flatten());
        assert_eq!(stand.settings.low_balance, amount.flatten());
        assert_eq!(stand.auto_pay_cap, amount.flatten());
    }
}
