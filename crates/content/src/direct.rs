//! Reading and writing large blobs past the kernel's page cache.
//!
//! A large blob is written once and read about once. Kept in the page cache it would push out what
//! a training job reads again and again, and on a virtual machine filling fresh pages takes several
//! times as long as the disk does. File systems that cannot do it are used in the ordinary way.

use std::cell::RefCell;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

use bytes::Bytes;
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};

/// Blobs below this are better off in the page cache.
const MIN_LEN: usize = 1 << 20;
/// Direct I/O works in whole blocks at addresses that are multiples of a block.
const BLOCK_LEN: usize = 4 << 10;
/// How much is written at a time.
const PIECE_LEN: usize = 4 << 20;

/// Creates a file that must not be there and writes all of it.
pub(crate) fn write_new(path: &Path, body: &[u8]) -> io::Result<()> {
    let mut options = File::options();
    options.write(true).create_new(true);
    if body.len() < MIN_LEN {
        return options.open(path)?.write_all(body);
    }
    options.custom_flags(direct_flag());
    match options.open(path).and_then(|file| write_direct(file, body)) {
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => {}
        result => return result,
    }
    // Opening may have been refused before or after the file was made.
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    File::create_new(path)?.write_all(body)
}

/// Reads a file that was opened for reading and has this length.
pub(crate) fn read(mut file: File, path: &Path, len: usize) -> io::Result<Bytes> {
    if len < MIN_LEN {
        let mut body = Vec::with_capacity(len);
        file.read_to_end(&mut body)?;
        return Ok(body.into());
    }
    let mut options = File::options();
    options.read(true).custom_flags(direct_flag());
    match options.open(path).and_then(|file| read_direct(file, len)) {
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => {}
        result => return result,
    }
    let mut body = Vec::with_capacity(len);
    file.read_to_end(&mut body)?;
    Ok(body.into())
}

/// Writes whole blocks at an offset that is a multiple of a block, into a file that was opened for
/// direct I/O; an error of the kind `InvalidInput` says that this cannot be done there.
pub(crate) fn write_blocks_at(file: &File, blocks: &[u8], offset: u64) -> io::Result<()> {
    thread_local! {
        static BUFFER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    }
    if blocks.as_ptr().align_offset(BLOCK_LEN) == 0 {
        return file.write_all_at(blocks, offset);
    }
    BUFFER.with_borrow_mut(|buffer| {
        buffer.resize(PIECE_LEN + BLOCK_LEN, 0);
        let start = buffer.as_ptr().align_offset(BLOCK_LEN).min(BLOCK_LEN);
        let mut offset = offset;
        for piece in blocks.chunks(PIECE_LEN) {
            let aligned = &mut buffer[start..start + piece.len()];
            aligned.copy_from_slice(piece);
            file.write_all_at(aligned, offset)?;
            offset += piece.len() as u64;
        }
        Ok(())
    })
}

fn write_direct(file: File, body: &[u8]) -> io::Result<()> {
    let (blocks, rest) = body.split_at(body.len() - body.len() % BLOCK_LEN);
    write_blocks_at(&file, blocks, 0)?;
    if !rest.is_empty() {
        let flags = fcntl_getfl(&file)?;
        fcntl_setfl(&file, flags.difference(OFlags::DIRECT))?;
        file.write_all_at(rest, blocks.len() as u64)?;
    }
    Ok(())
}

fn read_direct(mut file: File, len: usize) -> io::Result<Bytes> {
    let room = len.next_multiple_of(BLOCK_LEN);
    let mut buffer = vec![0; room + BLOCK_LEN];
    let start = buffer.as_ptr().align_offset(BLOCK_LEN).min(BLOCK_LEN);
    let mut done = 0;
    while done < room {
        match file.read(&mut buffer[start + done..start + room]) {
            Ok(0) => break,
            Ok(count) => done += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(Bytes::from(buffer).slice(start..start + done))
}

fn direct_flag() -> i32 {
    OFlags::DIRECT.bits().cast_signed()
}
