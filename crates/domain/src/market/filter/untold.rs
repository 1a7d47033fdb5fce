//! What a filter could not check, because offers do not tell.

use super::{Field, Filter};
use crate::market::row::{Key, Row};

/// Offers that may be what is sought: the filter holds for them as far as they tell.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Untold {
    /// How many.
    pub rows: usize,
    /// Each field that some of them do not tell, in the filter's order, and how many do not.
    pub fields: Vec<(Field, usize)>,
}

impl Filter {
    /// Returns how many offers do not match only because they do not tell what is asked for.
    ///
    /// They are left out all the same, as Vast.ai's search leaves them out; but a user whose search
    /// finds nothing has to know why.
    pub fn untold<'a>(&self, rows: impl IntoIterator<Item = &'a Row>) -> Untold {
        let mut untold = Untold::default();
        for row in rows {
            let missing = self.missing(row);
            untold.rows += usize::from(!missing.is_empty());
            for field in missing {
                match untold.fields.iter_mut().find(|(known, _)| *known == field) {
                    Some((_, count)) => *count += 1,
                    None => untold.fields.push((field, 1)),
                }
            }
        }
        let place = |field: Field| self.conditions.iter().position(|c| c.field == field);
        untold.fields.sort_by_key(|(field, _)| place(*field));
        untold
    }

    /// Returns the fields that a row does not tell; none when it tells enough to know that the filter
    /// does not hold.
    fn missing(&self, row: &Row) -> Vec<Field> {
        let mut missing = Vec::new();
        for condition in &self.conditions {
            match row.key(condition.field) {
                Key::Unknown if !missing.contains(&condition.field) => {
                    missing.push(condition.field);
                }
                Key::Unknown => {}
                key if condition.holds(&key) => {}
                Key::Number(_) | Key::Text(_) => return Vec::new(),
            }
        }
        missing
    }
}
