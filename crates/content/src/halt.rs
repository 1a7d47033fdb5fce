//! Ending long work early.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::ContentError;

/// Tells work under way that nobody wants its result any more; clones tell the same work.
///
/// It is looked at between files and between the chunks of a file, so work ends within the time that
/// one chunk takes.
#[derive(Debug, Clone, Default)]
pub struct Halt(Arc<AtomicBool>);

impl Halt {
    /// Ends the work.
    pub fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Fails once the work is to end.
    pub fn check(&self) -> Result<(), ContentError> {
        match self.0.load(Ordering::Relaxed) {
            true => Err(ContentError::Halted),
            false => Ok(()),
        }
    }
}
