//! Top-ups, vouchers, auto-pay and statements.

use super::{
    HOURS, burn_down_to, code, comes_to, dollars, forward_to, left, look, now, pod, prepaid,
    settle, stand,
};
use crate::support::until;
use livery_domain::account::AutoPay;
use livery_domain::pod::Phase;
use livery_engine::{
    Authority, CreditError, Error, Grouping, Period, Posted, SettingsChange, SpentOn,
    StatementQuery,
};
use livery_ledger::Book;
use livery_units::{AccountId, Day, Money, Secret};

#[tokio::test]
async fn auto_pay_waits_for_its_cap_and_stays_within_it() {
    let bench = prepaid().await;
    assert_eq!(stand(&bench).await.settings.auto_pay, AutoPay::Off);
    let on = SettingsChange {
        auto_pay: Some(AutoPay::On {
            amount: dollars(1_000),
            below: dollars(200),
        }),
        ..SettingsChange::default()
    };
    let refused = settle(&bench, on).await.unwrap_err();
    assert_eq!(code(&refused), "MON011");
    assert!(refused.hint().unwrap().contains("--auto-pay-cap"));
    let cap = |amount: Option<Money>| SettingsChange {
        auto_pay_cap: Some(amount),
        ..SettingsChange::default()
    };
    let by_user = bench
        .engine
        .account_settle(&bench.account, &cap(Some(dollars(2_500))), Authority::User)
        .await;
    assert_eq!(code(&by_user.unwrap_err()), "MON013");
    settle(&bench, cap(Some(dollars(900)))).await.unwrap();
    assert_eq!(code(&settle(&bench, on).await.unwrap_err()), "MON012");
    settle(&bench, cap(Some(dollars(2_500)))).await.unwrap();
    settle(&bench, on).await.unwrap();

    forward_to(&bench, Day::of(now(&bench)).next().next());
    let box_ = pod(&bench).await;
    for paid in [1, 2] {
        burn_down_to(&bench, 190).await;
        until("it is topped up", || async {
            look(&bench).await;
            let sheet = bench.engine.balance(&bench.account).await.unwrap();
            (sheet.allowance.used == dollars(1_000 * paid)).then_some(())
        })
        .await;
    }
    burn_down_to(&bench, 190).await;
    burn_down_to(&bench, 1).await;
    comes_to(&bench, &box_, Phase::Stopped).await;
    let payments = bench.store.payment_list(&bench.account, ever()).await;
    let memos: Vec<String> = payments.unwrap().into_iter().map(|p| p.memo).collect();
    assert_eq!(memos.len(), 3, "{memos:?}");
    assert!(memos[2].contains("auto-pay") && memos[2].ends_with("no. 2, invoiced"));
    // Without a cap it is off again.
    let stand = settle(&bench, cap(None)).await.unwrap();
    assert_eq!(stand.settings.auto_pay, AutoPay::Off);
    bench.store.ledger_check().await.unwrap();
}

/// All days that these tests come to.
fn ever() -> Period {
    Period {
        from: "2020-01-01".parse().unwrap(),
        until: "2100-01-01".parse().unwrap(),
    }
}

#[tokio::test]
async fn a_voucher_tops_up_once_whoever_tries_at_once() {
    let bench = prepaid().await;
    let other = bench.engine.account_create("other").await.unwrap().id;
    let little = bench.engine.voucher_create(dollars(999), 1, "").await;
    assert_eq!(code(&little.unwrap_err()), "MON007");
    let made = bench
        .engine
        .voucher_create(dollars(2_500), 3, "for friends");
    let made = made.await.unwrap();
    let codes: Vec<Secret<String>> = made.iter().map(|new| new.code.clone()).collect();
    assert_ne!(codes[0].expose(), codes[1].expose());

    let redeem = async |account: &AccountId, code: &Secret<String>| {
        bench.engine.voucher_redeem(account, code).await
    };
    let scribbled = codes[0].expose().to_lowercase().replace('-', " ");
    let worth = redeem(&bench.account, &Secret::new(scribbled)).await;
    assert_eq!(worth.unwrap(), dollars(2_500));
    assert_eq!(left(&bench).await, dollars(3_500));
    for account in [&bench.account, &other] {
        let again = redeem(account, &codes[0]).await.unwrap_err();
        assert_eq!(code(&again), "MON009");
    }
    let unknown = redeem(&other, &Secret::new("00000-00000-00000-00000".into())).await;
    assert_eq!(code(&unknown.unwrap_err()), "MON008");

    let at_once = futures_util::future::join_all((0..10).map(|number| {
        let account = if number % 2 == 0 {
            &bench.account
        } else {
            &other
        };
        redeem(account, &codes[1])
    }));
    let done = at_once.await.into_iter().filter(Result::is_ok).count();
    assert_eq!(done, 1);
    let listed = bench.engine.voucher_list().await.unwrap();
    let used = listed.iter().filter(|voucher| voucher.redeemed.is_some());
    assert_eq!(used.count(), 2);
    let text = format!("{listed:?}");
    assert!(
        codes
            .iter()
            .all(|code| !text.contains(code.expose().as_str()))
    );
    bench.store.ledger_check().await.unwrap();
}

#[tokio::test]
async fn top_ups_have_a_least_amount_and_count_once() {
    let bench = prepaid().await;
    let grant = async |amount, reference| {
        let engine = &bench.engine;
        engine
            .account_grant(&bench.account, amount, reference)
            .await
    };
    let little = grant(Money::from_nanos(9_999_999_999), "x").await;
    assert_eq!(
        little.unwrap_err().to_string(),
        "a top-up of $9.999999999 is too small; the least is $10.00"
    );
    let too_much = grant(Money::from_nanos(i64::MAX), "x").await.unwrap_err();
    assert_eq!(code(&too_much), "MON016");
    let vouchers = bench
        .engine
        .voucher_create(Money::from_nanos(i64::MAX), 1, "");
    assert_eq!(code(&vouchers.await.unwrap_err()), "MON016");
    assert_eq!(
        grant(dollars(1_500), "invoice 7").await.unwrap(),
        Posted::New
    );
    let again = grant(dollars(1_500), "invoice 7").await.unwrap();
    assert_eq!(again, Posted::Replayed);
    let more = grant(dollars(25_000), "invoice 7").await.unwrap_err();
    assert_eq!(code(&more), "MON015");
    assert_eq!(left(&bench).await, dollars(2_500));
    // What the owner pays is not what the account paid itself, by whatever name.
    grant(dollars(1_000), "auto-pay of the club").await.unwrap();
    let sheet = bench.engine.balance(&bench.account).await.unwrap();
    assert_eq!(sheet.allowance.used, Money::ZERO);
    for name in ["", " ", "acc_x", "a\u{7}b"] {
        let refused = bench.engine.account_create(name).await.unwrap_err();
        assert_eq!(code(&refused), "MON006", "{name:?}");
    }
    let twice = bench.engine.account_create("lab").await.unwrap_err();
    assert_eq!(code(&twice), "MON005");
    let nobody = bench.engine.account_fetch("nobody").await.unwrap_err();
    assert!(matches!(
        nobody,
        Error::Credit(CreditError::AccountNotFound(_))
    ));
}

#[tokio::test]
async fn a_statement_adds_up_to_the_ledger() {
    let bench = prepaid().await;
    let box_ = pod(&bench).await;
    bench.clock.forward(HOURS);
    until("an hour is charged", || async {
        let sheet = bench.engine.balance(&bench.account).await.unwrap();
        (sheet.spent.month >= box_.offer.price.per_hour()).then_some(())
    })
    .await;
    bench.clock.forward(30 * HOURS / 60);
    let spending = bench.engine.spending(&bench.account, SpentOn::Living);
    let spending = spending.await.unwrap();
    assert_eq!(spending.len(), 1);
    assert_eq!(
        (spending[0].name.as_str(), spending[0].state.as_str()),
        ("box", "running")
    );
    assert_eq!(spending[0].hourly, box_.offer.price.per_hour());
    assert!(spending[0].so_far >= box_.offer.price.per_hour());
    bench
        .engine
        .pod_terminate(&bench.account, "box")
        .await
        .unwrap();
    until("it is settled", || async {
        let pod = bench.engine.pod_fetch(&bench.account, box_.id.as_str());
        pod.await.unwrap().ended
    })
    .await;

    let query = StatementQuery {
        period: ever(),
        by: Grouping::Subjects,
        after: None,
        most: 100,
    };
    let statement = bench
        .engine
        .statement(&bench.account, &query)
        .await
        .unwrap();
    let charged = bench.store.pod_charged(&box_.id).await.unwrap();
    assert_eq!(statement.charged, charged);
    let lines: Money = statement.lines.iter().map(|(line, _)| line.amount).sum();
    assert_eq!(lines, charged);
    assert_eq!(statement.lines[0].1.as_deref(), Some("box"));
    let book = Book::Balance(bench.account.clone());
    let balance = bench.store.balance(&book).await.unwrap();
    assert_eq!(statement.closing, balance);
    assert_eq!(
        (statement.opening, statement.payments.len()),
        (Money::ZERO, 1)
    );
    let gone = bench.engine.spending(&bench.account, SpentOn::ThisMonth);
    let gone = gone.await.unwrap();
    assert_eq!((gone[0].state.as_str(), gone[0].so_far), ("ended", charged));
    let earned: Money = bench
        .engine
        .earnings()
        .await
        .unwrap()
        .into_iter()
        .map(|(_, amount)| amount)
        .sum();
    assert_eq!(earned, charged);
    bench.store.ledger_check().await.unwrap();
}
