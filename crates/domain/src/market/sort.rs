//! Sorting rows by several columns at once: all that counts of a row goes into one number.
//!
//! Counted from the column's least value, in steps of the largest power of two that divides them
//! all, most columns need few bits: sizes of GPUs are whole GB, and prices are below a few dollars.
//! With the row's index behind them, one comparison settles everything, and equal rows keep their
//! order.

use super::order::Direction;
use std::cmp::Ordering;

/// Stands for what a row does not tell.
pub(super) const UNKNOWN: i64 = i64::MIN;

/// How a column's values are counted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scale {
    least: i64,
    /// Values are this power of two apart.
    shift: u32,
    /// The greatest value, in steps from the least.
    most: u64,
}

/// A column to sort by.
#[derive(Debug, Clone, Copy)]
pub(super) struct Key<'a> {
    pub keys: &'a [i64],
    pub scale: Scale,
    pub way: Direction,
}

impl Scale {
    pub(super) fn of(keys: &[i64]) -> Self {
        let known = || keys.iter().copied().filter(|key| *key != UNKNOWN);
        let least = known().min().unwrap_or(0);
        let steps = || known().map(|key| key.wrapping_sub(least).cast_unsigned());
        let shift = steps().fold(0, |all, step| all | step).trailing_zeros() % u64::BITS;
        Self {
            least,
            shift,
            most: steps().max().unwrap_or(0) >> shift,
        }
    }

    /// Returns how many bits a value takes; what is unknown comes behind the greatest.
    fn bits(self) -> u32 {
        u64::BITS - (self.most + 1).leading_zeros()
    }
}

impl Key<'_> {
    fn of(&self, index: u32) -> u64 {
        let key = self.keys[index as usize];
        if key == UNKNOWN {
            return self.scale.most + 1;
        }
        let steps = key.wrapping_sub(self.scale.least).cast_unsigned() >> self.scale.shift;
        match self.way {
            Direction::Ascending => steps,
            Direction::Descending => self.scale.most - steps,
        }
    }
}

/// Sorts rows by the first column, those that are equal in it by the next, and so on.
pub(super) fn sort(indices: &mut [u32], by: &[Key<'_>]) {
    let index_bits = indices
        .iter()
        .max()
        .map_or(0, |most| u32::BITS - most.leading_zeros());
    let bits: u32 = by.iter().map(|key| key.scale.bits()).sum::<u32>() + index_bits;
    let pack = |index: &u32| {
        let keys = by.iter().fold(0_u128, |all, key| {
            all << key.scale.bits() | u128::from(key.of(*index))
        });
        keys << index_bits | u128::from(*index)
    };
    let unpack = |packed: u128| u32::try_from(packed & ((1 << index_bits) - 1)).unwrap_or(u32::MAX);
    if bits <= u64::BITS {
        let narrow = |index| u64::try_from(pack(index)).unwrap_or(u64::MAX);
        let mut packed: Vec<u64> = indices.iter().map(narrow).collect();
        packed.sort_unstable();
        for (index, packed) in indices.iter_mut().zip(packed) {
            *index = unpack(u128::from(packed));
        }
    } else if bits <= u128::BITS {
        let mut packed: Vec<u128> = indices.iter().map(pack).collect();
        packed.sort_unstable();
        for (index, packed) in indices.iter_mut().zip(packed) {
            *index = unpack(packed);
        }
    } else {
        indices.sort_unstable_by(|a, b| compare(by, *a, *b));
    }
}

fn compare(by: &[Key<'_>], a: u32, b: u32) -> Ordering {
    let differing = by
        .iter()
        .map(|key| key.of(a).cmp(&key.of(b)))
        .find(|order| order.is_ne());
    differing.unwrap_or(Ordering::Equal).then(a.cmp(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sorted(columns: &[(&[i64], Direction)]) -> Vec<u32> {
        let by: Vec<Key<'_>> = columns
            .iter()
            .map(|(keys, way)| Key {
                keys,
                scale: Scale::of(keys),
                way: *way,
            })
            .collect();
        let mut indices: Vec<u32> = (0..).take(columns[0].0.len()).collect();
        sort(&mut indices, &by);
        indices
    }

    #[test]
    fn the_widest_numbers_are_sorted_and_what_is_unknown_comes_last() {
        let ends = [0, UNKNOWN, i64::MAX - 1, -5, i64::MIN + 1, -5];
        assert_eq!(sorted(&[(&ends, Direction::Ascending)]), [4, 3, 5, 0, 2, 1]);
        assert_eq!(
            sorted(&[(&ends, Direction::Descending)]),
            [2, 0, 3, 5, 4, 1]
        );
        assert_eq!(sorted(&[(&[UNKNOWN; 3], Direction::Descending)]), [0, 1, 2]);
    }

    #[test]
    fn however_many_bits_it_takes_the_order_is_the_same() {
        let way = Direction::Ascending;
        let small = [2_i64 << 30, 1 << 30, 2 << 30, 1 << 30];
        let wide = [i64::MIN + 1, 7, 0, i64::MAX - 1];
        let same = [3_i64; 4];
        // In 64 bits, in 128, and in more than that.
        assert_eq!(sorted(&[(&same, way), (&small, way)]), [1, 3, 0, 2]);
        assert_eq!(sorted(&[(&small, way), (&wide, way)]), [1, 3, 0, 2]);
        assert_eq!(
            sorted(&[(&small, way), (&wide, Direction::Descending), (&wide, way)]),
            [3, 1, 2, 0]
        );
    }
}
