//! The contract that every supplier of machines fulfils, and its conformance suite.
