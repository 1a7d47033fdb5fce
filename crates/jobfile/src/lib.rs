//! Reads job files and points at every mistake.
