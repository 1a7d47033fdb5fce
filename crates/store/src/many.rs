//! Statements for many rows at once.
//!
//! A statement's text depends on how many rows it is for, and a connection keeps the plans of few
//! texts: rows are therefore cut into slices of few sizes.

use std::fmt::Write as _;

/// The sizes of slices, the largest first. More rows would not be faster: for each value that is bound
/// SQLite's driver walks through the names of all places before it.
const SIZES: [usize; 3] = [16, 4, 1];

/// Cuts rows into slices of few sizes.
pub(crate) fn slices<T>(rows: &[T]) -> impl Iterator<Item = &[T]> {
    let mut rest = rows;
    std::iter::from_fn(move || {
        let size = SIZES.into_iter().find(|size| *size <= rest.len())?;
        let (slice, after) = rest.split_at(size);
        rest = after;
        Some(slice)
    })
}

/// Writes the places of `rows` times `columns` values, numbered after the first `taken`:
/// `($1, $2), ($3, $4)`.
pub(crate) fn places(rows: usize, columns: usize, taken: usize) -> String {
    let mut text = String::with_capacity(rows * columns * 6);
    for row in 0..rows {
        text.push_str(if row == 0 { "(" } else { ", (" });
        for column in 0..columns {
            let separator = if column == 0 { "" } else { ", " };
            // Writing to a String cannot fail.
            let _ = write!(text, "{separator}${}", taken + row * columns + column + 1);
        }
        text.push(')');
    }
    text
}

/// Writes the places of a list of `count` values: `($1, $2, $3)`.
pub(crate) fn list(count: usize) -> String {
    places(1, count, 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_have_few_sizes_and_lose_nothing() {
        let rows: Vec<usize> = (0..41).collect();
        let cut: Vec<&[usize]> = slices(&rows).collect();
        let sizes: Vec<usize> = cut.iter().map(|slice| slice.len()).collect();
        assert_eq!(sizes, [16, 16, 4, 4, 1]);
        assert_eq!(cut.concat(), rows);
        assert_eq!(slices::<u8>(&[]).count(), 0);
    }

    #[test]
    fn places_are_numbered_through() {
        assert_eq!(places(2, 2, 0), "($1, $2), ($3, $4)");
        assert_eq!(places(2, 1, 3), "($4), ($5)");
        assert_eq!(list(3), "($1, $2, $3)");
    }
}
