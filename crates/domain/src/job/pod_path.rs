//! Paths inside a pod that a job names.

use crate::pod::WORKSPACE;
use livery_units::text;
use std::fmt;

/// Where `workdir` is copied and where `setup` and `run` start; it exists in every run's pod.
pub const WORKDIR: &str = "/workspace/workdir";

/// The home directory of a pod's root, which `~` means.
const HOME: &str = "/root";

/// Trees that belong to the kernel; nothing can be put there.
const KERNEL_TREES: [&str; 3] = ["/proc", "/sys", "/dev"];

/// The longest path that Linux takes, with its ending zero byte.
const LENGTH_MAX: usize = 4_096;

/// An absolute path inside a pod, without `.`, `..` or doubled slashes, and not `/` itself.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PodPath(String);

/// Why a text is not a path inside a pod.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PodPathError {
    /// There is no text.
    #[error("the path is empty")]
    Empty,
    /// It climbs with `..`.
    #[error("`{0}` has `..` in it, which could leave the place that it names")]
    Climbs(String),
    /// It is the root of the file system.
    #[error("`/` is the whole pod")]
    Root,
    /// It lies in a tree of the kernel's.
    #[error("`{0}` lies in {1}, which belongs to the kernel")]
    Kernel(String, &'static str),
    /// It has a character that no path may have, or that nobody writes on purpose.
    #[error("the path has the control character {0:?} in it")]
    Control(char),
    /// It is another user's home, which only a shell could resolve.
    #[error("`{0}` names somebody's home; only `~/` is known")]
    OtherHome(String),
    /// It is longer than Linux takes.
    #[error("the path is {0} bytes long; Linux takes fewer than {LENGTH_MAX}")]
    TooLong(usize),
}

impl PodPath {
    /// Reads an absolute path, one under `~`, or one relative to [`WORKDIR`].
    pub fn parse(text: &str) -> Result<Self, PodPathError> {
        if text.trim().is_empty() {
            return Err(PodPathError::Empty);
        }
        if let Some(control) = text.chars().find(|c| text::is_control(*c)) {
            return Err(PodPathError::Control(control));
        }
        if text.len() >= LENGTH_MAX {
            return Err(PodPathError::TooLong(text.len()));
        }
        let absolute = match text.strip_prefix('~') {
            Some(rest) if rest.is_empty() || rest.starts_with('/') => format!("{HOME}{rest}"),
            Some(_) => return Err(PodPathError::OtherHome(text.to_owned())),
            None if text.starts_with('/') => text.to_owned(),
            None => format!("{WORKDIR}/{text}"),
        };
        let mut path = String::with_capacity(absolute.len());
        for part in absolute.split('/') {
            match part {
                "" | "." => {}
                ".." => return Err(PodPathError::Climbs(text.to_owned())),
                part => {
                    path.push('/');
                    path.push_str(part);
                }
            }
        }
        if path.is_empty() {
            return Err(PodPathError::Root);
        }
        let path = Self(path);
        match KERNEL_TREES.iter().find(|tree| path.is_under(tree)) {
            Some(tree) => Err(PodPathError::Kernel(text.to_owned(), tree)),
            None => Ok(path),
        }
    }

    /// Returns the path of the workspace.
    pub fn workspace() -> Self {
        Self(WORKSPACE.to_owned())
    }

    /// Returns the absolute path.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns whether it is `dir` or lies below it.
    pub fn is_under(&self, dir: &str) -> bool {
        self.0
            .strip_prefix(dir)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    /// Returns the part below the workspace, without a leading slash; none if it lies elsewhere.
    pub fn in_workspace(&self) -> Option<&str> {
        let rest = self.0.strip_prefix(WORKSPACE)?;
        if rest.is_empty() {
            return Some("");
        }
        rest.strip_prefix('/')
    }
}

impl fmt::Display for PodPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_come_out_absolute_and_clean() {
        for (text, path) in [
            ("/data", "/data"),
            ("/data/", "/data"),
            ("//data/./x//y", "/data/x/y"),
            ("~", "/root"),
            ("~/.cache/hf", "/root/.cache/hf"),
            ("data", "/workspace/workdir/data"),
            ("./data", "/workspace/workdir/data"),
            ("/devices", "/devices"),
            ("/data/..hidden", "/data/..hidden"),
        ] {
            assert_eq!(PodPath::parse(text).unwrap().as_str(), path, "{text}");
        }
    }

    #[test]
    fn paths_that_escape_or_go_nowhere_are_refused() {
        let climbs = |text: &str| PodPathError::Climbs(text.to_owned());
        let kernel = |text: &str, tree| PodPathError::Kernel(text.to_owned(), tree);
        for (text, error) in [
            ("", PodPathError::Empty),
            ("  ", PodPathError::Empty),
            ("/", PodPathError::Root),
            ("/./", PodPathError::Root),
            ("..", climbs("..")),
            ("../x", climbs("../x")),
            ("/workspace/../etc", climbs("/workspace/../etc")),
            ("/proc/self", kernel("/proc/self", "/proc")),
            ("//dev", kernel("//dev", "/dev")),
            ("/a\nb", PodPathError::Control('\n')),
            ("/a\0b", PodPathError::Control('\0')),
            ("~root/x", PodPathError::OtherHome("~root/x".to_owned())),
        ] {
            assert_eq!(PodPath::parse(text), Err(error), "{text:?}");
        }
        let long = format!("/{}", "a".repeat(LENGTH_MAX));
        assert_eq!(
            PodPath::parse(&long),
            Err(PodPathError::TooLong(LENGTH_MAX + 1))
        );
    }

    #[test]
    fn the_workspace_is_told_from_its_namesakes() {
        let inside = |text: &str| {
            let path = PodPath::parse(text).unwrap();
            path.in_workspace().map(str::to_owned)
        };
        assert_eq!(inside("/workspace"), Some(String::new()));
        assert_eq!(inside("/workspace/a/b"), Some("a/b".to_owned()));
        assert_eq!(inside("/workspace2/a"), None);
        assert_eq!(inside("/data"), None);
    }
}
