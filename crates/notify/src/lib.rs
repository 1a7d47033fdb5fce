//! Floor 3: reminders carried to where a user sees them.
