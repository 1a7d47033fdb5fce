//! Container images from OCI registries, OCI layouts and archives, unpacked into layers.
//!
//! [`Images::prepare`] turns an [`ImageRef`] into directories that overlayfs takes as lower
//! directories, and into what the image says about how it wants to run. Bytes are verified against
//! their digests while they stream from the network through the decompressor into a layer's
//! directory; nothing is stored twice. A layer appears under its name only when it is whole, and
//! images share layers.
//!
//! Nothing an image contains is trusted; `unpack` says how it is kept inside its directory.

mod config;
mod disk;
mod error;
mod facts;
mod files;
mod image_ref;
mod images;
mod layer;
mod local;
mod pull;
mod registry;
mod remove;
mod select;
mod unpack;

pub use config::{CudaVersion, ExposedPort, ImageConfig, Protocol};
pub use error::Error;
pub use image_ref::ImageRef;
pub use images::{Images, Options, Prepared, Progress, Puller, Root};
pub use registry::{Mirror, ParseRegistryError, Registries, RegistryHost};
