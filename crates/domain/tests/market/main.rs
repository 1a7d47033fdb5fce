//! The market: searching, estimating, buying and advising, by tables and properties.

mod advise;
mod catalogue;
mod estimate;
mod filter;
mod page;
mod purchase;
mod rows;
mod search;
