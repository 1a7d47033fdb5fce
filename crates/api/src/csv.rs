//! Statements as CSV, by RFC 4180: a header, CRLF at the end of each line, quotes where they are
//! needed.

use crate::dto::Statement;
use livery_units::{Day, Money};

/// The first line of a statement as CSV.
pub const STATEMENT_HEADER: &str = "date,kind,id,name,item,amount_usd\r\n";

/// Returns the lines of a statement's payments: amounts are positive.
pub fn payment_rows(statement: &Statement) -> String {
    let rows = statement.payments.iter().map(|payment| {
        let date = Day::of(payment.at).to_string();
        let amount = plain(payment.amount);
        row(&[&date, "payment", &payment.id, &payment.memo, "", &amount])
    });
    rows.collect()
}

/// Returns the lines of a statement's charges: amounts are negative, so that a column adds up to what
/// the balance changed by.
pub fn charge_rows(statement: &Statement) -> String {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let rows = statement.lines.iter().map(|line| {
        let date = line.day.map_or_else(String::new, |day| day.to_string());
        let amount = plain(Money::ZERO.saturating_minus(line.amount));
        let (id, name, item) = (text(&line.id), text(&line.name), text(&line.item));
        row(&[&date, "charge", &id, &name, &item, &amount])
    });
    rows.collect()
}

fn plain(amount: Money) -> String {
    amount.to_string().replace('$', "")
}

fn row(fields: &[&str; 6]) -> String {
    let mut text = String::new();
    for (index, field) in fields.iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        // Amounts are ours and may begin with a minus; the rest comes from users.
        if index + 1 == fields.len() {
            text.push_str(field);
        } else {
            push_field(&mut text, field);
        }
    }
    text.push_str("\r\n");
    text
}

/// Writes a field; one that a spreadsheet would take for a formula gets an apostrophe before it.
fn push_field(text: &mut String, field: &str) {
    let formula = field.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let mark = if formula { "'" } else { "" };
    if field.contains([',', '"', '\r', '\n']) {
        text.push('"');
        text.push_str(mark);
        text.push_str(&field.replace('"', "\"\""));
        text.push('"');
    } else {
        text.push_str(mark);
        text.push_str(field);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dto::{Payment, StatementLine};
    use livery_units::{AccountId, Timestamp};

    fn line(name: &str) -> StatementLine {
        StatementLine {
            day: Some("2026-11-21".parse().unwrap()),
            id: Some("pod_1".to_owned()),
            name: Some(name.to_owned()),
            item: Some("compute".to_owned()),
            amount: Money::from_nanos(97_222),
        }
    }

    #[test]
    fn every_name_is_one_field_and_no_formula() {
        let statement = Statement {
            account: AccountId::from_entropy(1),
            from: "2026-11-01".parse().unwrap(),
            to: "2026-11-30".parse().unwrap(),
            opening: Money::ZERO,
            payments: vec![Payment {
                id: "tr_1".to_owned(),
                at: Timestamp::from_millis(1_795_219_200_000),
                amount: Money::from_nanos(10_000_000_000),
                memo: "top-up voucher 0123".to_owned(),
            }],
            charged: Money::ZERO,
            closing: Money::ZERO,
            lines: vec![
                line("plain"),
                line("a, \"b\"\nc"),
                line("=HYPERLINK(1)"),
                line("-1,2"),
            ],
            next: None,
        };
        assert_eq!(
            payment_rows(&statement),
            "2026-11-21,payment,tr_1,top-up voucher 0123,,10.00\r\n"
        );
        assert_eq!(
            charge_rows(&statement),
            "2026-11-21,charge,pod_1,plain,compute,-0.000097222\r\n\
             2026-11-21,charge,pod_1,\"a, \"\"b\"\"\nc\",compute,-0.000097222\r\n\
             2026-11-21,charge,pod_1,'=HYPERLINK(1),compute,-0.000097222\r\n\
             2026-11-21,charge,pod_1,\"'-1,2\",compute,-0.000097222\r\n"
        );
    }
}
