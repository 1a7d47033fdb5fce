//! The files of an OCI layout or a `docker save` archive, in a directory or in a tar file.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, Mode, OFlags, ResolveFlags};
use tar::Archive;

use crate::layer::{Compression, decompressed};
use crate::unpack::Fence;

/// Named files, wherever they lie.
#[derive(Debug)]
pub(crate) enum Files {
    /// Files in a directory.
    Directory(PathBuf),
    /// Files in a tar file, by name, with where they begin and how long they are.
    Tar {
        file: TarFile,
        entries: BTreeMap<String, (u64, u64)>,
    },
}

/// A tar file, and whose it is.
#[derive(Debug)]
pub(crate) enum TarFile {
    /// The user's.
    Given(PathBuf),
    /// Ours: what a compressed archive was unpacked to; it goes when we do.
    Scratch(PathBuf),
}

impl TarFile {
    fn path(&self) -> &Path {
        match self {
            Self::Given(path) | Self::Scratch(path) => path,
        }
    }
}

impl Drop for TarFile {
    fn drop(&mut self) {
        match self {
            Self::Given(_) => {}
            // What stays is swept when the store is next opened.
            Self::Scratch(path) => drop(fs::remove_file(path)),
        }
    }
}

impl Files {
    /// Indexes a tar file; a compressed one is first unpacked to `scratch`.
    pub fn open_tar(path: &Path, scratch: PathBuf) -> io::Result<Self> {
        let mut head = Vec::new();
        open_regular(path)?.take(4).read_to_end(&mut head)?;
        match Compression::of(&head) {
            Compression::None => Ok(Self::Tar {
                file: TarFile::Given(path.to_owned()),
                entries: index(open_regular(path)?)?,
            }),
            Compression::Gzip | Compression::Zstd => {
                let mut plain = File::options()
                    .read(true)
                    .write(true)
                    .create_new(true)
                    .open(&scratch)?;
                let ours = TarFile::Scratch(scratch);
                io::copy(&mut decompressed(open_regular(path)?)?, &mut plain)?;
                plain.seek(SeekFrom::Start(0))?;
                Ok(Self::Tar {
                    entries: index(plain)?,
                    file: ours,
                })
            }
        }
    }

    /// Returns whether there is a file of this name.
    pub fn has(&self, name: &str) -> bool {
        match self {
            Self::Directory(dir) => open_beneath(dir, name).is_ok(),
            Self::Tar { entries, .. } => entries.contains_key(name),
        }
    }

    /// Opens a file for reading.
    pub fn open(&self, name: &str) -> io::Result<Box<dyn Read>> {
        match self {
            Self::Directory(dir) => Ok(Box::new(open_beneath(dir, name)?)),
            Self::Tar { file, entries } => {
                let missing = || io::Error::new(io::ErrorKind::NotFound, format!("no {name}"));
                let (offset, length) = entries.get(name).ok_or_else(missing)?;
                let mut file = File::open(file.path())?;
                file.seek(SeekFrom::Start(*offset))?;
                Ok(Box::new(file.take(*length)))
            }
        }
    }

    /// Reads a small file whole.
    pub fn read(&self, name: &str, limit: u64) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let mut file = self.open(name)?.take(limit + 1);
        file.read_to_end(&mut bytes)?;
        match bytes.len() as u64 > limit {
            true => Err(io::Error::new(
                io::ErrorKind::FileTooLarge,
                format!("{name} is absurdly large"),
            )),
            false => Ok(bytes),
        }
    }
}

/// How a file of somebody else's is opened: a named pipe must not be waited for.
const READ: OFlags = OFlags::RDONLY
    .union(OFlags::NONBLOCK)
    .union(OFlags::NOCTTY)
    .union(OFlags::CLOEXEC);

fn open_regular(path: &Path) -> io::Result<File> {
    regular(rustix::fs::openat(CWD, path, READ, Mode::empty())?.into())
}

/// Opens a file of a layout, wherever in that directory its name and its links lead: we are root,
/// and the directory may be anybody's.
fn open_beneath(dir: &Path, name: &str) -> io::Result<File> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let dir = rustix::fs::openat(CWD, dir, flags, Mode::empty())?;
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
    match rustix::fs::openat2(dir, name, READ, Mode::empty(), resolve) {
        Ok(file) => regular(file.into()),
        Err(rustix::io::Errno::XDEV) => Err(io::Error::new(
            io::ErrorKind::InvalidData,
            format!("{name} leads out of the image's directory"),
        )),
        Err(error) => Err(error.into()),
    }
}

fn regular(file: File) -> io::Result<File> {
    match file.metadata()?.is_file() {
        true => Ok(file),
        false => Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "it is no regular file",
        )),
    }
}

/// Notes where every file begins. Older `docker save` stores a repeated layer as a symbolic link.
fn index(file: File) -> io::Result<BTreeMap<String, (u64, u64)>> {
    let mut entries = BTreeMap::new();
    let mut links = Vec::new();
    let (file, gate) = Fence::new(BufReader::new(file));
    let mut archive = Archive::new(file);
    for entry in archive.entries_with_seek()? {
        let entry = entry?;
        // Content is passed over and never read, so all that is read is headers.
        gate.headers();
        let Some(name) = tidy(Path::new(""), &entry.path()?) else {
            continue;
        };
        let kind = entry.header().entry_type();
        if kind.is_file() {
            entries.insert(name, (entry.raw_file_position(), entry.size()));
        } else if kind.is_symlink() || kind.is_hard_link() {
            let target = entry.link_name()?.unwrap_or_default().into_owned();
            let base = match kind.is_symlink() {
                true => Path::new(&name)
                    .parent()
                    .unwrap_or(Path::new(""))
                    .to_owned(),
                false => PathBuf::new(),
            };
            links.extend(tidy(&base, &target).map(|target| (name, target)));
        }
    }
    for (name, target) in links {
        if let Some(&span) = entries.get(&target) {
            entries.insert(name, span);
        }
    }
    Ok(entries)
}

/// Joins two paths by name alone; a path that climbs out names nothing.
fn tidy(base: &Path, path: &Path) -> Option<String> {
    use std::path::Component;
    let mut parts: Vec<&str> = Vec::new();
    for part in base.components().chain(path.components()) {
        match part {
            Component::Normal(name) => parts.push(name.to_str()?),
            Component::ParentDir => drop(parts.pop()?),
            Component::CurDir | Component::RootDir | Component::Prefix(_) => {}
        }
    }
    Some(parts.join("/"))
}
