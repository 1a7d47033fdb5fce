//! What can go wrong, in the words of the host API.

use livery_content::ContentError;
use livery_disk::is_full;
use livery_host_api::Error;
use livery_units::text::chain;
use std::path::{Path, PathBuf};

/// Why an agent could not begin.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The runtime refused.
    #[error("the container runtime cannot be used")]
    Runtime(#[from] livery_runtime::Error),
    /// The store of images refused.
    #[error("the store of images cannot be used")]
    Images(#[from] livery_images::Error),
    /// The content store refused.
    #[error("the content store cannot be used")]
    Content(#[from] ContentError),
    /// A file of the agent's own could not be read or written.
    #[error("could not {action} {}", path.display())]
    Io {
        /// What was tried, as a verb.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The machine does not tell what it has.
    #[error("this machine does not tell its {what}: {why}")]
    Inventory {
        /// What was looked for.
        what: &'static str,
        /// What was found instead.
        why: String,
    },
}

impl OpenError {
    /// Returns a closure for `map_err` that says what was tried on what.
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io {
            action,
            path,
            source,
        }
    }
}

/// Says what the runtime said.
pub(crate) fn of_runtime(error: livery_runtime::Error) -> Error {
    use livery_runtime::Error as Runtime;
    let text = chain(&error);
    match error {
        Runtime::NoSuchPod(_) | Runtime::NoSuchTask { .. } => Error::NotFound(text),
        Runtime::NoSuchVolume(_) => Error::NotFound(text),
        Runtime::NotUp { .. } | Runtime::Silent => Error::WrongState(text),
        Runtime::VolumeInUse { .. } | Runtime::VolumeStuck(_) | Runtime::VolumeGrows(_) => {
            Error::WrongState(text)
        }
        // Asked again, it would be refused again.
        Runtime::VolumeMounted => Error::Invalid(text),
        Runtime::BadSpec(_) | Runtime::Device { .. } | Runtime::NoCommand(_) => {
            Error::Invalid(text)
        }
        Runtime::DiskFull { .. } => Error::DiskFull(text),
        Runtime::NoSlot(_) => Error::NoCapacity(text),
        Runtime::Io { source, .. } | Runtime::System { source, .. } if is_full(&source) => {
            Error::DiskFull(text)
        }
        _ => Error::Internal(text),
    }
}

/// Says what the store of images said.
pub(crate) fn of_images(error: livery_images::Error) -> Error {
    use livery_images::Error as Images;
    let text = chain(&error);
    match error {
        Images::BadReference { .. } | Images::OwnersImage { .. } => Error::Invalid(text),
        Images::DiskFull { .. } => Error::DiskFull(text),
        Images::InUse { .. } | Images::System { .. } => Error::Internal(text),
        _ => Error::Image(text),
    }
}

/// Says what the content store or a tree in a pod said.
pub(crate) fn of_content(error: ContentError) -> Error {
    let text = chain(&error);
    match error {
        ContentError::DiskFull { .. } => Error::DiskFull(text),
        ContentError::Missing { .. } => Error::NotFound(text),
        // Agents count nobody's content.
        ContentError::OverQuota { .. } | ContentError::TooManyBlobs => Error::NoCapacity(text),
        ContentError::Io { source, .. } if source.kind() == std::io::ErrorKind::NotFound => {
            Error::NotFound(text)
        }
        ContentError::Io { source, .. } if source.kind() == std::io::ErrorKind::NotADirectory => {
            Error::Invalid(text)
        }
        ContentError::Io { .. }
        | ContentError::StoreBusy { .. }
        | ContentError::NotAStore { .. } => Error::Internal(text),
        ContentError::FileChanged { .. } => Error::WrongState(text),
        ContentError::Halted => {
            Error::WrongState("the pod is to be stopped or removed, or its caller has left".into())
        }
        ContentError::InvalidPath { .. }
        | ContentError::EscapingSymlink { .. }
        | ContentError::SpecialFile { .. }
        | ContentError::InTheWay { .. }
        | ContentError::InvalidManifest { .. }
        | ContentError::InvalidPattern { .. }
        | ContentError::HashMismatch { .. }
        | ContentError::Undecodable { .. }
        | ContentError::TooLarge(_)
        | ContentError::BadFrame(_) => Error::Invalid(text),
    }
}

/// Says that a step of the agent's own failed.
pub(crate) fn of_io(action: &str, error: &std::io::Error) -> Error {
    let text = format!("could not {action}: {error}");
    if is_full(error) {
        return Error::DiskFull(text);
    }
    Error::Internal(text)
}

/// Says that a thread of the agent died.
pub(crate) fn of_join(error: tokio::task::JoinError) -> Error {
    Error::Internal(format!("a step of the agent broke: {error}"))
}
