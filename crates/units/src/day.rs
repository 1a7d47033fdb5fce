//! Days and months of the calendar, in UTC.

use crate::{Span, Timestamp};
use std::fmt;
use std::str::FromStr;

/// A day of the Gregorian calendar in UTC; prints as `2026-11-21`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(i64);

/// A text that is not a day.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a day (write it as 2026-11-21)")]
pub struct ParseDayError(String);

const DAY_MS: i64 = 24 * 3_600_000;

impl Day {
    /// Returns the day on which a point in time lies.
    pub const fn of(at: Timestamp) -> Self {
        Self(at.millis().div_euclid(DAY_MS))
    }

    /// Makes a day from its parts, or `None` when the calendar has no such day.
    pub fn from_ymd(year: i64, month: u32, day: u32) -> Option<Self> {
        if !(0..=9_999).contains(&year) || !(1..=12).contains(&month) {
            return None;
        }
        let found = Self(days_from_civil(year, month, day));
        (found.ymd() == (year, month, day)).then_some(found)
    }

    /// Returns year, month (from 1) and day of the month (from 1).
    pub fn ymd(self) -> (i64, u32, u32) {
        civil_from_days(self.0)
    }

    /// Returns the first millisecond of the day.
    pub const fn start(self) -> Timestamp {
        Timestamp::from_millis(self.0.saturating_mul(DAY_MS))
    }

    /// Returns the day after.
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// Returns the first day of the month in which this lies.
    pub fn month_start(self) -> Self {
        let (_, _, day) = self.ymd();
        Self(self.0 - i64::from(day) + 1)
    }

    /// Returns the last day of the month in which this lies.
    pub fn month_end(self) -> Self {
        // No month is longer, so that this lies in the next one.
        let next = Self(self.month_start().0 + 31);
        Self(next.month_start().0 - 1)
    }

    /// Returns how long before `later` this began; none if it is later itself.
    pub fn age(self, later: Timestamp) -> Span {
        later.since(self.start())
    }
}

impl Timestamp {
    /// Returns hour, minute and second of the day on which it lies, in UTC.
    pub fn time_of_day(self) -> (u64, u64, u64) {
        let secs = self.since(Day::of(self).start()).secs();
        (secs / 3_600, secs % 3_600 / 60, secs % 60)
    }
}

/// Counts days from 1970-01-01; a year begins in March here, so that a leap day is its last.
fn days_from_civil(year: i64, month: u32, day: u32) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let from_march = i64::from((month + 9) % 12);
    let day_of_year = (153 * from_march + 2) / 5 + i64::from(day) - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

fn civil_from_days(days: i64) -> (i64, u32, u32) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 {
        from_march + 3
    } else {
        from_march - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let small = |number: i64| u32::try_from(number).unwrap_or(0);
    (year, small(month), small(day))
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.ymd();
        f.pad(&format!("{year:04}-{month:02}-{day:02}"))
    }
}

impl FromStr for Day {
    type Err = ParseDayError;

    fn from_str(text: &str) -> Result<Self, ParseDayError> {
        let fail = || ParseDayError(text.to_owned());
        let parts: Vec<&str> = text.split('-').collect();
        let [year, month, day] = parts.as_slice() else {
            return Err(fail());
        };
        let digits = |part: &str, length: usize| {
            part.len() == length && part.bytes().all(|byte| byte.is_ascii_digit())
        };
        if !digits(year, 4) || !digits(month, 2) || !digits(day, 2) {
            return Err(fail());
        }
        let year = year.parse().map_err(|_| fail())?;
        let month = month.parse().map_err(|_| fail())?;
        let day = day.parse().map_err(|_| fail())?;
        Self::from_ymd(year, month, day).ok_or_else(fail)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_print_and_parse() {
        for (text, millis) in [
            ("1970-01-01", 0),
            ("2000-02-29", 951_782_400_000),
            ("2026-11-21", 1_795_219_200_000),
            ("1969-12-31", -DAY_MS),
        ] {
            let day: Day = text.parse().unwrap();
            assert_eq!(day.start().millis(), millis, "{text}");
            assert_eq!(day.to_string(), text);
            assert_eq!(Day::of(Timestamp::from_millis(millis + DAY_MS - 1)), day);
        }
    }

    #[test]
    fn every_day_of_eight_centuries_follows_the_one_before() {
        let mut day: Day = "1600-01-01".parse().unwrap();
        while day.ymd().0 < 2_400 {
            let (year, month, date) = day.ymd();
            assert_eq!(Day::from_ymd(year, month, date), Some(day));
            assert_eq!(day.month_start().ymd(), (year, month, 1));
            let end = day.month_end();
            assert_eq!(end.month_start(), day.month_start());
            assert_eq!(end.next().ymd().2, 1);
            day = day.next();
        }
    }

    #[test]
    fn a_day_has_its_hours_before_1970_too() {
        for (millis, time) in [
            (0, (0, 0, 0)),
            (999, (0, 0, 0)),
            (86_399_999, (23, 59, 59)),
            (-1, (23, 59, 59)),
            (1_795_219_200_000 + 45_296_000, (12, 34, 56)),
        ] {
            assert_eq!(Timestamp::from_millis(millis).time_of_day(), time);
        }
    }

    #[test]
    fn what_is_no_day_is_refused() {
        for text in [
            "",
            "2026-02-29",
            "2026-13-01",
            "2026-00-10",
            "2026-01-32",
            "26-01-01",
            "2026/01/01",
            "2026-1-1",
        ] {
            assert!(text.parse::<Day>().is_err(), "{text}");
        }
    }
}
