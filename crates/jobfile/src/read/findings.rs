//! The mistakes found so far.

use crate::amounts::Trouble;
use crate::code::Code;
use crate::diagnostic::Diagnostic;
use crate::source::Source;
use crate::tree::Place;

/// More than this nobody reads, and a hostile file must not make a message per byte.
const FINDINGS_MAX: usize = 100;

/// Collects mistakes while a file is read.
pub(crate) struct Findings<'a> {
    source: &'a Source,
    found: Vec<Diagnostic>,
}

impl<'a> Findings<'a> {
    pub(crate) fn new(source: &'a Source) -> Self {
        Self {
            source,
            found: Vec::new(),
        }
    }

    /// Adds a mistake; an empty hint is none.
    pub(crate) fn report(&mut self, code: Code, at: &Place, message: String, hint: &str) {
        if self.found.len() < FINDINGS_MAX {
            let hint = (!hint.is_empty()).then(|| hint.to_owned());
            self.found.push(self.source.point(at, code, message, hint));
        }
    }

    /// Takes the value, or adds what is wrong with the text that it was to come from.
    pub(crate) fn take<T>(&mut self, at: &Place, result: Result<T, Trouble>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(Trouble {
                code,
                message,
                hint,
            }) => {
                self.report(code, at, message, &hint);
                None
            }
        }
    }

    pub(crate) fn line_of(&self, at: &Place) -> usize {
        self.source.line_of(at)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// Returns the mistakes in the order of the file.
    pub(crate) fn into_found(mut self) -> Vec<Diagnostic> {
        self.found.sort_by_key(|found| (found.line, found.column));
        self.found
    }
}
