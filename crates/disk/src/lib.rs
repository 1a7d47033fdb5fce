//! Floor 2: what is kept on a disk that may be full: logs of a bounded size, and a reserve.

mod free;
mod log;
mod reserve;

pub use free::{Free, is_full};
pub use log::{LogReader, LogWriter, Piece, clear, size_on_disk, span};
pub use reserve::Reserve;
