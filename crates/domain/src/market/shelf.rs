//! Many offers, laid out for searching: a column for each field.
//!
//! A filter runs down the columns that it asks for and touches no others. Texts are kept once each,
//! in sorted order, with a number per row; a condition on a text is tried on each distinct text,
//! and sorting by a text is sorting by its number.

use super::filter::{FIELDS, Field, Filter, Kind, Test, Value};
use super::order::{Direction, Order};
use super::row::{Key, Row};
use std::cmp::Ordering;
use std::collections::HashMap;

/// Offers and listings, ready to be searched. They are spoken of by their index.
#[derive(Debug, Clone)]
pub struct Shelf {
    len: usize,
    columns: Vec<Column>,
}

/// The values of one field, one per row.
#[derive(Debug, Clone)]
struct Column {
    /// Numbers; for texts, their place in `words`.
    keys: Vec<i64>,
    /// The distinct texts, sorted.
    words: Vec<String>,
}

/// Stands for what a row does not tell.
const UNKNOWN: i64 = i64::MIN;

impl Shelf {
    /// Lays rows out.
    pub fn new(rows: &[Row]) -> Self {
        Self {
            len: rows.len(),
            columns: FIELDS
                .iter()
                .map(|info| Column::new(info.field, rows))
                .collect(),
        }
    }

    /// Returns how many rows there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Returns whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Returns the indices of the rows for which all conditions hold, sorted.
    pub fn search(&self, filter: &Filter, order: &Order) -> Vec<usize> {
        let mut kept = vec![true; self.len];
        for condition in &filter.conditions {
            let column = self.column(condition.field);
            column.keep(condition.field.info().kind, &condition.test, &mut kept);
        }
        let indices = (0..)
            .zip(&kept)
            .filter(|(_, kept)| **kept)
            .map(|(index, _)| index);
        self.sorted(indices, order)
    }

    fn sorted(&self, indices: impl Iterator<Item = u32>, order: &Order) -> Vec<usize> {
        let mut columns = order
            .fields()
            .iter()
            .map(|(field, way)| (self.column(*field), *way));
        let Some((first, way)) = columns.next() else {
            return indices.map(|index| index as usize).collect();
        };
        let others: Vec<(&Column, Direction)> = columns.collect();
        let mut pairs: Vec<(i64, u32)> = indices
            .map(|index| (sort_key(first.keys[index as usize], way), index))
            .collect();
        if others.is_empty() {
            pairs.sort_unstable();
        } else {
            pairs.sort_unstable_by(|a, b| {
                let by_others = || compare(&others, a.1 as usize, b.1 as usize);
                a.0.cmp(&b.0).then_with(by_others).then(a.1.cmp(&b.1))
            });
        }
        pairs.into_iter().map(|(_, index)| index as usize).collect()
    }

    fn column(&self, field: Field) -> &Column {
        &self.columns[field as usize]
    }
}

fn compare(columns: &[(&Column, Direction)], a: usize, b: usize) -> Ordering {
    let orders = columns
        .iter()
        .map(|(column, way)| sort_key(column.keys[a], *way).cmp(&sort_key(column.keys[b], *way)));
    orders.fold(Ordering::Equal, Ordering::then)
}

/// Returns a number that sorts as wished, with what is unknown last either way.
fn sort_key(key: i64, way: Direction) -> i64 {
    match (key, way) {
        (UNKNOWN, _) => i64::MAX,
        (known, Direction::Ascending) => known,
        // The greatest becomes the least, and nothing overflows.
        (known, Direction::Descending) => !known,
    }
}

impl Column {
    fn new(field: Field, rows: &[Row]) -> Self {
        if field.info().kind.is_text() {
            return Self::of_texts(field, rows);
        }
        let number = |row: &Row| match row.key(field) {
            Key::Number(number) => number,
            Key::Unknown | Key::Text(_) => UNKNOWN,
        };
        Self {
            keys: rows.iter().map(number).collect(),
            words: Vec::new(),
        }
    }

    fn of_texts(field: Field, rows: &[Row]) -> Self {
        let text = |row| match Row::text(row, field) {
            Some("") | None => None,
            found => found,
        };
        let mut places: HashMap<&str, i64> =
            rows.iter().filter_map(text).map(|text| (text, 0)).collect();
        let mut words: Vec<&str> = places.keys().copied().collect();
        words.sort_by_cached_key(|word| (word.to_lowercase(), *word));
        for (place, word) in (0..).zip(&words) {
            places.insert(word, place);
        }
        let key = |row| {
            text(row)
                .and_then(|text| places.get(text))
                .copied()
                .unwrap_or(UNKNOWN)
        };
        Self {
            keys: rows.iter().map(key).collect(),
            words: words.iter().map(|word| (*word).to_owned()).collect(),
        }
    }

    /// Crosses out the rows for which the test does not hold.
    fn keep(&self, kind: Kind, test: &Test, kept: &mut [bool]) {
        if kind.is_text() {
            let holds: Vec<bool> = self
                .words
                .iter()
                .map(|word| test.holds_text(kind, word))
                .collect();
            let of = |key: i64| usize::try_from(key).is_ok_and(|place| holds[place]);
            return self.cross_out(kept, of);
        }
        match test {
            Test::Range(bound) => {
                let (least, most) = bound.ends();
                self.cross_out(kept, |key| key >= least && key <= most);
            }
            Test::OneOf(values) => match values.as_slice() {
                [Value::Number(only)] => self.cross_out(kept, |key| key == *only),
                _ => self.cross_out(kept, |key| key != UNKNOWN && test.holds_number(key)),
            },
            Test::NoneOf(_) => self.cross_out(kept, |key| key != UNKNOWN && test.holds_number(key)),
        }
    }

    fn cross_out(&self, kept: &mut [bool], holds: impl Fn(i64) -> bool) {
        for (kept, key) in kept.iter_mut().zip(&self.keys) {
            *kept &= holds(*key);
        }
    }
}
