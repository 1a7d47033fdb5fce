//! The table of every key: its name, its shape, what it means, examples.
//!
//! Each table comes with an enum that has one variant per key. Readers match on that enum without
//! a wildcard, so a key in the table that nobody reads does not compile.

mod foreign;
mod job;
mod resources;

pub(crate) use job::{
    BUDGET, BudgetKey, CHECKPOINT, CheckpointKey, GATE_COMMAND, GateKey, IDLE, IdleKey,
};
pub(crate) use job::{JOB, JobKey};
pub(crate) use resources::{ALTERNATIVE, GPU_COUNT_MAX, RESOURCES, ResourceKey};

use crate::shape::Table;

/// Every table, for the schema and for finding where a misplaced key belongs.
pub(crate) static TABLES: &[&Table] = &[
    &JOB,
    &RESOURCES,
    &ALTERNATIVE,
    &BUDGET,
    &IDLE,
    &CHECKPOINT,
    &GATE_COMMAND,
];

/// Makes a table's keys and the enum that names them, in the same order.
macro_rules! keys {
    ($(#[$meta:meta])* $enum:ident as $keys:ident {
        $($variant:ident = $name:literal, $shape:expr, [$($example:literal),+], $doc:literal;)+
    }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum $enum { $($variant),+ }

        impl $enum {
            pub(crate) const ALL: &[Self] = &[$(Self::$variant),+];
        }

        static $keys: &[$crate::shape::Key] = &[
            $($crate::shape::Key {
                name: $name,
                shape: $shape,
                doc: $doc,
                examples: &[$($example),+],
            }),+
        ];
    };
}
use keys;
