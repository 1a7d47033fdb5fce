//! Properties of the words: what is printed is read back, and time is charged once however it is cut.

use livery_units::{Bytes, Money, Per, Rate, Span};
use proptest::prelude::*;

fn rates() -> impl Strategy<Value = Rate> {
    let per = prop::sample::select(vec![Per::Second, Per::Hour, Per::Month]);
    (0_i64..1_000_000_000_000, per).prop_map(|(nanos, per)| Rate {
        amount: Money::from_nanos(nanos),
        per,
    })
}

/// Sizes of every magnitude, and those at which one unit gives way to the next.
fn sizes() -> impl Strategy<Value = u64> {
    let any = (0_u32..64, any::<u64>()).prop_map(|(shift, bits)| bits >> shift);
    let edge = (0_u32..64, 0_u64..3).prop_map(|(shift, off)| (1_u64 << shift) - 1 + off);
    prop_oneof![any, edge]
}

/// Returns the unit that a size is printed in, in bytes.
fn unit_of(bytes: u64) -> u64 {
    let units = [1_u64 << 40, 1 << 30, 1 << 20, 1 << 10];
    units.into_iter().find(|unit| bytes >= *unit).unwrap_or(1)
}

proptest! {
    #[test]
    fn money_is_read_as_it_was_printed(nanos in any::<i64>()) {
        let money = Money::from_nanos(nanos);
        prop_assert_eq!(money.to_string().parse::<Money>(), Ok(money));
        let plain = money.to_string().replace('$', "");
        prop_assert_eq!(plain.parse::<Money>(), Ok(money));
    }

    #[test]
    fn no_text_is_read_as_other_money(text in "[-$]{0,2}[0-9]{0,12}[.]?[0-9]{0,10}") {
        if let Ok(money) = text.parse::<Money>() {
            let digits = text.trim_start_matches(['-', '$']);
            let (whole, decimals) = digits.split_once('.').unwrap_or((digits, ""));
            let nanos: i128 = format!("{whole}{decimals:0<9}").parse().unwrap();
            let signed = if text.starts_with('-') { -nanos } else { nanos };
            prop_assert_eq!(i128::from(money.nanos()), signed);
        }
    }

    #[test]
    fn sums_of_money_are_exact_or_refused(a in any::<i64>(), b in any::<i64>()) {
        let (one, other) = (Money::from_nanos(a), Money::from_nanos(b));
        let plus = one.plus(other).map(|sum| i128::from(sum.nanos())).ok();
        let minus = one.minus(other).map(|rest| i128::from(rest.nanos())).ok();
        let exact = |n: i128| i64::try_from(n).is_ok().then_some(n);
        prop_assert_eq!(plus, exact(i128::from(a) + i128::from(b)));
        prop_assert_eq!(minus, exact(i128::from(a) - i128::from(b)));
    }

    #[test]
    fn a_printed_size_is_read_as_no_more_and_hardly_less(bytes in sizes()) {
        let size = Bytes::new(bytes);
        let read: Bytes = size.to_string().parse().unwrap();
        prop_assert!(read <= size);
        prop_assert!(size.get() - read.get() <= unit_of(bytes) / 10);
        prop_assert_eq!(read.to_string(), size.to_string(), "it prints the same again");
    }

    #[test]
    fn whole_units_of_size_are_exact(count in 0_u64..1_024, unit in 0_usize..5) {
        let (factor, suffixes) = [
            (1, ["B", "b", "B", "b"]),
            (1 << 10, ["KB", "k", "KiB", "ki"]),
            (1 << 20, ["MB", "m", "MiB", "mi"]),
            (1 << 30, ["GB", "", "GiB", "gi"]),
            (1_u64 << 40, ["TB", "t", "TiB", "ti"]),
        ][unit];
        let size = Bytes::new(count * factor);
        prop_assert_eq!(size.to_string().parse::<Bytes>(), Ok(size));
        for suffix in suffixes {
            prop_assert_eq!(format!("{count}{suffix}").parse::<Bytes>(), Ok(size));
            prop_assert_eq!(format!(" {count} {suffix} ").parse::<Bytes>(), Ok(size));
        }
    }

    #[test]
    fn a_printed_span_is_read_as_no_more_and_hardly_less(
        (shift, bits) in (0_u32..64, any::<u64>()),
    ) {
        let span = Span::from_millis(bits >> shift);
        let read: Span = span.to_string().parse().unwrap();
        let exact_to = match span.secs() {
            0 => 1,
            1..60 => 100,
            60..3_600 => 1_000,
            3_600..86_400 => 60_000,
            _ => 3_600_000,
        };
        prop_assert!(read <= span && span.millis() - read.millis() < exact_to);
        prop_assert_eq!(read.to_string(), span.to_string(), "it prints the same again");
    }

    #[test]
    fn the_parts_of_a_span_add_up(
        (days, hours, minutes) in (0_u64..400, 0_u64..100, 0_u64..200),
        (secs, millis) in (0_u64..200, 0_u64..5_000),
    ) {
        let text = format!("{days}d{hours}h {minutes}m{secs}s{millis}ms");
        let total = ((days * 24 + hours) * 60 + minutes) * 60 + secs;
        let whole = Span::from_millis(total * 1_000 + millis);
        prop_assert_eq!(text.parse::<Span>(), Ok(whole));
    }

    #[test]
    fn no_text_makes_a_unit_panic(text in any::<String>(), number in "[0-9.]{0,25}[a-zA-Z ]{0,4}") {
        for text in [text, number] {
            let (money, size) = (text.parse::<Money>(), text.parse::<Bytes>());
            let span = text.parse::<Span>();
            let shown = [money.map(drop).is_ok(), size.map(drop).is_ok(), span.map(drop).is_ok()];
            prop_assert!(!text.is_empty() || shown == [false; 3]);
        }
    }

    #[test]
    fn time_cut_in_any_way_costs_the_same(
        rate in rates(),
        cuts in prop::collection::vec(0_u64..10_000_000, 1..50),
    ) {
        let (mut now, mut charged, mut apart) = (0, Money::ZERO, 0_i128);
        for cut in &cuts {
            now += cut;
            let due = rate.accrued(Span::from_millis(now)).unwrap();
            let charge = due.minus(charged).unwrap();
            prop_assert!(!charge.is_negative(), "time never gives money back");
            charged = charged.plus(charge).unwrap();
            apart += i128::from(rate.accrued(Span::from_millis(*cut)).unwrap().nanos());
        }
        let whole = rate.accrued(Span::from_millis(now)).unwrap();
        prop_assert_eq!(charged, whole);
        // Rounding each interval by itself would lose some, which is why nobody does.
        prop_assert!(apart <= i128::from(whole.nanos()));
    }

    #[test]
    fn what_accrues_is_the_exact_product_rounded_down_once(
        rate in rates(),
        millis in 0_u64..1_000_000_000_000,
    ) {
        let seconds = i128::from(millis / 1_000);
        let exact = i128::from(rate.amount.nanos()) * seconds;
        let per = i128::from(rate.per.millis() / 1_000);
        match rate.accrued(Span::from_millis(millis)) {
            Ok(accrued) => {
                let nanos = i128::from(accrued.nanos());
                prop_assert!(nanos * per <= exact && exact < (nanos + 1) * per);
            }
            Err(_) => prop_assert!(exact / per > i128::from(i64::MAX)),
        }
    }

    #[test]
    fn whole_units_of_time_cost_whole_amounts(rate in rates(), count in 0_u64..500) {
        let accrued = rate.accrued(Span::from_millis(rate.per.millis() * count)).unwrap();
        prop_assert_eq!(accrued.nanos(), rate.amount.nanos() * i64::try_from(count).unwrap());
    }
}

#[test]
fn the_ends_of_the_range_are_read_back() {
    for nanos in [i64::MIN, i64::MIN + 1, -1, 0, 1, i64::MAX] {
        let money = Money::from_nanos(nanos);
        assert_eq!(money.to_string().parse::<Money>(), Ok(money));
    }
    for beyond in ["9223372036.854775808", "-9223372036.854775809"] {
        assert!(beyond.parse::<Money>().is_err(), "{beyond}");
    }
}
