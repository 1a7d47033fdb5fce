//! Files to the control plane and back, by content.

pub mod download;
pub mod upload;
