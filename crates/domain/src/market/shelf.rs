//! Many offers, laid out for searching: a column for each field.
//!
//! A filter runs down the columns that it asks for and touches no others. Texts are kept once each,
//! in sorted order, with a number per row; a condition on a text is tried on each distinct text,
//! and sorting by a text is sorting by its number.

use super::filter::{FIELDS, Field, Filter, Kind, Test, Value};
use super::order::{Direction, Order};
use super::row::{Key, Row};
use super::sort::{self, Scale, UNKNOWN};
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
    /// How the numbers are counted when they are sorted.
    scale: Scale,
    /// The distinct texts, sorted.
    words: Vec<String>,
}

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
        let mut found: Vec<u32> = (0..)
            .zip(&kept)
            .filter(|(_, kept)| **kept)
            .map(|(index, _)| index)
            .collect();
        let key = |(field, way): &(Field, Direction)| {
            let column = self.column(*field);
            sort::Key {
                keys: &column.keys,
                scale: column.scale,
                way: *way,
            }
        };
        let by: Vec<sort::Key<'_>> = order.fields().iter().map(key).collect();
        sort::sort(&mut found, &by);
        found.into_iter().map(|index| index as usize).collect()
    }

    fn column(&self, field: Field) -> &Column {
        &self.columns[field as usize]
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
        Self::of(rows.iter().map(number).collect(), Vec::new())
    }

    fn of(keys: Vec<i64>, words: Vec<String>) -> Self {
        Self {
            scale: Scale::of(&keys),
            keys,
            words,
        }
    }

    fn of_texts(field: Field, rows: &[Row]) -> Self {
        let text = |row| match Row::text(row, field) {
            Some("") | None => None,
            found => found,
        };
        let mut places: HashMap<&str, usize> = HashMap::new();
        let mut words: Vec<&str> = Vec::new();
        // First in the order of appearance: a text is looked up only once for each row.
        let seen: Vec<Option<usize>> = rows
            .iter()
            .map(|row| {
                let text = text(row)?;
                Some(*places.entry(text).or_insert_with(|| {
                    words.push(text);
                    words.len() - 1
                }))
            })
            .collect();
        let mut sorted: Vec<usize> = (0..words.len()).collect();
        sorted.sort_by_cached_key(|place| (words[*place].to_lowercase(), words[*place]));
        let mut ranks = vec![UNKNOWN; words.len()];
        for (rank, place) in (0..).zip(&sorted) {
            ranks[*place] = rank;
        }
        let rank = |place: &Option<usize>| place.map_or(UNKNOWN, |place| ranks[place]);
        let word = |place: &usize| words[*place].to_owned();
        Self::of(
            seen.iter().map(rank).collect(),
            sorted.iter().map(word).collect(),
        )
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
