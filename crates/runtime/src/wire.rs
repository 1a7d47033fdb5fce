//! What the shim and the pod's first process say to each other over a unix socket.
//!
//! The socket is a file in the pod's directory on this machine, out of reach from inside the pod.
//! Everything that comes from the pod's side is still read with care: whoever is root in there may
//! have got hold of that process.

use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use rustix::fs::{Mode, OFlags};
use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, SocketAddrUnix, SocketFlags, SocketType, recvmsg, sendmsg,
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::error::{Context, Error};
use crate::spec::{CommandSpec, Streams};
use crate::state::Exit;

/// Longest message accepted; a command line and its variables fit many times over.
const MAX_MESSAGE: usize = 16 << 20;

/// How long the pod's first process may take to accept a connection, to read a message or to answer
/// one. It does nothing that takes long; but it may be stopped, or starved by what else runs in its pod.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// Most descriptors in one message.
const MAX_DESCRIPTORS: usize = 3;

/// What the machine's side asks of the pod's first process.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Request {
    /// Run a command. On pipes, its three streams come along.
    Run {
        /// The task it is, when others shall find it by that name.
        task: Option<String>,
        command: CommandSpec,
        streams: Streams,
        /// What a terminal measures before anything runs on it.
        size: Option<Size>,
    },
    /// Send a signal to the command that this connection runs.
    Signal(i32),
    /// Send a signal to everything a task started.
    SignalTask { task: String, signal: i32 },
}

/// Rows and columns of a terminal.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Size {
    pub rows: u16,
    pub columns: u16,
}

impl From<Size> for rustix::termios::Winsize {
    fn from(size: Size) -> Self {
        Self {
            ws_row: size.rows,
            ws_col: size.columns,
            ws_xpixel: 0,
            ws_ypixel: 0,
        }
    }
}

/// What the pod's first process answers.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Reply {
    /// The command runs. On a terminal, its controlling end comes along.
    Started,
    /// The command could not be started.
    Refused { code: i32, reason: String },
    /// The command ended.
    Ended(Exit),
    /// The task was signalled, or was gone already.
    Signalled,
}

/// Connects to the pod's first process. Whatever is said over the stream must go through in time too.
///
/// Socket names are limited to 108 bytes and data directories may be deep, so the name is taken
/// relative to an open directory.
pub(crate) fn connect(socket: &Path) -> io::Result<UnixStream> {
    let flags = SocketFlags::CLOEXEC;
    let stream = rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
    // Set before connecting: that waits, too, when many others do already.
    for direction in [Timeout::Send, Timeout::Recv] {
        set_socket_timeout(&stream, direction, Some(PATIENCE))?;
    }
    short_name(socket, |name| {
        rustix::net::connect(&stream, &SocketAddrUnix::new(name)?)?;
        Ok(())
    })?;
    Ok(stream.into())
}

/// Says what was tried with the pod's first process and failed; silence is an error of its own.
pub(crate) fn with_init<T>(result: io::Result<T>, action: &'static str) -> Result<T, Error> {
    match result {
        Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock) => Err(Error::Silent),
        other => other.during(action),
    }
}

/// Calls `act` with a name for `socket` that is short enough for the kernel.
pub(crate) fn short_name<T>(
    socket: &Path,
    act: impl FnOnce(&Path) -> io::Result<T>,
) -> io::Result<T> {
    use std::os::fd::AsRawFd;
    let (Some(parent), Some(name)) = (socket.parent(), socket.file_name()) else {
        return Err(io::ErrorKind::InvalidInput.into());
    };
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let parent = rustix::fs::open(parent, flags, Mode::empty())?;
    let short = Path::new("/proc/self/fd")
        .join(parent.as_raw_fd().to_string())
        .join(name);
    act(&short)
}

/// Sends one message with the descriptors that belong to it.
pub(crate) fn send(
    stream: &UnixStream,
    message: &impl Serialize,
    descriptors: &[BorrowedFd<'_>],
) -> io::Result<()> {
    let body = serde_json::to_vec(message)?;
    let length = u32::try_from(body.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_DESCRIPTORS))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    if !descriptors.is_empty() && !ancillary.push(SendAncillaryMessage::ScmRights(descriptors)) {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    // The descriptors ride on the first byte of the length, so they cannot part from the message.
    let head = length.to_le_bytes();
    let flags = SendFlags::NOSIGNAL;
    let sent = sendmsg(stream, &[IoSlice::new(&head)], &mut ancillary, flags)?;
    let mut writer = stream;
    writer.write_all(&head[sent..])?;
    writer.write_all(&body)
}

/// Receives one message; none when the other side hung up between two.
pub(crate) fn receive<T: DeserializeOwned>(
    stream: &UnixStream,
) -> io::Result<Option<(T, Vec<OwnedFd>)>> {
    let mut head = [0; 4];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_DESCRIPTORS))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let flags = RecvFlags::CMSG_CLOEXEC;
    let got = loop {
        let mut slices = [IoSliceMut::new(&mut head)];
        match recvmsg(stream.as_fd(), &mut slices, &mut ancillary, flags) {
            Err(rustix::io::Errno::INTR) => {}
            other => break other?.bytes,
        }
    };
    if got == 0 {
        return Ok(None);
    }
    let mut descriptors = Vec::new();
    for message in ancillary.drain() {
        if let RecvAncillaryMessage::ScmRights(received) = message {
            descriptors.extend(received);
        }
    }
    let mut reader = stream;
    reader.read_exact(&mut head[got..])?;
    let length = usize::try_from(u32::from_le_bytes(head)).unwrap_or(usize::MAX);
    if length > MAX_MESSAGE {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok(Some((serde_json::from_slice(&body)?, descriptors)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_arrives_with_its_descriptors() {
        let (here, there) = UnixStream::pair().unwrap();
        let (mut read_end, write_end) = std::io::pipe().unwrap();
        let request = Request::Signal(15);
        send(&here, &request, &[write_end.as_fd()]).unwrap();
        drop(write_end);
        drop(here);
        let (message, mut descriptors) = receive::<Request>(&there).unwrap().unwrap();
        assert!(matches!(message, Request::Signal(15)));
        let mut writer = std::fs::File::from(descriptors.pop().unwrap());
        writer.write_all(b"through").unwrap();
        drop(writer);
        let mut text = String::new();
        read_end.read_to_string(&mut text).unwrap();
        assert_eq!(text, "through");
        assert!(receive::<Request>(&there).unwrap().is_none());
    }

    #[test]
    fn an_absurd_length_is_refused() {
        let (mut here, there) = UnixStream::pair().unwrap();
        here.write_all(&u32::MAX.to_le_bytes()).unwrap();
        assert!(receive::<Request>(&there).is_err());
    }
}
