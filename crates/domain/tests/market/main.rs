//! The market: searching, estimating, buying and advising, by tables and properties.

mod estimate;
mod filter;
mod rows;
mod search;
