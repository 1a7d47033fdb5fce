//! Runs an interactive command in a pod and joins it to a client.

use super::input::{Control, InputEnd, feed};
use super::terminal::Terminal;
use crate::activity::Visit;
use crate::agent::Core;
use crate::content::receiver_stream;
use crate::error::{of_io, of_runtime};
use bytes::Bytes;
use livery_host_api::dto::{ExecSpec, Window};
use livery_host_api::frame::Frame;
use livery_host_api::{ByteStream, Error};
use livery_runtime::{CommandSpec, Streams};
use livery_units::PodId;
use rustix::process::{Pid, Signal, kill_process};
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::Child;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// How long a command may take to end after its client has gone.
const HANG_UP_GRACE: Duration = Duration::from_secs(5);
/// What the command wrote is in the pipe when it ends; who still writes after this pause of silence
/// is a background process that it left behind.
const SILENCE: Duration = Duration::from_millis(100);
/// Most bytes in one frame.
const PIECE_BYTES: usize = 32 << 10;
/// Frames that may wait for the client.
const FRAMES_WAITING: usize = 16;

type Out = mpsc::Sender<Result<Bytes, Error>>;

/// Starts a command and returns its frames.
pub(crate) async fn exec(
    core: &Arc<Core>,
    pod: &PodId,
    spec: &ExecSpec,
    input: ByteStream,
) -> Result<ByteStream, Error> {
    if spec.argv.is_empty() {
        return Err(Error::Invalid("the command is empty".to_owned()));
    }
    let found = core.find(pod)?;
    let id = found.id.clone();
    let wanted = runtime_spec(spec);
    let window = spec.tty;
    let started = core
        .blocking(move |core| {
            let command = core.runtime.exec_command(&id, &wanted);
            command.map_err(of_runtime)
        })
        .await?;
    let session =
        spawn(started.into(), window).map_err(|error| of_io("start the command's shim", &error))?;
    let (sender, receiver) = mpsc::channel(FRAMES_WAITING);
    let stop = core.stop.clone();
    let visit = Visit::begin(found);
    core.tasks.spawn(async move {
        session.attend(input, sender, stop).await;
        drop(visit);
    });
    Ok(receiver_stream(receiver))
}

/// Says a command in the runtime's words.
pub(crate) fn runtime_spec(spec: &ExecSpec) -> livery_runtime::ExecSpec {
    livery_runtime::ExecSpec {
        command: CommandSpec {
            argv: spec.argv.clone(),
            env: spec.env.clone().into_iter().collect(),
            workdir: spec.workdir.as_ref().map(PathBuf::from),
            user: None,
        },
        streams: match spec.tty {
            Some(_) => Streams::Terminal,
            None => Streams::Pipes,
        },
    }
}

/// A command that runs, with its streams.
struct Session {
    child: Child,
    terminal: Option<Terminal>,
}

fn spawn(mut command: tokio::process::Command, tty: Option<Window>) -> std::io::Result<Session> {
    command.kill_on_drop(true);
    let terminal = match tty {
        None => {
            command.stdin(Stdio::piped());
            command.stdout(Stdio::piped()).stderr(Stdio::piped());
            None
        }
        Some(window) => {
            let (terminal, far) = Terminal::open(window)?;
            command.stdin(far.try_clone()?);
            command.stdout(far.try_clone()?).stderr(far);
            Some(terminal)
        }
    };
    Ok(Session {
        child: command.spawn()?,
        terminal,
    })
}

impl Session {
    /// Joins the command to its client until it has ended and everything was sent.
    async fn attend(mut self, input: ByteStream, out: Out, stop: CancellationToken) {
        let (control, mut controls) = mpsc::channel(4);
        let mut readers = JoinSet::new();
        let feeder = match (&self.terminal, self.child.stdin.take()) {
            (Some(terminal), _) => {
                let writer = terminal.clone();
                readers.spawn(copy(writer.clone(), Frame::Stdout, out.clone()));
                tokio::spawn(feed(input, writer, InputEnd::Type, control))
            }
            (None, Some(stdin)) => {
                if let Some(stdout) = self.child.stdout.take() {
                    readers.spawn(copy(stdout, Frame::Stdout, out.clone()));
                }
                if let Some(stderr) = self.child.stderr.take() {
                    readers.spawn(copy(stderr, Frame::Stderr, out.clone()));
                }
                tokio::spawn(feed(input, stdin, InputEnd::Close, control))
            }
            // Pipes were asked for, so there is one.
            (None, None) => return,
        };
        let ended = self.wait(&mut controls, &out, stop).await;
        feeder.abort();
        drain(&mut readers, &out).await;
        let last = match ended {
            Ok(status) => Frame::Exit(code(status)),
            Err(error) => Frame::Failed(format!("the command was lost: {error}")),
        };
        // A client that is gone misses nothing.
        let _ = out.send(Ok(last.to_bytes())).await;
    }

    /// Waits for the command's end and does what the client wants meanwhile.
    async fn wait(
        &mut self,
        controls: &mut mpsc::Receiver<Control>,
        out: &Out,
        stop: CancellationToken,
    ) -> std::io::Result<ExitStatus> {
        loop {
            let control = tokio::select! {
                ended = self.child.wait() => return ended,
                () = out.closed() => Control::HangUp,
                () = stop.cancelled() => Control::HangUp,
                Some(control) = controls.recv() => control,
            };
            match control {
                Control::Signal(signal) => self.signal(signal),
                Control::Resize(columns, rows) => {
                    if let Some(terminal) = &self.terminal {
                        // A terminal that is closing needs no size.
                        let _ = terminal.resize(Window { columns, rows });
                    }
                }
                Control::HangUp => return self.hang_up().await,
            }
        }
    }

    /// Ends a command whose client is gone: politely, then for certain.
    async fn hang_up(&mut self) -> std::io::Result<ExitStatus> {
        self.signal(Signal::HUP.as_raw());
        if let Ok(ended) = tokio::time::timeout(HANG_UP_GRACE, self.child.wait()).await {
            return ended;
        }
        self.child.start_kill()?;
        self.child.wait().await
    }

    /// Sends a signal to the command by way of its shim; one that has ended gets none.
    fn signal(&self, signal: i32) {
        let id = self.child.id().and_then(|id| i32::try_from(id).ok());
        if let (Some(pid), Some(signal)) =
            (id.and_then(Pid::from_raw), Signal::from_named_raw(signal))
        {
            let _ = kill_process(pid, signal);
        }
    }
}

/// Sends what a stream of the command says until it ends or the client is gone.
async fn copy(mut from: impl AsyncRead + Unpin, frame: impl Fn(Bytes) -> Frame, out: Out) {
    loop {
        let mut piece = Vec::with_capacity(PIECE_BYTES);
        match from.read_buf(&mut piece).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        if out.send(Ok(frame(piece.into()).to_bytes())).await.is_err() {
            return;
        }
    }
}

/// Waits until all output was sent, or until only background processes hold the streams open.
async fn drain(readers: &mut JoinSet<()>, out: &Out) {
    loop {
        let before = out.capacity();
        match tokio::time::timeout(SILENCE, readers.join_next()).await {
            Ok(None) => return,
            Ok(Some(_)) => {}
            // Frames that wait for a slow client are no silence.
            Err(_) if out.capacity() < FRAMES_WAITING || before < FRAMES_WAITING => {}
            Err(_) => return,
        }
        if out.is_closed() {
            return;
        }
    }
}

/// Returns the code that a shell would report.
fn code(status: ExitStatus) -> i32 {
    let signal = status.signal().map(|signal| 128 + signal);
    status.code().or(signal).unwrap_or(-1)
}
