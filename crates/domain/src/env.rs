//! Environments of commands in pods.

use std::collections::BTreeMap;

/// The longest name, in bytes.
pub const NAME_BYTES_MAX: usize = 256;

/// The longest value, in bytes: the kernel takes no variable beyond 128 KiB, its name included.
pub const VALUE_BYTES_MAX: usize = 100 * 1_024;

/// Why a variable cannot be in an environment. The value is never shown: it may be a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EnvError {
    /// It has no name.
    #[error("a variable has no name")]
    NoName,
    /// The name has a character that a name cannot have.
    #[error("`{0}` cannot be a variable's name: it has a `=` or a zero byte in it")]
    Name(String),
    /// The name is too long.
    #[error("a variable's name has {0} bytes; the most is {NAME_BYTES_MAX}")]
    NameTooLong(usize),
    /// The value has a zero byte.
    #[error("the value of `{0}` has a zero byte in it")]
    Value(String),
    /// The value is too long.
    #[error("the value of `{name}` has {bytes} bytes; the most is {VALUE_BYTES_MAX}")]
    ValueTooLong {
        /// The variable.
        name: String,
        /// How long its value is.
        bytes: usize,
    },
}

/// Checks that every variable can be given to a process as it is.
pub fn check(env: &BTreeMap<String, String>) -> Result<(), EnvError> {
    env.iter()
        .try_for_each(|(name, value)| check_one(name, value))
}

fn check_one(name: &str, value: &str) -> Result<(), EnvError> {
    if name.is_empty() {
        return Err(EnvError::NoName);
    }
    if name.len() > NAME_BYTES_MAX {
        return Err(EnvError::NameTooLong(name.len()));
    }
    if name.contains(['=', '\0']) {
        return Err(EnvError::Name(name.escape_debug().to_string()));
    }
    if value.contains('\0') {
        return Err(EnvError::Value(name.to_owned()));
    }
    match value.len() {
        bytes if bytes > VALUE_BYTES_MAX => Err(EnvError::ValueTooLong {
            name: name.to_owned(),
            bytes,
        }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_process_can_be_given_is_refused() {
        let long_name = "n".repeat(NAME_BYTES_MAX + 1);
        let long = "v".repeat(VALUE_BYTES_MAX + 1);
        for (name, value, wanted) in [
            ("", "x", EnvError::NoName),
            ("A=B", "x", EnvError::Name("A=B".to_owned())),
            ("=", "x", EnvError::Name("=".to_owned())),
            ("A\0B", "x", EnvError::Name("A\\0B".to_owned())),
            (&long_name, "x", EnvError::NameTooLong(257)),
            ("A", "x\0y", EnvError::Value("A".to_owned())),
            (
                "A",
                &long,
                EnvError::ValueTooLong {
                    name: "A".to_owned(),
                    bytes: long.len(),
                },
            ),
        ] {
            let env = [(name.to_owned(), value.to_owned())].into();
            assert_eq!(check(&env), Err(wanted), "{name}");
        }
        for (name, value) in [("A", ""), ("spring.profile", "a=b\nc"), ("_", "ü")] {
            let env = [(name.to_owned(), value.to_owned())].into();
            assert_eq!(check(&env), Ok(()), "{name}");
        }
    }
}
