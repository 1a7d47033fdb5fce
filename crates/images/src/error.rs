//! Why an image could not be made ready, one variant per thing a user would do about it.

use std::io;
use std::path::{Path, PathBuf};

/// What is shown of a text that somebody else wrote, in characters.
const SHOWN_MAX: usize = 300;

/// Why an image could not be made ready, and what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The text names no image.
    #[error(
        "`{text}` is not an image: {reason}; write `host`, a registry reference such as ubuntu:22.04, `oci:/directory[:tag]` or `docker-archive:/file.tar`"
    )]
    BadReference {
        /// What was given.
        text: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The image shows what is on this machine, and somebody else than its owner asked for it.
    #[error(
        "image {image} is of this machine and for its owner alone; use an image of a registry, such as ubuntu:24.04"
    )]
    OwnersImage {
        /// The image.
        image: String,
    },
    /// There is no such image, tag or digest.
    #[error("image {image} does not exist; check its name and tag{hint}")]
    NotFound {
        /// The image.
        image: String,
        /// What there is instead, if known, to be appended.
        hint: String,
    },
    /// The registry did not accept who we are.
    #[error(
        "the registry refused access to {image}; check that the image exists under this name, and if it is private log in with `livery registry login`"
    )]
    Unauthorized {
        /// The image.
        image: String,
    },
    /// The registry did not answer.
    #[error(
        "registry {registry} cannot be reached: {reason}; check its name, this host's network and that the registry is up"
    )]
    Unreachable {
        /// The registry, with its port.
        registry: String,
        /// What happened.
        reason: String,
    },
    /// The registry, or a server that it leads to, is not on the public internet, and somebody else
    /// than the owner of this machine asked for the image.
    #[error(
        "registry {registry} may not be used: {host} is not on the public internet; the owner of the host allows it with `--registry-allow`"
    )]
    ForbiddenRegistry {
        /// The registry, with its port.
        registry: String,
        /// The server that may not be connected to.
        host: String,
    },
    /// The registry asks for patience.
    #[error(
        "registry {registry} answers that we ask too often; wait, or give credentials, which have a higher limit"
    )]
    RateLimited {
        /// The registry, with its port.
        registry: String,
    },
    /// The registry answered something that we cannot use.
    #[error("registry {registry} failed: {reason}")]
    Registry {
        /// The registry, with its port.
        registry: String,
        /// What it said.
        reason: String,
    },
    /// What arrived is not what was promised.
    #[error("{what} is damaged: expected {expected}, found {found}; push or save the image again")]
    Corrupt {
        /// Which part of the image.
        what: String,
        /// The digest or size that was promised.
        expected: String,
        /// The digest or size that arrived.
        found: String,
    },
    /// The image is not built for this machine.
    #[error("image {image} has nothing for {wanted}; it is built for {offered}")]
    NoPlatform {
        /// The image.
        image: String,
        /// This machine's platform.
        wanted: String,
        /// The platforms that the image has.
        offered: String,
    },
    /// The parts arrived whole but do not make an image.
    #[error("{image} is not a usable container image: {reason}")]
    BadImage {
        /// The image or the part of it.
        image: String,
        /// What is wrong with it.
        reason: String,
    },
    /// An entry of a layer points outside the image.
    #[error(
        "layer {layer} was refused: entry `{entry}` would leave the image ({reason}); do not use images from this source"
    )]
    UnsafeEntry {
        /// The layer.
        layer: String,
        /// The path as the layer has it.
        entry: String,
        /// How it would leave.
        reason: String,
    },
    /// No room is left where images are kept.
    #[error("no room for the image under {}; free some space, or remove images that are not used", path.display())]
    DiskFull {
        /// Where images are kept.
        path: PathBuf,
    },
    /// Another process keeps images in the same directory.
    #[error("images under {} are in use by another process; stop it or choose another data directory", root.display())]
    InUse {
        /// Where images are kept.
        root: PathBuf,
    },
    /// The system refused a step.
    #[error("could not {action}: {source}")]
    System {
        /// What was tried.
        action: String,
        /// What the system said.
        source: io::Error,
    },
}

impl Error {
    /// Returns a function that gives an I/O error the action it broke and the directory it filled.
    pub(crate) fn io<E: Into<io::Error>>(
        action: impl Into<String>,
        place: &Path,
    ) -> impl FnOnce(E) -> Self {
        move |source| {
            let source = source.into();
            match source.kind() {
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::DiskFull {
                    path: place.to_owned(),
                },
                _ => Self::System {
                    action: format!("{} {}", action.into(), place.display()),
                    source,
                },
            }
        }
    }

    pub(crate) fn bad_image(image: impl Into<String>, reason: impl ToString) -> Self {
        Self::BadImage {
            image: image.into(),
            reason: shown(&reason.to_string()),
        }
    }
}

/// Makes a few printable words of what an image or a user says.
pub(crate) fn shown(text: &str) -> String {
    livery_units::text::clean(text, SHOWN_MAX)
}
