//! The control plane that the caller's commands talk to.

use super::caller::{Agent, Caller, user_name};
use super::{Finding, places};
use crate::commands::serve::ServeSettings;
use crate::config::{ConfigFile, Given, resolve};
use crate::connect;
use crate::settings::{Place, Settings, Start, command_line};
use livery_api::Error;
use livery_api::dto::Version;
use rustix::fs::{Access, access};
use std::fs;
use std::os::unix::fs::MetadataExt;

const NAME: &str = "control plane";

/// The result of asking one.
enum Asked {
    Answers(Version),
    None,
    Fails(Error),
    /// Its socket is another user's, who alone may use it.
    ClosedBy {
        owner: u32,
    },
}

/// Asks the control plane that commands would use.
pub(super) fn control_plane(settings: &Settings, caller: Caller, agent: Agent) -> Finding {
    let asked = ask(settings);
    if let Some(server) = &settings.server {
        return elsewhere(&server.to_string(), asked);
    }
    let host = match brings_host(&settings.place) {
        true => Host::Brought,
        false => Host::NotBrought,
    };
    let can_start = match places::is_usable(&settings.place) {
        true => can_start(host, caller, agent),
        false => CanStart::NoDirectory,
    };
    own(&settings.place, asked, settings.start, can_start)
}

fn ask(settings: &Settings) -> Asked {
    let socket = &settings.place.socket;
    if settings.server.is_none()
        && let Err(rustix::io::Errno::ACCESS) = access(socket, Access::WRITE_OK)
    {
        // The directory that hides it has an owner where the socket's cannot be seen.
        let mut seen = socket
            .ancestors()
            .filter_map(|path| fs::metadata(path).ok());
        let owner = seen.next().map_or(0, |found| found.uid());
        return Asked::ClosedBy { owner };
    }
    let client = connect::existing(settings);
    match crate::cli::on_one_thread(async { Ok(client.version().await) }) {
        Ok(Ok(version)) => Asked::Answers(version),
        Ok(Err(Error::NoServer { .. })) => Asked::None,
        Ok(Err(error)) => Asked::Fails(error),
        Err(_) => Asked::None,
    }
}

/// A control plane that is named by its address: nothing here starts or ends it.
fn elsewhere(server: &str, asked: Asked) -> Finding {
    match asked {
        Asked::Answers(version) => Finding::good(
            NAME,
            format!("version {} answers at {server}", version.version),
        ),
        Asked::None => Finding::limited(
            NAME,
            format!("none answers at {server}, which `--server` or LIVERY_SERVER names"),
            "have it started there with `livery serve --listen`, or leave out `--server` and \
             LIVERY_SERVER",
        ),
        Asked::Fails(error) => {
            let mend = error.hint().unwrap_or_default();
            Finding::limited(NAME, error.to_string(), mend)
        }
        Asked::ClosedBy { owner } => closed(owner),
    }
}

fn closed(owner: u32) -> Finding {
    let owner = user_name(owner);
    Finding::limited(
        NAME,
        format!("the place of its socket is {owner}'s, and closed to you"),
        format!(
            "use it with `--server`, at an address and with a token that {owner} gives you (`livery serve \
             --listen`, `livery token create`)"
        ),
    )
}

/// Whether the next start comes with a host agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Host {
    Brought,
    NotBrought,
}

/// Whether the first command that needs a control plane can start one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum CanStart {
    Yes,
    /// Not with a host agent.
    NoHost,
    /// Not in this data directory; its own line says why.
    NoDirectory,
}

fn can_start(host: Host, caller: Caller, agent: Agent) -> CanStart {
    match (host, caller, agent) {
        (Host::Brought, Caller::Nobody, Agent::Silent) => CanStart::NoHost,
        (Host::Brought | Host::NotBrought, _, _) => CanStart::Yes,
    }
}

/// Whether a start brings a host agent. A file that cannot be used has a line of its own, so the default holds here.
fn brings_host(place: &Place) -> bool {
    let file = ConfigFile::read(&place.data_dir);
    let resolved = file.and_then(|file| resolve::<ServeSettings>(&Given::nothing(), &file));
    resolved.map_or(true, |resolved| resolved.settings.brings_host())
}

fn own(place: &Place, asked: Asked, start: Start, can_start: CanStart) -> Finding {
    let line = |words: &str| command_line(&place.data_dir, words);
    match (asked, start, can_start) {
        (Asked::Answers(version), _, _) => Finding::good(
            NAME,
            format!("version {} runs (process {})", version.version, version.pid),
        ),
        (Asked::ClosedBy { owner }, _, _) => closed(owner),
        (Asked::Fails(error), _, _) => {
            let stop = line("serve --stop");
            let mend = format!("`{stop}` ends it, pods go on, and the next command starts another");
            Finding::limited(NAME, error.to_string(), mend)
        }
        (Asked::None, _, CanStart::NoHost) => Finding::limited(
            NAME,
            "none runs, and none can start with a host agent, which needs root",
            line("serve --detach --save --no-host"),
        ),
        (Asked::None, _, CanStart::NoDirectory) => Finding::limited(
            NAME,
            "none runs, and none can start in this data directory",
            "see to the data directory first",
        ),
        (Asked::None, Start::Never, CanStart::Yes) => Finding::limited(
            NAME,
            "none runs, and LIVERY_NO_START or `--no-start` keeps commands from starting one",
            line("serve --detach"),
        ),
        (Asked::None, Start::WhenNeeded, CanStart::Yes) => Finding::good(
            NAME,
            "none runs; the first command that needs one starts it",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Health;
    use super::*;

    fn place() -> Place {
        Place {
            data_dir: "/somewhere/else".into(),
            socket: "/somewhere/else/livery.sock".into(),
            host_data_dir: "/var/lib/livery/users/1000".into(),
            host_socket: "/run/livery/users/1000/host.sock".into(),
        }
    }

    fn found(asked: Asked, start: Start, caller: Caller, agent: Agent) -> Finding {
        own(
            &place(),
            asked,
            start,
            can_start(Host::Brought, caller, agent),
        )
    }

    #[test]
    fn what_nobody_may_end_is_not_advised_to_be_ended() {
        let asked = Asked::ClosedBy { owner: 0 };
        let closed = found(asked, Start::WhenNeeded, Caller::Nobody, Agent::Silent);
        assert!(closed.found.contains("root's"), "{closed:?}");
        let mend = closed.mend.unwrap();
        assert!(
            mend.contains("--server") && !mend.contains("--stop"),
            "{mend}"
        );
    }

    #[test]
    fn a_start_that_would_fail_is_not_promised() {
        let none = |start, caller, agent| found(Asked::None, start, caller, agent);
        let by_command = none(Start::WhenNeeded, Caller::Sudo, Agent::Silent);
        assert_eq!(by_command.health, Health::Good);
        let with_agent = none(Start::WhenNeeded, Caller::Nobody, Agent::Answers);
        assert_eq!(with_agent.health, Health::Good);
        let never = none(Start::Never, Caller::Root, Agent::Silent);
        let wanted = "livery --data-dir /somewhere/else serve --detach";
        assert_eq!(never.mend.as_deref(), Some(wanted));
        let start = Start::WhenNeeded;
        let closed = own(&place(), Asked::None, start, CanStart::NoDirectory);
        assert!(!closed.mend.unwrap().contains("livery"));
        let without = none(Start::WhenNeeded, Caller::Nobody, Agent::Silent);
        assert!(without.mend.unwrap().ends_with("--save --no-host"));
    }

    #[test]
    fn one_that_hangs_is_ended_where_it_is() {
        let error = Error::Broken {
            target: "unix:///x".to_owned(),
            why: "it ended".to_owned(),
        };
        let hangs = found(
            Asked::Fails(error),
            Start::WhenNeeded,
            Caller::Root,
            Agent::Silent,
        );
        let mend = hangs.mend.unwrap();
        assert!(
            mend.contains("--data-dir /somewhere/else serve --stop"),
            "{mend}"
        );
    }

    #[test]
    fn one_elsewhere_is_not_started_or_ended_from_here() {
        let found = elsewhere("http://far:7070", Asked::None);
        let mend = found.mend.unwrap();
        assert!(
            found.found.contains("far") && !mend.contains("--stop"),
            "{mend}"
        );
    }
}
