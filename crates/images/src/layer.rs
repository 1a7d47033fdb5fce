//! From a stream of bytes to a layer's directory, verified on the way.

use std::cell::RefCell;
use std::fs;
use std::io::{self, BufReader, Read};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use sha2::{Digest as _, Sha256};

use crate::Error;
use crate::disk::remove_tree;
use crate::unpack::{UnpackError, unpack};

const READ_BUFFER: usize = 256 << 10;

/// The most that may follow the end of a tar; tools pad to some kilobytes.
const PADDING_MAX: u64 = 16 << 20;

/// As many bytes as tell a compression.
const MAGIC: usize = 4;

/// A content address that we can verify: `sha256:` and 64 hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Digest(String);

/// What a layer has to turn out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Layer {
    /// The bytes as they travel; unknown for the layers of `docker save`.
    pub blob: Option<Blob>,
    /// The digest of the tar inside.
    pub diff_id: Digest,
}

/// Bytes at rest in a registry or a layout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Blob {
    pub digest: Digest,
    pub size: u64,
}

impl Digest {
    const PREFIX: &str = "sha256:";

    pub fn parse(text: &str) -> Option<Self> {
        let hex = text.strip_prefix(Self::PREFIX)?;
        let fits = hex.len() == 64 && hex.bytes().all(|b| b.is_ascii_hexdigit());
        fits.then(|| Self(text.to_ascii_lowercase()))
    }

    pub fn of(bytes: &[u8]) -> Self {
        Self::from_hash(Sha256::new_with_prefix(bytes))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn hex(&self) -> &str {
        &self.0[Self::PREFIX.len()..]
    }

    fn from_hash(hash: Sha256) -> Self {
        let hex: String = hash.finalize().iter().map(|b| format!("{b:02x}")).collect();
        Self(format!("{}{hex}", Self::PREFIX))
    }
}

/// What a layer may grow to, and whether anybody still waits for it.
#[derive(Debug, Clone)]
pub(crate) struct Bounds {
    /// The most bytes of the tar inside: it cannot be larger than the room that there is, for it is
    /// written down.
    pub plain: u64,
    /// Set when nobody waits any more.
    pub given_up: Arc<AtomicBool>,
}

/// Unpacks a layer in `scratch` until it is whole and proven. `scratch` must not exist, and does not
/// afterwards if that fails.
pub(crate) fn unpack_to(
    scratch: &Path,
    bytes: impl Read + 'static,
    layer: &Layer,
    bounds: Bounds,
) -> Result<(), Error> {
    let outcome = fs::create_dir(scratch)
        // Whatever our umask: it becomes `/` of a pod, where every user has to pass.
        .and_then(|()| fs::set_permissions(scratch, fs::Permissions::from_mode(0o755)))
        .map_err(Error::io("create", scratch))
        .and_then(|()| fill(bytes, layer, scratch, bounds));
    if outcome.is_err() {
        // What is left is swept when the store is next opened; the error matters more.
        let _ = remove_tree(scratch);
    }
    outcome
}

fn fill(
    bytes: impl Read + 'static,
    layer: &Layer,
    scratch: &Path,
    bounds: Bounds,
) -> Result<(), Error> {
    // One byte more than promised shows that there is too much.
    let limit = layer
        .blob
        .as_ref()
        .map_or(u64::MAX, |blob| blob.size.saturating_add(1));
    let mut travelled = Metered::new(bytes.take(limit));
    let outcome = unpack_verified(&travelled, layer, scratch, bounds);
    match outcome {
        Err(UnpackError::Write { entry, source }) => {
            Err(Error::io(format!("unpack {entry} into"), scratch)(source))
        }
        Ok(diff_id) => {
            check_blob(&mut travelled, layer, scratch)?;
            match diff_id == layer.diff_id {
                true => Ok(()),
                false => Err(Error::Corrupt {
                    what: "a layer's content".to_owned(),
                    expected: layer.diff_id.0.clone(),
                    found: diff_id.0,
                }),
            }
        }
        Err(UnpackError::Stream(source)) if source.kind() == io::ErrorKind::StorageFull => {
            Err(Error::io("unpack into", scratch)(source))
        }
        // Damage on the way is the likelier cause, and says more than "not a tar file".
        Err(UnpackError::Stream(source)) => {
            check_blob(&mut travelled, layer, scratch)?;
            Err(Error::bad_image(layer.diff_id.as_str(), source))
        }
        Err(UnpackError::Unsafe { entry, reason }) => {
            check_blob(&mut travelled, layer, scratch)?;
            Err(Error::UnsafeEntry {
                layer: layer.diff_id.0.clone(),
                entry,
                reason,
            })
        }
    }
}

fn unpack_verified<R: Read + 'static>(
    travelled: &Metered<R>,
    layer: &Layer,
    scratch: &Path,
    bounds: Bounds,
) -> Result<Digest, UnpackError> {
    let plain = decompressed(travelled.clone()).map_err(UnpackError::Stream)?;
    let left = bounds.plain;
    let plain = Metered::new(Bounded {
        plain,
        left,
        bounds,
    });
    let written = unpack(plain.clone(), scratch)?;
    // A tar ends before its padding does, and the digest covers both.
    let padding = io::copy(&mut plain.clone().take(PADDING_MAX + 1), &mut io::sink());
    if padding.map_err(UnpackError::Stream)? > PADDING_MAX {
        let reason = format!("it goes on for more than {PADDING_MAX} bytes after its end");
        return Err(UnpackError::Stream(io::Error::new(
            io::ErrorKind::InvalidData,
            reason,
        )));
    }
    tracing::debug!(layer = layer.diff_id.as_str(), written, "unpacked");
    Ok(plain.digest())
}

/// Reads what is left and compares digest and size with what was promised.
fn check_blob<R: Read>(
    travelled: &mut Metered<R>,
    layer: &Layer,
    scratch: &Path,
) -> Result<(), Error> {
    io::copy(travelled, &mut io::sink()).map_err(Error::io("read a layer for", scratch))?;
    let Some(blob) = &layer.blob else {
        return Ok(());
    };
    let (found, size) = (travelled.digest(), travelled.count());
    if size == blob.size && found == blob.digest {
        return Ok(());
    }
    Err(Error::Corrupt {
        what: "a layer".to_owned(),
        expected: format!("{} of {} bytes", blob.digest.0, blob.size),
        found: format!("{} of {size} bytes", found.0),
    })
}

/// Makes the layer last through a power cut, then visible.
pub(crate) fn settle(scratch: &Path, place: &Path) -> Result<(), Error> {
    let directory = fs::File::open(scratch).map_err(Error::io("open", scratch))?;
    rustix::fs::syncfs(&directory).map_err(Error::io("write back", scratch))?;
    match fs::rename(scratch, place) {
        Ok(()) => Ok(()),
        // Somebody was faster with the same content.
        Err(_) if place.is_dir() => remove_tree(scratch),
        Err(source) => Err(Error::io("create", place)(source)),
    }
}

/// Looks at the first bytes instead of the media type, which archives do not have.
pub(crate) fn decompressed(mut bytes: impl Read + 'static) -> io::Result<Box<dyn Read>> {
    let mut head = Vec::with_capacity(MAGIC);
    bytes.by_ref().take(MAGIC as u64).read_to_end(&mut head)?;
    let kind = Compression::of(&head);
    let bytes = BufReader::with_capacity(READ_BUFFER, io::Cursor::new(head).chain(bytes));
    Ok(match kind {
        Compression::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(bytes)),
        Compression::Zstd => Box::new(zstd::Decoder::with_buffer(bytes)?),
        Compression::None => Box::new(bytes),
    })
}

/// How bytes are packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Compression {
    None,
    Gzip,
    Zstd,
}

impl Compression {
    /// Tells by the first four bytes.
    pub fn of(head: &[u8]) -> Self {
        match head {
            [0x1f, 0x8b, ..] => Self::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Self::Zstd,
            _ => Self::None,
        }
    }
}

/// Ends a stream that unpacks to more than there is room for, or that nobody waits for any more: a
/// few kilobytes may unpack to terabytes.
struct Bounded<R> {
    plain: R,
    left: u64,
    bounds: Bounds,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.bounds.given_up.load(Ordering::Relaxed) {
            let reason = "nobody waits for the image any more";
            return Err(io::Error::new(io::ErrorKind::ConnectionAborted, reason));
        }
        let length = self.plain.read(buffer)?;
        match self.left.checked_sub(length as u64) {
            Some(left) => self.left = left,
            None => return Err(io::ErrorKind::StorageFull.into()),
        }
        Ok(length)
    }
}

/// A reader that hashes and counts what passes; its clones are the same reader.
struct Metered<R> {
    state: Rc<RefCell<State<R>>>,
}

struct State<R> {
    inner: R,
    hash: Sha256,
    count: u64,
}

impl<R> Metered<R> {
    fn new(inner: R) -> Self {
        let hash = Sha256::new();
        Self {
            state: Rc::new(RefCell::new(State {
                inner,
                hash,
                count: 0,
            })),
        }
    }

    fn digest(&self) -> Digest {
        Digest::from_hash(self.state.borrow().hash.clone())
    }

    fn count(&self) -> u64 {
        self.state.borrow().count
    }
}

impl<R> Clone for Metered<R> {
    fn clone(&self) -> Self {
        Self {
            state: Rc::clone(&self.state),
        }
    }
}

impl<R: Read> Read for Metered<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut state = self.state.borrow_mut();
        let length = state.inner.read(buffer)?;
        state.hash.update(&buffer[..length]);
        state.count += length as u64;
        Ok(length)
    }
}
