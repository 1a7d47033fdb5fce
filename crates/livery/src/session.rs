//! An interactive command in a pod: this terminal's bytes in, its output out, its exit code back.

use crate::failure::{Ending, Failure};
use crate::terminal::{self, RawMode};
use crate::ui::warn;
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use livery_api::dto::{ExecSpec, Window};
use livery_api::{Client, Duplex};
use livery_host_api::frame::Frame;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

/// Where the command's input comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Input {
    /// Standard input.
    Stdin,
    /// Nowhere: it is at its end at once.
    Nothing,
}

/// How long a command may be silent after a signal before the session is left.
const SIGNAL_PATIENCE: Duration = Duration::from_secs(10);

const SIGHUP: i32 = 1;
const SIGINT: i32 = 2;
const SIGTERM: i32 = 15;

/// Runs a command in a pod and returns how it ended. With a terminal, this one is raw meanwhile.
///
/// A signal for this process goes to the command. A second one ends the session, as does one that is
/// followed by neither output nor the command's end; so does the first where the command has a terminal,
/// on which it gets its signals as keys. The command is then hung up by its host.
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
    let (heard, hears) = watch::channel(());
    let ending = tokio::select! {
        ending = receive(duplex.output, &heard) => ending,
        signal = pass_signals(duplex.input, tty, hears) => {
            Ok(Ending::Code(u8::try_from(128 + signal?).unwrap_or(1)))
        }
    };
    if let Some(reader) = reader {
        reader.abort();
    }
    ending
}

/// Writes what comes back where it belongs, until the command's exit code comes.
async fn receive(
    mut output: livery_api::ByteStream,
    heard: &watch::Sender<()>,
) -> anyhow::Result<Ending> {
    let mut stdout = tokio::io::stdout();
    let mut stderr = tokio::io::stderr();
    let mut buffer = BytesMut::new();
    while let Some(piece) = output.next().await {
        heard.send_replace(());
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

/// Hands this process's signals, and the terminal's size, to the command; returns the signal that ends
/// the session.
async fn pass_signals(
    input: mpsc::Sender<Bytes>,
    tty: Option<Window>,
    mut hears: watch::Receiver<()>,
) -> std::io::Result<i32> {
    let mut resize = signal(SignalKind::window_change())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hangup = signal(SignalKind::hangup())?;
    let mut first = None;
    let mut deadline = None;
    loop {
        let number = tokio::select! {
            _ = resize.recv() => {
                if tty.is_some() {
                    let size = terminal::window();
                    send(&input, Frame::Resize(size.columns, size.rows));
                }
                continue;
            }
            _ = interrupt.recv() => SIGINT,
            _ = terminate.recv() => SIGTERM,
            _ = hangup.recv() => SIGHUP,
            Ok(()) = hears.changed(), if deadline.is_some() => {
                deadline = None;
                continue;
            }
            number = silence(first, deadline) => {
                warn("the command did not answer the signal; it is left, and its host hangs it up");
                return Ok(number);
            }
        };
        if tty.is_some() || first.is_some() {
            return Ok(number);
        }
        send(&input, Frame::Signal(number));
        first = Some(number);
        deadline = Some(Instant::now() + SIGNAL_PATIENCE);
        hears.mark_unchanged();
    }
}

/// Sends a frame behind the input that is on its way; a server that takes none does not hold us up.
fn send(input: &mpsc::Sender<Bytes>, frame: Frame) {
    let input = input.clone();
    tokio::spawn(async move { input.send(frame.to_bytes()).await });
}

/// Returns the signal that was sent once its answer is overdue.
async fn silence(sent: Option<i32>, deadline: Option<Instant>) -> i32 {
    match (sent, deadline) {
        (Some(number), Some(deadline)) => {
            tokio::time::sleep_until(deadline).await;
            number
        }
        (_, None) | (None, _) => std::future::pending().await,
    }
}
