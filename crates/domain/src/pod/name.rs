//! What a pod may be called.

use livery_units::text::{self, ControlCharacter};

/// The most characters of a pod's name.
const CHARS_MAX: usize = 128;

/// Why a text is not a pod's name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PodNameError {
    /// It is longer than a line.
    #[error("a pod's name has at most {CHARS_MAX} characters, and this one has {0}")]
    TooLong(usize),
    /// It would steer the terminals on which it is shown.
    #[error("a pod's name is shown to people: {0}")]
    Control(#[from] ControlCharacter),
}

/// Refuses names that cannot be shown; without a name a pod gets one.
///
/// # Errors
/// With what is wrong.
pub fn check_pod_name(name: &str) -> Result<(), PodNameError> {
    let long = name.chars().count();
    if long > CHARS_MAX {
        return Err(PodNameError::TooLong(long));
    }
    Ok(text::refuse_control(name)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_what_can_be_shown() {
        for name in ["", "box", "my box 1", "Größe/日本", &"x".repeat(CHARS_MAX)] {
            assert_eq!(check_pod_name(name), Ok(()), "{name}");
        }
        for name in [
            "a\nb",
            "\u{1b}[31m",
            "a\u{202e}b",
            &"x".repeat(CHARS_MAX + 1),
        ] {
            let error = check_pod_name(name).unwrap_err().to_string();
            assert!(!error.contains(text::is_control), "{error:?}");
        }
    }
}
