//! The engine's surface about accounts and their money.

use super::accounts::{self, Authority, SettingsChange};
use super::sheet::{self, BalanceSheet, Spending, SpentOn};
use super::statement::{self, Statement, StatementQuery};
use super::vouchers::{self, NewVoucher};
use crate::engine::Engine;
use crate::error::Error;
use livery_ledger::Book;
use livery_store::{AccountStand, Posted, Voucher};
use livery_units::{AccountId, HostId, Money, Secret};

/// Who earns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Earner {
    /// A host of ours, for its owner.
    Host(HostId),
    /// A supplier, by its name.
    Supplier(String),
}

impl Engine {
    /// Returns how every account's money stands, the oldest account first.
    pub async fn account_list(&self) -> Result<Vec<AccountStand>, Error> {
        Ok(self.services.store.account_stands().await?)
    }

    /// Returns one account by id or name.
    pub async fn account_fetch(&self, id_or_name: &str) -> Result<AccountStand, Error> {
        accounts::find(&self.services, id_or_name).await
    }

    /// Makes a prepaid account.
    pub async fn account_create(&self, name: &str) -> Result<AccountStand, Error> {
        accounts::create(&self.services, name).await
    }

    /// Tops an account up; `reference` names the payment, and the same payment counts once.
    pub async fn account_grant(
        &self,
        account: &AccountId,
        amount: Money,
        reference: &str,
    ) -> Result<Posted, Error> {
        accounts::grant(&self.services, account, amount, reference).await
    }

    /// Changes what is settled for an account.
    pub async fn account_settle(
        &self,
        account: &AccountId,
        change: &SettingsChange,
        authority: Authority,
    ) -> Result<AccountStand, Error> {
        accounts::settle(&self.services, account, change, authority).await
    }

    /// Returns how an account's money stands, with what is not charged yet.
    pub async fn balance(&self, account: &AccountId) -> Result<BalanceSheet, Error> {
        sheet::balance(&self.services, account).await
    }

    /// Returns what each pod and network volume of an account costs, the dearest of now first.
    pub async fn spending(&self, account: &AccountId, on: SpentOn) -> Result<Vec<Spending>, Error> {
        sheet::spending(&self.services, account, on).await
    }

    /// Returns a page of an account's statement.
    pub async fn statement(
        &self,
        account: &AccountId,
        query: &StatementQuery,
    ) -> Result<Statement, Error> {
        statement::statement(&self.services, account, query).await
    }

    /// Returns what every host of ours and every supplier has earned.
    pub async fn earnings(&self) -> Result<Vec<(Earner, Money)>, Error> {
        let books = self.services.store.earnings().await?;
        let earned = books.into_iter().filter_map(|(book, amount)| {
            let earner = match book {
                Book::Earnings(host) => Earner::Host(host),
                Book::Earned(supplier) => Earner::Supplier(supplier),
                Book::Balance(_) | Book::Held(_) | Book::Outside => return None,
            };
            Some((earner, amount))
        });
        Ok(earned.collect())
    }

    /// Makes vouchers of the same worth, with their codes, which are known only now.
    pub async fn voucher_create(
        &self,
        amount: Money,
        count: u32,
        label: &str,
    ) -> Result<Vec<NewVoucher>, Error> {
        vouchers::create(&self.services, amount, count, label).await
    }

    /// Returns all vouchers, the oldest first.
    pub async fn voucher_list(&self) -> Result<Vec<Voucher>, Error> {
        Ok(self.services.store.voucher_list().await?)
    }

    /// Redeems a voucher's code for an account; returns what it was worth.
    pub async fn voucher_redeem(
        &self,
        account: &AccountId,
        code: &Secret<String>,
    ) -> Result<Money, Error> {
        vouchers::redeem(&self.services, account, code).await
    }
}
