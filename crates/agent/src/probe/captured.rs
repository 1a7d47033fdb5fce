//! Runs a command in a pod to its end, or for as long as it may take, and keeps its last output.

use crate::agent::Core;
use crate::sessions::exec;
use bytes::BytesMut;
use futures_util::{StreamExt, stream};
use livery_host_api::dto::ExecSpec;
use livery_host_api::frame::Frame;
use livery_host_api::{ByteStream, Error};
use livery_units::PodId;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// How much of the output is kept: its end, where errors are.
const OUTPUT_MAX: usize = 16 << 10;

/// How a command went.
#[derive(Debug, Default)]
pub(super) struct Captured {
    /// Its exit code; none when it did not end in time.
    pub exit_code: Option<i32>,
    output: Vec<u8>,
}

impl Captured {
    /// Says how a command went, for tests.
    #[cfg(test)]
    pub fn of(output: &str, exit_code: Option<i32>) -> Self {
        Self {
            exit_code,
            output: output.into(),
        }
    }

    /// Returns the end of the output as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.output).into_owned()
    }

    fn keep(&mut self, bytes: &[u8]) {
        self.output.extend_from_slice(bytes);
        let over = self.output.len().saturating_sub(OUTPUT_MAX);
        self.output.drain(..over);
    }
}

/// Runs a command without input.
pub(super) async fn run(
    core: &Arc<Core>,
    pod: &PodId,
    argv: &[String],
    patience: Duration,
) -> Result<Captured, Error> {
    let spec = ExecSpec {
        argv: argv.to_vec(),
        env: BTreeMap::new(),
        workdir: None,
        tty: None,
    };
    let input = stream::iter([Ok(Frame::StdinEnd.to_bytes())]).boxed();
    let output = exec(core, pod, &spec, input).await?;
    let mut captured = Captured::default();
    // Out of time: leaving the stream ends the command.
    match tokio::time::timeout(patience, collect(output, &mut captured)).await {
        Ok(collected) => collected?,
        Err(_) => captured.exit_code = None,
    }
    Ok(captured)
}

async fn collect(mut output: ByteStream, captured: &mut Captured) -> Result<(), Error> {
    let mut buffer = BytesMut::new();
    while let Some(piece) = output.next().await {
        buffer.extend_from_slice(&piece?);
        let broken = |error| Error::Internal(format!("a command's output is broken: {error}"));
        while let Some(frame) = Frame::decode(&mut buffer).map_err(broken)? {
            match frame {
                Frame::Stdout(bytes) | Frame::Stderr(bytes) => captured.keep(&bytes),
                Frame::Exit(code) => captured.exit_code = Some(code),
                Frame::Failed(why) => return Err(Error::Internal(why)),
                Frame::Stdin(_) | Frame::StdinEnd | Frame::Resize(..) | Frame::Signal(_) => {}
            }
        }
    }
    Ok(())
}
