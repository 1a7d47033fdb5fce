//! What a client sends during a session, taken apart.

use bytes::BytesMut;
use futures_util::StreamExt;
use livery_host_api::ByteStream;
use livery_host_api::frame::Frame;
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::sync::mpsc;

/// What a client wants besides giving input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Control {
    /// Send this signal to the command.
    Signal(i32),
    /// The terminal has a new size: columns, rows.
    Resize(u16, u16),
    /// The client is gone, or talks nonsense.
    HangUp,
}

/// How the end of input reaches the command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum InputEnd {
    /// The pipe is closed.
    Close,
    /// The key that ends input on a terminal is typed.
    Type,
}

/// Ctrl-D.
const END_OF_INPUT: u8 = 4;

/// Writes a client's input to the command until either of them is done with it.
///
/// A client that closes its stream after it has said that its input is over waits for the output; one
/// that closes it without a word is gone.
pub(super) async fn feed(
    mut stream: ByteStream,
    writer: impl AsyncWrite + Unpin,
    end: InputEnd,
    control: mpsc::Sender<Control>,
) {
    let mut writer = Some(writer);
    let mut buffer = BytesMut::new();
    let mut said_end = false;
    let last = loop {
        match Frame::decode(&mut buffer) {
            Ok(Some(frame)) => match frame {
                // A command that no longer reads is no reason to stop listening.
                Frame::Stdin(bytes) => {
                    if let Some(open) = &mut writer
                        && open.write_all(&bytes).await.is_err()
                    {
                        writer = None;
                    }
                }
                Frame::StdinEnd => {
                    said_end = true;
                    end_input(&mut writer, end).await;
                }
                Frame::Signal(signal) => {
                    let _ = control.send(Control::Signal(signal)).await;
                }
                Frame::Resize(columns, rows) => {
                    let _ = control.send(Control::Resize(columns, rows)).await;
                }
                Frame::Stdout(_) | Frame::Stderr(_) | Frame::Exit(_) | Frame::Failed(_) => {
                    break Some(Control::HangUp);
                }
            },
            Ok(None) => match stream.next().await {
                Some(Ok(piece)) => buffer.extend_from_slice(&piece),
                None if said_end && buffer.is_empty() => break None,
                None | Some(Err(_)) => break Some(Control::HangUp),
            },
            Err(_) => break Some(Control::HangUp),
        }
    };
    if let Some(last) = last {
        // A session that has ended needs no word.
        let _ = control.send(last).await;
    }
}

async fn end_input(writer: &mut Option<impl AsyncWrite + Unpin>, end: InputEnd) {
    match (end, writer.as_mut()) {
        (InputEnd::Type, Some(open)) => {
            let _ = open.write_all(&[END_OF_INPUT]).await;
        }
        (InputEnd::Close, Some(open)) => {
            let _ = open.shutdown().await;
            *writer = None;
        }
        (InputEnd::Type | InputEnd::Close, None) => {}
    }
}
