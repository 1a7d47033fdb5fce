//! Dice that fall the same way for the same seed, whoever throws first.

/// Draws from a seed and what is drawn for: the order of the draws does not matter.
#[derive(Debug, Clone, Copy)]
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Dice for one purpose.
    pub fn of(self, what: &str) -> Self {
        what.bytes()
            .fold(self, |dice, byte| dice.nth(u64::from(byte)))
    }

    /// Dice for the n-th of its kind.
    pub fn nth(self, n: u64) -> Self {
        // SplitMix64.
        let mixed =
            (self.0 ^ n.wrapping_mul(0xd6e8_feb8_6659_fd93)).wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        Self(mixed ^ (mixed >> 31))
    }

    /// A number from `from` on and below `to`.
    pub fn between(self, from: i64, to: i64) -> i64 {
        let width = u64::try_from(to - from).unwrap();
        from + i64::try_from(self.nth(0).0 % width).unwrap()
    }

    /// Whether it falls so, that many times of a hundred.
    pub fn percent(self, chance: i64) -> bool {
        self.between(0, 100) < chance
    }
}
