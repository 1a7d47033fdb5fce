//! Prices as the files write them: `0.35`, `0.20-0.35`, `19/month`, `0.00015/s`.

use livery_units::{Money, Per, Rate};

/// A million dollars: more is a slip of the finger.
const MONEY_MAX: Money = Money::from_nanos(1_000_000 * 1_000_000_000);

/// A price, and the upper end when it is a range.
pub(crate) type Price = (Rate, Option<Rate>);

/// Reads a price per hour, or per what stands after the slash.
pub(crate) fn price(text: &str) -> Result<Price, String> {
    let (amounts, per) = unit(text)?;
    let rate = |amount: &str| money(amount).map(|amount| Rate { amount, per });
    // A range needs something on both sides: `-1` is a negative price.
    match amounts.split_once('-').filter(|(low, _)| !low.is_empty()) {
        None => Ok((rate(amounts)?, None)),
        Some((low, high)) => {
            let (low, high) = (rate(low)?, rate(high)?);
            if high.amount <= low.amount {
                return Err(format!("the range `{text}` does not rise"));
            }
            Ok((low, Some(high)))
        }
    }
}

/// Reads a price that is no range.
pub(crate) fn single(text: &str) -> Result<Rate, String> {
    match price(text)? {
        (rate, None) => Ok(rate),
        (_, Some(_)) => Err(format!("`{text}` is a range, and one figure belongs here")),
    }
}

/// Reads an amount that is neither negative nor absurd.
pub(crate) fn money(text: &str) -> Result<Money, String> {
    let amount: Money = text.parse().map_err(|why| format!("{why}"))?;
    if amount.is_negative() {
        return Err(format!("`{text}` is negative"));
    }
    if amount > MONEY_MAX {
        return Err(format!("`{text}` is more than {MONEY_MAX}"));
    }
    Ok(amount)
}

fn unit(text: &str) -> Result<(&str, Per), String> {
    match text.split_once('/') {
        None | Some((_, "h")) => Ok((text.trim_end_matches("/h"), Per::Hour)),
        Some((amount, "s")) => Ok((amount, Per::Second)),
        Some((amount, "month")) => Ok((amount, Per::Month)),
        Some((_, other)) => Err(format!(
            "`{other}` is not a unit of time (one of: h, s, month)"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_are_read_with_their_unit_and_their_range() {
        for (text, shown) in [
            ("0.35", "$0.35/h"),
            ("$3.06/h", "$3.06/h"),
            ("19/month", "$19.00/month"),
            ("0.00015/s", "$0.00015/s"),
            ("0", "$0.00/h"),
        ] {
            let (rate, high) = price(text).unwrap();
            assert_eq!((rate.to_string().as_str(), high), (shown, None));
        }
        let (low, high) = price("0.20-0.35").unwrap();
        assert_eq!(low.to_string(), "$0.20/h");
        assert_eq!(high.unwrap().to_string(), "$0.35/h");
    }

    #[test]
    fn what_is_no_price_is_refused() {
        for text in [
            "",
            "-1",
            "0.35-0.20",
            "1-1",
            "1/day",
            "free",
            "1-",
            "2000000",
            "1e3",
            "/h",
        ] {
            assert!(price(text).is_err(), "{text}");
        }
        assert!(single("1-2").is_err());
    }
}
