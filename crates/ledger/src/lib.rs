//! Pure double-entry money: holds, charges, voids.
