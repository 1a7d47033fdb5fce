//! The suite that every supplier passes.
