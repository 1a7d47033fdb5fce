//! What a user writes where an image is asked for.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use livery_domain::account::Tenant;
use livery_units::text;
use oci_spec::distribution::Reference;

use crate::Error;
use crate::error::shown;

const LAYOUT: &str = "oci:";
const ARCHIVES: [&str; 2] = ["docker-archive:", "oci-archive:"];
const ARCHIVE_ENDINGS: [&str; 5] = [".tar", ".tar.gz", ".tgz", ".tar.zst", ".tar.zstd"];

/// Where an image comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ImageRef {
    /// This machine's own root file system.
    Host,
    /// A registry.
    Registry(Reference),
    /// A directory in OCI's image layout.
    Layout {
        /// The directory.
        dir: PathBuf,
        /// Which image of it; may be left out when it has one.
        tag: Option<String>,
    },
    /// A file made by `docker save`, or an OCI layout in a tar file.
    Archive {
        /// The file.
        path: PathBuf,
        /// Which image of it; may be left out when it has one.
        tag: Option<String>,
    },
}

impl ImageRef {
    /// Refuses an image that shows what is on this machine to everybody but the owner: its own root,
    /// and files that root reads here.
    ///
    /// # Errors
    /// [`Error::OwnersImage`].
    pub fn check_tenant(&self, tenant: &Tenant) -> Result<(), Error> {
        match (self, tenant) {
            (_, Tenant::Owner) | (Self::Registry(_), Tenant::Account(_)) => Ok(()),
            (Self::Host | Self::Layout { .. } | Self::Archive { .. }, Tenant::Account(_)) => {
                Err(Error::OwnersImage {
                    image: self.to_string(),
                })
            }
        }
    }
}

impl FromStr for ImageRef {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let text = text.trim();
        let fail = |reason: &str| Error::BadReference {
            text: shown(text),
            reason: reason.to_owned(),
        };
        text::refuse_control(text).map_err(|why| fail(&why.to_string()))?;
        if text == "host" {
            return Ok(Self::Host);
        }
        if let Some(rest) = text.strip_prefix(LAYOUT) {
            let (dir, tag) = split_tag(rest);
            let dir = absolute(dir).ok_or_else(|| fail("the directory has to begin with `/`"))?;
            return Ok(Self::Layout { dir, tag });
        }
        if let Some(rest) = ARCHIVES.iter().find_map(|prefix| text.strip_prefix(prefix)) {
            let (path, tag) = split_tag(rest);
            let path = absolute(path).ok_or_else(|| fail("the file has to begin with `/`"))?;
            return Ok(Self::Archive { path, tag });
        }
        if ARCHIVE_ENDINGS.iter().any(|ending| text.ends_with(ending)) {
            let path = absolute(text).ok_or_else(|| fail("the file has to begin with `/`"))?;
            return Ok(Self::Archive { path, tag: None });
        }
        let reference: Reference = text.parse().map_err(|cause| fail(&format!("{cause}")))?;
        // The parser lets these pass, and every registry refuses them.
        if reference
            .repository()
            .bytes()
            .any(|b| b.is_ascii_uppercase())
        {
            return Err(fail("a repository's name is in lower case"));
        }
        let digest = reference.digest();
        if !digest.is_none_or(|digest| digest.starts_with("sha256:")) {
            return Err(fail("its digest has to be of SHA-256"));
        }
        Ok(Self::Registry(reference))
    }
}

/// Prints in full, so that one image has one name: `docker.io/library/ubuntu:22.04`.
impl fmt::Display for ImageRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, path, tag) = match self {
            Self::Host => return f.write_str("host"),
            Self::Registry(reference) => return write!(f, "{reference}"),
            Self::Layout { dir, tag } => ("oci", dir, tag),
            Self::Archive { path, tag } => ("docker-archive", path, tag),
        };
        write!(f, "{kind}:{}", path.display())?;
        match tag {
            Some(tag) => write!(f, ":{tag}"),
            None => Ok(()),
        }
    }
}

/// Splits at the first colon, so that a tag may itself be a
/// whole reference: `/file.tar:localhost:5000/team/app:1`.
fn split_tag(text: &str) -> (&str, Option<String>) {
    match text.split_once(':') {
        Some((path, tag)) if !tag.is_empty() => (path, Some(tag.to_owned())),
        Some((path, _)) => (path, None),
        None => (text, None),
    }
}

/// The agent's working directory means nothing to a user, so a relative path means nothing here.
fn absolute(path: &str) -> Option<PathBuf> {
    let path = Path::new(path);
    path.is_absolute().then(|| path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use livery_units::AccountId;

    fn parse(text: &str) -> ImageRef {
        text.parse().unwrap()
    }

    #[test]
    fn every_kind_is_told_apart() {
        assert_eq!(parse("host"), ImageRef::Host);
        assert_eq!(
            parse("oci:/srv/layout:v1"),
            ImageRef::Layout {
                dir: "/srv/layout".into(),
                tag: Some("v1".to_owned()),
            }
        );
        for text in [
            "docker-archive:/a/b.tar",
            "oci-archive:/a/b.tar",
            "/a/b.tar",
        ] {
            assert_eq!(
                parse(text),
                ImageRef::Archive {
                    path: "/a/b.tar".into(),
                    tag: None,
                }
            );
        }
        let full = parse("docker-archive:/a.tar:localhost:5000/app:1");
        assert!(
            matches!(full, ImageRef::Archive { tag: Some(tag), .. } if tag == "localhost:5000/app:1")
        );
    }

    #[test]
    fn registry_references_are_completed_as_docker_does() {
        for (text, whole) in [
            ("ubuntu", "docker.io/library/ubuntu:latest"),
            ("ubuntu:22.04", "docker.io/library/ubuntu:22.04"),
            ("localhost:5000/team/x:1", "localhost:5000/team/x:1"),
        ] {
            assert_eq!(parse(text).to_string(), whole);
        }
        let digest = format!("ghcr.io/a/b@sha256:{}", "0".repeat(64));
        assert_eq!(parse(&digest).to_string(), digest);
    }

    #[test]
    fn what_is_on_the_machine_is_for_its_owner_alone() {
        let stranger = Tenant::Account(AccountId::from_entropy(1));
        for text in [
            "host",
            "oci:/srv/layout",
            "docker-archive:/a.tar",
            "/a.tar.gz",
        ] {
            assert!(parse(text).check_tenant(&Tenant::Owner).is_ok(), "{text}");
            assert!(parse(text).check_tenant(&stranger).is_err(), "{text}");
        }
        for text in ["ubuntu", "host:latest", "localhost:5000/oci:1"] {
            assert!(parse(text).check_tenant(&stranger).is_ok(), "{text}");
        }
    }

    #[test]
    fn what_is_no_image_is_refused_with_advice() {
        for text in [
            "",
            "UPPER/case:1",
            "a b",
            "oci:relative",
            "x.tar",
            "docker-archive:x",
            "oci:/srv/\u{1b}[31m",
            "docker-archive:/srv/\u{202e}rat",
        ] {
            let message = text.parse::<ImageRef>().unwrap_err().to_string();
            assert!(message.contains("docker-archive:/file.tar"), "{message}");
            assert!(!message.contains(text::is_control), "{message:?}");
        }
    }
}
