//! The native REST API served over the engine.
