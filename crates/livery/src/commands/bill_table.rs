//! How a statement looks at a terminal.

use crate::ui::listing;
use crate::ui::table::Table;
use livery_api::dto::{EarnerKind, Earnings, Statement, StatementBy, StatementLine};
use livery_units::Money;
use std::io::Write;

/// Prints what was paid in, if anything was.
pub fn payments(statement: &Statement, out: &mut impl Write) -> std::io::Result<()> {
    if statement.payments.is_empty() {
        return Ok(());
    }
    let mut table = Table::new(["PAID IN", "WHAT", "AMOUNT"]);
    for payment in &statement.payments {
        let at = listing::date(payment.at);
        table.row([at, payment.memo.clone(), payment.amount.shown()]);
    }
    writeln!(out, "{}", table.to_text())?;
    out.flush()
}

/// Makes the table of what was charged.
pub fn lines(statement: &Statement, by: StatementBy) -> Table {
    let text = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
    let day = |line: &StatementLine| line.day.map_or("-".to_owned(), |day| day.to_string());
    let mut table = match by {
        StatementBy::Line => Table::new(["DAY", "ID", "NAME", "ITEM", "AMOUNT"]),
        StatementBy::Day => Table::new(["DAY", "AMOUNT"]),
        StatementBy::Pod => Table::new(["ID", "NAME", "ITEM", "AMOUNT"]),
    };
    for line in &statement.lines {
        let amount = line.amount.shown();
        let (id, name, item) = (text(&line.id), text(&line.name), text(&line.item));
        match by {
            StatementBy::Line => table.row([day(line), id, name, item, amount]),
            StatementBy::Day => table.row([day(line), amount]),
            StatementBy::Pod => table.row([id, name, item, amount]),
        }
    }
    table
}

/// Makes the table of sums.
pub fn totals(statement: &Statement) -> Table {
    let paid: Money = statement
        .payments
        .iter()
        .map(|payment| payment.amount)
        .sum();
    let mut table = Table::bare();
    table.row([String::new(), String::new()]);
    for (what, amount) in [
        (format!("before {}", statement.from), statement.opening),
        ("paid in".to_owned(), paid),
        ("charged".to_owned(), statement.charged),
        (format!("after {}", statement.to), statement.closing),
    ] {
        table.row([what, amount.shown()]);
    }
    table
}

/// Makes the table of what hosts and suppliers have earned.
pub fn earnings(earnings: &Earnings) -> Table {
    let mut table = Table::new(["WHO", "KIND", "EARNED"]);
    for earned in &earnings.earned {
        let kind = match earned.kind {
            EarnerKind::Host => "host",
            EarnerKind::Supplier => "supplier",
        };
        table.row([earned.id.clone(), kind.to_owned(), earned.amount.shown()]);
    }
    table
}
