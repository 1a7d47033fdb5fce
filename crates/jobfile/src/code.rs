//! The stable code of every kind of mistake.

use std::fmt;

macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $variant:ident = $code:literal,)+) => {
        /// A kind of mistake in a job file.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $($(#[doc = $doc])+ $variant,)+
        }

        impl Code {
            /// Returns the code that users see and search for; it never changes its meaning.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $code,)+ }
            }
        }

        /// Every code with one line on what it means, for the documentation of errors.
        pub const CODES: &[(Code, &str)] = &[
            $((Code::$variant, concat!($($doc),+).trim_ascii()),)+
        ];
    };
}

codes! {
    /// The text is not YAML.
    Syntax = "JOB001",
    /// The file is larger than a job file may be.
    TooLarge = "JOB002",
    /// The file is not UTF-8 text.
    NotText = "JOB003",
    /// The file has more than one YAML document.
    ManyDocuments = "JOB004",
    /// The file uses an anchor, an alias, a merge key or a tag.
    Indirection = "JOB005",
    /// Lists and mappings are nested too deeply.
    TooDeep = "JOB006",
    /// No such key exists here.
    UnknownKey = "JOB010",
    /// SkyPilot knows this key; Livery does not support it.
    ForeignKey = "JOB011",
    /// The same key stands twice in one mapping.
    DoubledKey = "JOB012",
    /// A key that every job needs is missing.
    MissingKey = "JOB013",
    /// The value is of another type than the key takes.
    WrongType = "JOB020",
    /// The value is of the right type, but cannot be read.
    BadValue = "JOB021",
    /// The value is beyond the limits.
    OutOfRange = "JOB022",
    /// Two parts of the file contradict each other.
    Conflict = "JOB023",
    /// The job asks for more than one machine.
    ManyNodes = "JOB030",
    /// The source is somewhere that files cannot be brought from yet.
    RemoteSource = "JOB031",
    /// The path leaves the place that it may be in.
    Escapes = "JOB032",
    /// The path is not on this machine, or is not what it should be.
    NoSuchPath = "JOB033",
    /// The name is not one that an environment variable can have.
    BadEnvName = "JOB040",
    /// The file leaves a value to the command line, which did not give it.
    MissingEnv = "JOB041",
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn codes_are_distinct_and_explained() {
        let distinct: BTreeSet<_> = CODES.iter().map(|(code, _)| code.as_str()).collect();
        assert_eq!(distinct.len(), CODES.len());
        for (code, line) in CODES {
            let digits = code.as_str().strip_prefix("JOB").unwrap();
            assert!(digits.len() == 3 && digits.bytes().all(|b| b.is_ascii_digit()));
            assert!(line.ends_with('.'), "{code}: {line}");
        }
    }
}
