//! Calls about accounts and their money. Those with an account are for the control plane's owner; without
//! one they are about the caller's own.

use super::{Client, empty, part, query};
use crate::Error;
use crate::dto::{
    Account, AccountChange, AccountCreated, AccountList, Balance, Earnings, Grant, Granted,
    NewAccount, NewVouchers, Redeem, Redeemed, Spend, SpendQuery, Statement, StatementQuery,
    VoucherList, VouchersCreated,
};
use http::Method;

impl Client {
    /// Returns how an account's money stands.
    pub async fn balance(&self, account: Option<&str>) -> Result<Balance, Error> {
        self.get(&of(account, "balance")).await
    }

    /// Returns what is being spent, and on what.
    pub async fn spend(
        &self,
        account: Option<&str>,
        question: &SpendQuery,
    ) -> Result<Spend, Error> {
        self.get(&query(&of(account, "spend"), question)).await
    }

    /// Returns a page of a statement.
    pub async fn statement(
        &self,
        account: Option<&str>,
        question: &StatementQuery,
    ) -> Result<Statement, Error> {
        self.get(&query(&of(account, "statement"), question)).await
    }

    /// Returns all of a statement as CSV.
    pub async fn statement_csv(
        &self,
        account: Option<&str>,
        question: &StatementQuery,
    ) -> Result<crate::ByteStream, Error> {
        let path = query(&of(account, "statement.csv"), question);
        let response = self.send(Method::GET, &path, None, empty()).await?;
        Ok(self.stream(response))
    }

    /// Returns what hosts and suppliers have earned.
    pub async fn earnings(&self) -> Result<Earnings, Error> {
        self.get("/v1/earnings").await
    }

    /// Returns an account.
    pub async fn account(&self, account: Option<&str>) -> Result<Account, Error> {
        match account {
            None => self.get("/v1/account").await,
            Some(account) => self.get(&format!("/v1/accounts/{}", part(account))).await,
        }
    }

    /// Changes what is settled for an account.
    pub async fn account_settle(
        &self,
        account: Option<&str>,
        change: &AccountChange,
    ) -> Result<Account, Error> {
        match account {
            None => self.post_json("/v1/account", change).await,
            Some(_) => self.post_json(&of(account, "settings"), change).await,
        }
    }

    /// Returns all accounts.
    pub async fn accounts(&self) -> Result<AccountList, Error> {
        self.get("/v1/accounts").await
    }

    /// Makes an account with its first token.
    pub async fn account_create(&self, account: &NewAccount) -> Result<AccountCreated, Error> {
        self.post_json("/v1/accounts", account).await
    }

    /// Tops an account up.
    pub async fn account_grant(&self, account: &str, grant: &Grant) -> Result<Granted, Error> {
        self.post_json(&of(Some(account), "grant"), grant).await
    }

    /// Makes vouchers.
    pub async fn voucher_create(&self, vouchers: &NewVouchers) -> Result<VouchersCreated, Error> {
        self.post_json("/v1/vouchers", vouchers).await
    }

    /// Returns all vouchers.
    pub async fn vouchers(&self) -> Result<VoucherList, Error> {
        self.get("/v1/vouchers").await
    }

    /// Redeems a voucher for the caller's account.
    pub async fn redeem(&self, redeem: &Redeem) -> Result<Redeemed, Error> {
        self.post_json("/v1/redeem", redeem).await
    }
}

fn of(account: Option<&str>, what: &str) -> String {
    match account {
        None => format!("/v1/{what}"),
        Some(account) => format!("/v1/accounts/{}/{what}", part(account)),
    }
}
