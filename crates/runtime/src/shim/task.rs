//! The shim of a durable command: starts it in the pod, keeps its output, writes down its end.

use std::fs;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;

use rustix::event::{PollFd, PollFlags, poll};

use super::UNREACHABLE;
use super::daemon::Rest;
use super::log::{Flow, Log};
use crate::error::{Context, Error};
use crate::layout::{PodDir, TaskDir, TaskRecord, now, read_json, write_end, write_json};
use crate::process::ProcessRef;
use crate::spec::{Streams, TaskSpec};
use crate::state::{End, Exit};
use crate::wire::{self, Reply, Request};

/// Starts the task whose directory is given; the rest is to wait for its end.
pub(super) fn run(directory: PathBuf) -> Result<Rest, Error> {
    let dir = TaskDir::from_path(directory);
    let missing = || Error::BadSpec(format!("{} is not a task", dir.path().display()));
    let spec: TaskSpec = read_json(&dir.spec())?.ok_or_else(missing)?;
    let pod = dir.pod().ok_or_else(missing)?;
    let this = ProcessRef::this()
        .ok_or(io::ErrorKind::NotFound.into())
        .map_err(|error: io::Error| error)
        .during("name this process")?;
    if claim(&dir, &this)? == Claim::Taken {
        // An agent that was restarted asked again; the first one runs it.
        return Ok(Box::new(|| Ok(())));
    }

    let (log, log_end) = Log::open(&dir.log(), spec.log_limit)?;
    let mut record = TaskRecord {
        shim: this,
        since: now(),
        end: None,
        dropped_bytes: 0,
        reason: None,
    };
    let (stream, reply) = match ask(&pod, spec, &log_end) {
        Ok(answered) => answered,
        // The command was claimed, so nobody else will start it: it has ended.
        Err(silent @ Error::Silent) => {
            return refused(&dir, record, log, (UNREACHABLE, silent.to_string()));
        }
        Err(other) => return Err(other),
    };
    drop(log_end);
    match reply {
        Some(Reply::Started) => {}
        Some(Reply::Refused { code, reason }) => return refused(&dir, record, log, (code, reason)),
        Some(Reply::Ended(_) | Reply::Signalled) | None => {
            record.end = Some(end(Exit::PodEnded));
            return Ok(Box::new(move || write_end(&dir.status(), &record)));
        }
    }
    write_json(&dir.status(), &record)?;
    Ok(Box::new(move || attend(&dir, record, log, &stream)))
}

/// Asks the pod's first process to run the command; returns its answer, none if the pod ended.
fn ask(
    pod: &PodDir,
    spec: TaskSpec,
    log_end: &OwnedFd,
) -> Result<(UnixStream, Option<Reply>), Error> {
    let connected = wire::connect(&pod.socket());
    let stream = wire::with_init(connected, "reach the pod's first process")?;
    let request = Request::Run {
        task: Some(spec.id.to_string()),
        command: spec.command,
        streams: Streams::Pipes,
        size: None,
    };
    let nowhere = fs::File::open("/dev/null").on("open", "/dev/null")?;
    let streams = [nowhere.as_fd(), log_end.as_fd(), log_end.as_fd()];
    let sent = wire::send(&stream, &request, &streams);
    wire::with_init(sent, "ask the pod to run a command")?;
    let answer = wire::receive::<Reply>(&stream);
    let answer = wire::with_init(answer, "hear from the pod")?;
    Ok((stream, answer.map(|(reply, _)| reply)))
}

#[derive(PartialEq, Eq)]
enum Claim {
    Ours,
    Taken,
}

/// Makes sure that a task is run once, whoever asks however often.
///
/// The claim appears with its content, by linking, so that nobody reads an empty one.
fn claim(dir: &TaskDir, this: &ProcessRef) -> Result<Claim, Error> {
    let own = dir.path().join(format!("claim-{}.json", this.pid));
    write_json(&own, this)?;
    let linked = fs::hard_link(&own, dir.claim());
    crate::layout::remove_file(&own)?;
    match linked {
        Ok(()) => Ok(Claim::Ours),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(Claim::Taken),
        Err(error) => Err(error).on("claim", dir.claim()),
    }
}

/// A command that cannot be started is a task that ended; its log says why.
fn refused(
    dir: &TaskDir,
    mut record: TaskRecord,
    mut log: Log,
    (code, reason): (i32, String),
) -> Result<Rest, Error> {
    log.say(&reason);
    record.end = Some(end(Exit::NotStarted(code)));
    record.reason = Some(reason);
    write_json(&dir.status(), &record)?;
    Ok(Box::new(|| Ok(())))
}

fn end(exit: Exit) -> End {
    End {
        exit,
        at: now(),
        oom_kills: 0,
    }
}

fn attend(
    dir: &TaskDir,
    mut record: TaskRecord,
    mut log: Log,
    stream: &UnixStream,
) -> Result<(), Error> {
    let mut flow = Flow::Open;
    let exit = loop {
        let heard = {
            let mut polled = vec![PollFd::new(stream, PollFlags::IN)];
            if flow == Flow::Open {
                polled.push(PollFd::from_borrowed_fd(log.pipe().as_fd(), PollFlags::IN));
            }
            match poll(&mut polled, None) {
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error).during("wait for the task"),
            }
            !polled[0].revents().is_empty()
        };
        if flow == Flow::Open {
            flow = log.copy();
        }
        if heard {
            break match wire::receive::<Reply>(stream) {
                Ok(Some((Reply::Ended(exit), _))) => exit,
                Ok(Some((Reply::Started | Reply::Refused { .. } | Reply::Signalled, _)) | None)
                | Err(_) => Exit::PodEnded,
            };
        }
    };
    // What the command wrote before it ended is in the pipe by now.
    log.copy();
    record.end = Some(end(exit));
    record.dropped_bytes = log.dropped();
    write_end(&dir.status(), &record)
}
