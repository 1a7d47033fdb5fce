//! Every environment variable that Livery reads, in one list.
//!
//! A test compares this list with the sources and with `docs/reference/environment.md`.

/// An environment variable and what it is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EnvVar {
    /// Its name.
    pub name: &'static str,
    /// What it does, in one sentence.
    pub doc: &'static str,
}

/// All of them, in the order in which help shows them.
pub const ALL: &[EnvVar] = &[
    EnvVar {
        name: "LIVERY_SERVER",
        doc: "The control plane to talk to: a URL, or the path of a unix socket.",
    },
    EnvVar {
        name: "LIVERY_TEST_POSTGRES",
        doc: "A PostgreSQL server on which the store's tests make databases of their own.",
    },
];
