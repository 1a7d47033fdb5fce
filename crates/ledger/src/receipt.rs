//! What a user is shown at the end: each line, what, how long, rate and amount.

use livery_units::{Money, MoneyError, Rate, Span};
use std::fmt;

/// One line of a receipt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// What was used.
    pub what: String,
    /// For how long.
    pub how_long: Span,
    /// At which rate.
    pub rate: Rate,
    /// What was charged for it.
    pub amount: Money,
}

/// Lines and their sum; prints as an aligned table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The lines.
    pub lines: Vec<Line>,
    /// Their sum.
    pub total: Money,
}

/// Adds lines up.
///
/// # Errors
/// [`MoneyError`] when the sum is beyond the range of [`Money`].
pub fn receipt(lines: Vec<Line>) -> Result<Receipt, MoneyError> {
    let total = lines
        .iter()
        .try_fold(Money::ZERO, |sum, line| sum.plus(line.amount))?;
    Ok(Receipt { lines, total })
}

impl fmt::Display for Receipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rows = vec![["WHAT", "HOW LONG", "RATE", "AMOUNT"].map(str::to_owned)];
        rows.extend(self.lines.iter().map(|line| {
            let how_long = line.how_long.to_string();
            let (rate, amount) = (line.rate.shown(), line.amount.shown());
            [line.what.clone(), how_long, rate, amount]
        }));
        let total = self.total.shown();
        rows.push(["total".to_owned(), String::new(), String::new(), total]);
        let width = |column: usize| {
            let cells = rows.iter().map(|row| row[column].chars().count());
            cells.max().unwrap_or(0)
        };
        let [what, how_long, rate, amount] = [0, 1, 2, 3].map(width);
        for (index, row) in rows.iter().enumerate() {
            let [a, b, c, d] = row;
            write!(f, "{a:<what$}  {b:>how_long$}  {c:>rate$}  {d:>amount$}")?;
            if index + 1 < rows.len() {
                writeln!(f)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_receipt_is_an_aligned_table_with_its_total() {
        let rate = Rate::hourly(Money::from_nanos(360_000_000));
        let line = |what: &str, secs: u64| Line {
            what: what.to_owned(),
            how_long: Span::from_secs(secs),
            rate,
            amount: rate.accrued(Span::from_secs(secs)).unwrap(),
        };
        let receipt = receipt(vec![
            line("pod digits on 1x RTX 4090", 3_600),
            line("x", 10),
        ]);
        let text = receipt.unwrap().to_string();
        let wanted = "\
WHAT                       HOW LONG     RATE  AMOUNT
pod digits on 1x RTX 4090    1h 00m  $0.36/h   $0.36
x                             10.0s  $0.36/h  $0.001
total                                          $0.36";
        assert_eq!(text, wanted);
    }

    #[test]
    fn a_sum_out_of_range_is_an_error() {
        let line = Line {
            what: String::new(),
            how_long: Span::ZERO,
            rate: Rate::FREE,
            amount: Money::from_nanos(i64::MAX),
        };
        assert_eq!(receipt(vec![line.clone(), line]), Err(MoneyError));
    }
}
