//! Bundles: a whole price list in one file, with its checksum.

use crate::error::Error;
use crate::read::{PriceList, read};
use sha2::{Digest, Sha256};
use std::fmt;
use std::str::FromStr;

/// The longest bundle that is taken, in bytes: a hundred times the built-in one.
pub const BUNDLE_BYTES_MAX: usize = 4 << 20;

/// A whole price list in one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bundle {
    text: String,
}

/// The SHA-256 of a bundle; prints as 64 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Checksum([u8; 32]);

impl Bundle {
    /// Takes a bundle's bytes.
    ///
    /// # Errors
    /// [`Error::TooLarge`] when it is longer than [`BUNDLE_BYTES_MAX`], [`Error::NotText`] when it is
    /// not UTF-8. Whether it is a price list is seen by [`Bundle::open`].
    pub fn new(bytes: Vec<u8>) -> Result<Self, Error> {
        if bytes.len() > BUNDLE_BYTES_MAX {
            return Err(Error::TooLarge {
                most: BUNDLE_BYTES_MAX,
            });
        }
        let text = String::from_utf8(bytes).map_err(|_| Error::NotText)?;
        Ok(Self { text })
    }

    /// Returns the built-in files in one.
    pub fn built_in() -> Self {
        let texts: Vec<&str> = crate::FILES.iter().map(|(_, text)| *text).collect();
        Self {
            text: texts.join("\n"),
        }
    }

    /// Returns its text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns its checksum.
    pub fn checksum(&self) -> Checksum {
        Checksum(Sha256::digest(self.text.as_bytes()).into())
    }

    /// Reads it, when it is the bundle that the checksum is of. `name` stands in front of mistakes.
    ///
    /// # Errors
    /// [`Error::OtherChecksum`] when it is another one, [`Error::Rejected`] when it has mistakes.
    pub fn open(&self, name: &str, expected: Checksum) -> Result<PriceList, Error> {
        let found = self.checksum();
        if found != expected {
            return Err(Error::OtherChecksum {
                expected: expected.to_string(),
                found: found.to_string(),
            });
        }
        read(&[(name, &self.text)])
    }
}

impl Checksum {
    /// Finds the checksum in what `sha256sum` writes: the digits, blanks, a file name. The first line
    /// counts.
    ///
    /// # Errors
    /// [`Error::NoChecksum`] when there are no 64 hexadecimal digits at its beginning.
    pub fn from_sum_file(text: &str) -> Result<Self, Error> {
        let line = text.lines().next().unwrap_or_default();
        // A backslash in front says that the file name is escaped.
        let line = line.strip_prefix('\\').unwrap_or(line);
        line.split_whitespace().next().unwrap_or_default().parse()
    }

    /// Returns the line that `sha256sum` writes for a file of that name.
    pub fn to_sum_file(self, name: &str) -> String {
        format!("{self}  {name}\n")
    }
}

impl fmt::Display for Checksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits: Vec<String> = self.0.iter().map(|byte| format!("{byte:02x}")).collect();
        f.pad(&digits.concat())
    }
}

impl FromStr for Checksum {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let fail = || Error::NoChecksum(text.chars().take(80).collect());
        let text = text.trim();
        if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(fail());
        }
        let mut bytes = [0_u8; 32];
        for (at, byte) in bytes.iter_mut().enumerate() {
            let digits = &text[2 * at..2 * at + 2];
            *byte = u8::from_str_radix(digits, 16).map_err(|_| fail())?;
        }
        Ok(Self(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checksum_is_the_one_that_sha256sum_prints() {
        let bundle = Bundle::new(b"abc".to_vec()).unwrap();
        // FIPS 180-4's own example.
        let known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(bundle.checksum().to_string(), known);
        let line = bundle.checksum().to_sum_file("a.toml");
        assert_eq!(line, format!("{known}  a.toml\n"));
        for text in [line.as_str(), known, &known.to_uppercase()] {
            assert_eq!(Checksum::from_sum_file(text).unwrap(), bundle.checksum());
        }
        for text in ["", "abc  a.toml", &known[1..], &known.replace('b', "g")] {
            assert!(Checksum::from_sum_file(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_too_long_or_no_text_is_not_taken() {
        let long = vec![b'#'; BUNDLE_BYTES_MAX + 1];
        assert!(matches!(Bundle::new(long), Err(Error::TooLarge { .. })));
        assert_eq!(Bundle::new(vec![0xff]), Err(Error::NotText));
    }
}
