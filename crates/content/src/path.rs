//! Paths inside a tree: relative, without `..`, any bytes that Linux allows.

use std::cmp::Ordering;
use std::ffi::OsStr;
use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::str::FromStr;

use crate::ContentError;

/// The longest path in a tree; the kernel's own limit is 4096 with what stands before it.
const MAX_PATH_LEN: usize = 4_000;
/// The longest name that Linux file systems take.
const MAX_NAME_LEN: usize = 255;

/// A relative path of one or more names, none of them `.` or `..`.
///
/// It prints as text: what is UTF-8 stands as it is, a backslash is doubled, and control characters
/// and bytes that are not UTF-8 are written `\xNN`. Parsing reverses this exactly.
///
/// Paths sort by their names, one after the other, so a directory stands directly before all that
/// is in it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct RelPath(Box<[u8]>);

impl RelPath {
    /// Checks bytes as Linux has them and makes a path of them.
    pub fn new(bytes: impl AsRef<[u8]>) -> Result<Self, ContentError> {
        let bytes = bytes.as_ref();
        let fail = |reason| ContentError::InvalidPath {
            path: escape(bytes),
            reason,
        };
        if bytes.is_empty() {
            return Err(fail("it is empty"));
        }
        if bytes.len() > MAX_PATH_LEN {
            return Err(fail("it is longer than 4000 bytes"));
        }
        if bytes[0] == b'/' {
            return Err(fail("it is absolute"));
        }
        if bytes.contains(&0) {
            return Err(fail("it holds a zero byte"));
        }
        for name in bytes.split(|byte| *byte == b'/') {
            match name {
                b"" => return Err(fail("one of its names is empty")),
                b"." | b".." => return Err(fail("`.` and `..` are not allowed in it")),
                name if name.len() > MAX_NAME_LEN => {
                    return Err(fail("one of its names is longer than 255 bytes"));
                }
                _ => {}
            }
        }
        Ok(Self(bytes.into()))
    }

    /// Returns the bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Returns the same for the standard library.
    pub fn as_path(&self) -> &Path {
        Path::new(OsStr::from_bytes(&self.0))
    }

    /// Returns the last name.
    pub fn name(&self) -> &OsStr {
        let start = self.last_slash().map_or(0, |slash| slash + 1);
        OsStr::from_bytes(&self.0[start..])
    }

    /// Returns the directory that it is in; `None` at the top of the tree.
    pub fn parent(&self) -> Option<RelPath> {
        self.last_slash().map(|slash| Self(self.0[..slash].into()))
    }

    /// Returns the bytes of the directory that it is in; none at the top of the tree.
    pub(crate) fn parent_bytes(&self) -> &[u8] {
        &self.0[..self.last_slash().unwrap_or(0)]
    }

    /// Returns how many directories stand above it in the tree.
    pub(crate) fn depth(&self) -> usize {
        self.0.iter().filter(|byte| **byte == b'/').count()
    }

    /// Returns this path with one more name.
    pub(crate) fn join(parent: Option<&RelPath>, name: &[u8]) -> Result<Self, ContentError> {
        match parent {
            None => Self::new(name),
            Some(parent) => Self::new([parent.as_bytes(), name].join(&b'/')),
        }
    }

    /// Says whether a symbolic link here with this target stays in the tree, read as text.
    pub(crate) fn link_stays_inside(&self, target: &[u8]) -> bool {
        let mut depth = self.depth();
        if target.is_empty() || target[0] == b'/' || target.contains(&0) {
            return false;
        }
        for name in target.split(|byte| *byte == b'/') {
            match name {
                b"" | b"." => {}
                b".." if depth == 0 => return false,
                b".." => depth -= 1,
                _ => depth += 1,
            }
        }
        target.len() <= MAX_PATH_LEN
    }

    fn last_slash(&self) -> Option<usize> {
        self.0.iter().rposition(|byte| *byte == b'/')
    }
}

/// Writes bytes as text by the rule that [`RelPath`] states.
pub(crate) fn escape(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for part in bytes.utf8_chunks() {
        for letter in part.valid().chars() {
            match letter {
                '\\' => text.push_str("\\\\"),
                letter if letter.is_ascii_control() => {
                    text.push_str(&format!("\\x{:02x}", u32::from(letter)));
                }
                letter => text.push(letter),
            }
        }
        for byte in part.invalid() {
            text.push_str(&format!("\\x{byte:02x}"));
        }
    }
    text
}

/// Reads what [`escape`] wrote; `None` if a backslash is not followed by what it should be.
fn unescape(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        rest = match (first, tail) {
            (b'\\', [b'\\', tail @ ..]) => {
                bytes.push(b'\\');
                tail
            }
            (b'\\', [b'x', high, low, tail @ ..]) => {
                let digits = [*high, *low];
                let digits = std::str::from_utf8(&digits).ok()?;
                bytes.push(u8::from_str_radix(digits, 16).ok()?);
                tail
            }
            (b'\\', _) => return None,
            (byte, tail) => {
                bytes.push(*byte);
                tail
            }
        };
    }
    Some(bytes)
}

impl Ord for RelPath {
    fn cmp(&self, other: &Self) -> Ordering {
        // A slash sorts before every other byte (a zero cannot occur), so "a/b" before "a-b".
        let key = |byte: &u8| if *byte == b'/' { 0 } else { *byte };
        self.0.iter().map(key).cmp(other.0.iter().map(key))
    }
}

impl PartialOrd for RelPath {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for RelPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&escape(&self.0))
    }
}

impl fmt::Debug for RelPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for RelPath {
    type Err = ContentError;

    fn from_str(text: &str) -> Result<Self, ContentError> {
        let bytes = unescape(text).ok_or_else(|| ContentError::InvalidPath {
            path: text.to_owned(),
            reason: "a backslash must be doubled or followed by xNN",
        })?;
        Self::new(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_that_escape_or_are_no_paths_are_refused() {
        let long = "a".repeat(256);
        let deep = "a/".repeat(2_000) + "abc";
        for text in [
            "", "/etc", "..", ".", "a/../b", "a//b", "a/", "./a", "a/.", "a\0b", &long, &deep,
        ] {
            assert!(RelPath::new(text).is_err(), "{text:?}");
        }
        for text in ["a", "...", "..a", "a b", "a\nb", &long[1..], "a/b/c"] {
            assert!(RelPath::new(text).is_ok(), "{text:?}");
        }
    }

    #[test]
    fn a_directory_stands_directly_before_what_is_in_it() {
        let mut paths =
            ["a-b", "a/b", "a", "a.b/c", "a/b/c", "a.b"].map(|p| RelPath::new(p).unwrap());
        paths.sort();
        let texts = paths.map(|path| path.to_string());
        assert_eq!(texts, ["a", "a/b", "a/b/c", "a-b", "a.b", "a.b/c"]);
    }

    #[test]
    fn links_are_followed_as_text() {
        let link = RelPath::new("a/b/link").unwrap();
        for inside in ["x", "../x", "../../x", "./../b/../../x"] {
            assert!(link.link_stays_inside(inside.as_bytes()), "{inside}");
        }
        for outside in ["", "/x", "../../../x", "../../a/../../x"] {
            assert!(!link.link_stays_inside(outside.as_bytes()), "{outside}");
        }
    }

    proptest::proptest! {
        #[test]
        fn every_path_survives_being_printed(bytes in proptest::collection::vec(1_u8.., 1..80)) {
            if let Ok(path) = RelPath::new(&bytes) {
                proptest::prop_assert_eq!(path.to_string().parse::<RelPath>().unwrap(), path);
            }
        }
    }
}
