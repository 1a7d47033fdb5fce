//! Who runs the doctor, and how they can run commands as root: the advice must be one that they can follow.

use super::Finding;
use super::tools::program;
use crate::serve::sudo;
use crate::settings::Place;
use rustix::process::{geteuid, getgid, getgroups};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Command, Stdio};

/// How the caller runs commands as root.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Caller {
    /// They are root.
    Root,
    /// They have sudo.
    Sudo,
    /// They cannot.
    Nobody,
}

/// What sudo answers the caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum SudoAnswer {
    /// It is not installed.
    Missing,
    /// It lets them, without a question.
    Yes,
    /// It asks for a password; whether it lets them then is likely, or not.
    AsksPassword(Chance),
    /// It does not let them.
    No(String),
}

/// Whether a user is in a group that sudo usually lets do everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Chance {
    Good,
    Poor,
}

/// Whether the caller's host agent runs, so that nobody has to become root for one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Agent {
    Answers,
    Silent,
}

/// Groups that may do everything by sudo: Debian's, others', and Ubuntu's of old.
const ADMINS: [&str; 3] = ["sudo", "wheel", "admin"];

impl Caller {
    /// Works it out from sudo's answer; none is root's.
    pub(super) fn of(answer: Option<&SudoAnswer>) -> Self {
        match answer {
            None => Self::Root,
            Some(SudoAnswer::Yes | SudoAnswer::AsksPassword(_)) => Self::Sudo,
            Some(SudoAnswer::Missing | SudoAnswer::No(_)) => Self::Nobody,
        }
    }

    /// Writes a command of root's so that the caller can have it run.
    pub(super) fn command(self, command: &str) -> String {
        match self {
            Self::Root => command.to_owned(),
            Self::Sudo => format!("sudo {command}"),
            Self::Nobody => format!("ask root to run `{command}`"),
        }
    }

    /// Writes what only root can do, in words that begin with a verb.
    pub(super) fn task(self, words: &str) -> String {
        match self {
            Self::Root | Self::Sudo => words.to_owned(),
            Self::Nobody => format!("ask root to {words}"),
        }
    }

    /// Writes how a package of Debian's name is installed.
    pub(super) fn install(self, package: &str) -> String {
        match program("apt-get") {
            Some(_) => self.command(&format!("apt-get install -y {package}")),
            None => self.task(&format!("install {package}, or what it is called here")),
        }
    }
}

/// Asks sudo; none for root, who needs no other way.
pub(super) fn ask_sudo() -> Option<SudoAnswer> {
    if geteuid().is_root() {
        return None;
    }
    let Some(sudo) = program("sudo") else {
        return Some(SudoAnswer::Missing);
    };
    let mut command = Command::new(sudo);
    command.args(["-n", "true"]).env("LC_ALL", "C");
    let ran = command.stdin(Stdio::null()).output();
    Some(match ran {
        Ok(ran) if ran.status.success() => SudoAnswer::Yes,
        Ok(ran) => understood(&String::from_utf8_lossy(&ran.stderr), chance()),
        Err(error) => SudoAnswer::No(error.to_string()),
    })
}

/// Reads why sudo did not run a command without a question.
fn understood(stderr: &str, chance: Chance) -> SudoAnswer {
    if stderr.contains("password is required") {
        return SudoAnswer::AsksPassword(chance);
    }
    let first = stderr.lines().find(|line| !line.trim().is_empty());
    let why = first.unwrap_or("it gave no reason").trim();
    SudoAnswer::No(why.trim_start_matches("sudo: ").to_owned())
}

fn chance() -> Chance {
    let mut own = getgroups().unwrap_or_default();
    own.push(getgid());
    let text = std::fs::read_to_string("/etc/group").unwrap_or_default();
    let mut groups = text.lines().filter_map(|line| {
        let mut fields = line.split(':');
        Some((fields.next()?, fields.nth(1)?.parse::<u32>().ok()?))
    });
    let is_admin =
        groups.any(|(name, id)| ADMINS.contains(&name) && own.iter().any(|gid| gid.as_raw() == id));
    match is_admin {
        true => Chance::Good,
        false => Chance::Poor,
    }
}

/// Looks whether the caller's host agent answers.
pub(super) fn agent(place: &Place) -> Agent {
    match UnixStream::connect(&place.host_socket) {
        Ok(_) => Agent::Answers,
        Err(_) => Agent::Silent,
    }
}

/// Says whether the caller can have pods made here.
pub(super) fn privileges(answer: Option<&SudoAnswer>, agent: Agent, place: &Place) -> Finding {
    const NAME: &str = "privileges";
    let by_root = || {
        let line = sudo::host_line(place).unwrap_or_else(|_| "livery host --detach".to_owned());
        format!("ask root to run `{line}`, or use a control plane elsewhere with `--server`")
    };
    match (answer, agent) {
        (None, _) => Finding::good(NAME, "root"),
        (Some(_), Agent::Answers) => {
            Finding::good(NAME, "not root; a host agent that runs as root answers you")
        }
        (Some(SudoAnswer::Yes), Agent::Silent) => Finding::good(NAME, "sudo, without a password"),
        (Some(SudoAnswer::AsksPassword(Chance::Good)), Agent::Silent) => Finding::limited(
            NAME,
            "sudo asks for your password when the host agent starts",
            "sudo -v",
        ),
        (Some(SudoAnswer::AsksPassword(Chance::Poor)), Agent::Silent) => Finding::limited(
            NAME,
            format!(
                "sudo asks for a password, and may refuse you then: you are in none of the groups {}",
                ADMINS.join(", ")
            ),
            format!("try `sudo -v`; if it refuses, {}", by_root()),
        ),
        (Some(SudoAnswer::Missing), Agent::Silent) => {
            Finding::bad(NAME, "not root, and there is no sudo", by_root())
        }
        (Some(SudoAnswer::No(why)), Agent::Silent) => {
            let found = format!("not root, and sudo does not let you: {why}");
            Finding::bad(NAME, found, by_root())
        }
    }
}

/// Returns the name of a user, or the number where there is none.
pub(super) fn user_name(uid: u32) -> String {
    let text = std::fs::read_to_string(Path::new("/etc/passwd")).unwrap_or_default();
    let found = text.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(uid)).then(|| name.to_owned())
    });
    found.unwrap_or_else(|| format!("user {uid}"))
}

#[cfg(test)]
mod tests {
    use super::super::Health;
    use super::*;

    fn place() -> Place {
        Place {
            data_dir: "/home/ada/.local/share/livery".into(),
            socket: "/run/user/1000/livery.sock".into(),
            host_data_dir: "/var/lib/livery/users/1000".into(),
            host_socket: "/run/livery/users/1000/host.sock".into(),
        }
    }

    #[test]
    fn a_command_of_roots_is_written_for_its_reader() {
        let written = |caller: Caller| caller.command("modprobe loop");
        assert_eq!(written(Caller::Root), "modprobe loop");
        assert_eq!(written(Caller::Sudo), "sudo modprobe loop");
        assert_eq!(written(Caller::Nobody), "ask root to run `modprobe loop`");
    }

    #[test]
    fn what_sudo_answers_is_understood() {
        let answer = |stderr: &str| understood(stderr, Chance::Poor);
        assert_eq!(
            answer("sudo: a password is required\n"),
            SudoAnswer::AsksPassword(Chance::Poor)
        );
        let strange = "sudo: you do not exist in the passwd database\n";
        let why = "you do not exist in the passwd database";
        assert_eq!(answer(strange), SudoAnswer::No(why.to_owned()));
        assert_eq!(answer(""), SudoAnswer::No("it gave no reason".to_owned()));
    }

    #[test]
    fn each_caller_gets_advice_that_they_can_follow() {
        let found =
            |answer: Option<SudoAnswer>, agent| privileges(answer.as_ref(), agent, &place());
        assert_eq!(found(None, Agent::Silent).health, Health::Good);
        // An agent that runs makes sudo needless.
        let with_agent = found(Some(SudoAnswer::Missing), Agent::Answers);
        assert_eq!((with_agent.health, with_agent.mend), (Health::Good, None));
        let may = found(Some(SudoAnswer::AsksPassword(Chance::Good)), Agent::Silent);
        assert_eq!(may.mend.as_deref(), Some("sudo -v"));
        for answer in [
            SudoAnswer::Missing,
            SudoAnswer::No("ada may not run sudo".to_owned()),
        ] {
            let none = found(Some(answer), Agent::Silent);
            assert_eq!(none.health, Health::Bad);
            let mend = none.mend.unwrap();
            // Complete, so that root can copy it: whose agent it is, and where.
            for part in [
                "ask root",
                "host --detach",
                "/var/lib/livery/users/1000",
                "--owner",
            ] {
                assert!(mend.contains(part), "no `{part}` in: {mend}");
            }
            assert!(!mend.contains("sudo"), "{mend}");
        }
        let poor = found(Some(SudoAnswer::AsksPassword(Chance::Poor)), Agent::Silent);
        assert!(poor.found.contains("sudo, wheel, admin"), "{poor:?}");
        assert!(poor.mend.unwrap().contains("ask root"));
    }
}
