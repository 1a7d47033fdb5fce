//! An interactive command in a pod: this terminal's bytes in, its output out, its exit code back.

use crate::failure::{Ending, Failure};
use crate::terminal::{self, RawMode};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use livery_api::dto::{ExecSpec, Window};
use livery_api::{Client, Duplex};
use livery_host_api::frame::Frame;
use tokio::io::{AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

/// Where the command's input comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Input {
    /// Standard input.
    Stdin,
    /// Nowhere: it is at its end at once.
    Nothing,
}

/// How often Ctrl-C must be pressed until the session is left, whatever the command does.
const INTERRUPTS_MAX: u32 = 3;

const SIGHUP: i32 = 1;
const SIGINT: i32 = 2;
const SIGTERM: i32 = 15;

/// Runs a command in a pod and returns how it ended. With a terminal, this one is raw meanwhile.
pub async fn run(
    client: &Client,
    pod: &str,
    spec: &ExecSpec,
    input: Input,
) -> anyhow::Result<Ending> {
    let duplex = client.pod_exec(pod, spec).await?;
    let raw = match spec.tty {
        Some(_) => Some(RawMode::enter()?),
        None => None,
    };
    let result = pump(duplex, spec.tty, input).await;
    // Before anything else is printed.
    drop(raw);
    result
}

async fn pump(duplex: Duplex, tty: Option<Window>, input: Input) -> anyhow::Result<Ending> {
    let reader = match input {
        Input::Stdin => Some(tokio::spawn(send_stdin(duplex.input.clone()))),
        Input::Nothing => {
            // A command that has ended already needs no input.
            let _ = duplex.input.send(Frame::StdinEnd.to_bytes()).await;
            None
        }
    };
    let signals = tokio::spawn(send_signals(duplex.input, tty));
    let ending = receive(duplex.output).await;
    if let Some(reader) = reader {
        reader.abort();
    }
    signals.abort();
    ending
}

/// Writes what comes back where it belongs, until the command's exit code comes.
async fn receive(mut output: livery_api::ByteStream) -> anyhow::Result<Ending> {
    let mut stdout = tokio::io::stdout();
    let mut stderr = tokio::io::stderr();
    let mut buffer = BytesMut::new();
    while let Some(piece) = output.next().await {
        buffer.extend_from_slice(&piece?);
        while let Some(frame) = Frame::decode(&mut buffer)? {
            match frame {
                Frame::Stdout(bytes) => write(&mut stdout, &bytes).await?,
                Frame::Stderr(bytes) => write(&mut stderr, &bytes).await?,
                Frame::Exit(code) => {
                    return Ok(Ending::Code(u8::try_from(code & 0xff).unwrap_or(1)));
                }
                Frame::Failed(message) => return Err(Failure::failed(message).into()),
                Frame::Stdin(_) | Frame::StdinEnd | Frame::Resize(..) | Frame::Signal(_) => {
                    return Err(Failure::failed("the server sent what only a client sends").into());
                }
            }
        }
    }
    let message = "the session ended without the command's exit code";
    let hint = "the pod or its host may be gone: `livery pods` shows what there is";
    Err(Failure::failed(message).hint(hint).into())
}

async fn write(to: &mut (impl AsyncWrite + Unpin), bytes: &Bytes) -> std::io::Result<()> {
    to.write_all(bytes).await?;
    to.flush().await
}

async fn send_stdin(input: mpsc::Sender<Bytes>) {
    let mut stdin = tokio::io::stdin();
    let mut buffer = vec![0_u8; 64 << 10];
    loop {
        let frame = match stdin.read(&mut buffer).await {
            // An input that cannot be read any more is at its end.
            Ok(0) | Err(_) => Frame::StdinEnd,
            Ok(count) => Frame::Stdin(Bytes::copy_from_slice(&buffer[..count])),
        };
        let at_end = frame == Frame::StdinEnd;
        if input.send(frame.to_bytes()).await.is_err() || at_end {
            return;
        }
    }
}

/// Hands the user's signals to the command. With a terminal there, Ctrl-C is a byte like any other
/// and only the size and the end of this terminal matter.
async fn send_signals(input: mpsc::Sender<Bytes>, tty: Option<Window>) -> std::io::Result<()> {
    let mut resize = signal(SignalKind::window_change())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hangup = signal(SignalKind::hangup())?;
    let mut interrupts = 0;
    loop {
        let frame = tokio::select! {
            _ = resize.recv() => match tty {
                Some(_) => {
                    let size = terminal::window();
                    Frame::Resize(size.columns, size.rows)
                }
                None => continue,
            },
            _ = interrupt.recv() => {
                interrupts += 1;
                if interrupts == INTERRUPTS_MAX {
                    // Dropping the only sender ends the session, and the command with it.
                    return Ok(());
                }
                Frame::Signal(SIGINT)
            }
            _ = terminate.recv() => Frame::Signal(SIGTERM),
            _ = hangup.recv() => Frame::Signal(SIGHUP),
            () = input.closed() => return Ok(()),
        };
        if input.send(frame.to_bytes()).await.is_err() {
            return Ok(());
        }
    }
}
