//! The supplier of our own hosts, reached through their agents.
